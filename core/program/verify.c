/* SPDX-License-Identifier: Apache-2.0 */
/* sf_program_verify: the checkers in the order of the compiler's stages. */
#include "core/program/check.h"

static bool
check_config (const SfProgram *program, uint32_t config, const SfArch *arch, SfProgramCheck upto,
              GError **error)
{
  SfCheck check = { program, config, error };
  return sf_check_body (&check) && (upto < SF_CHECK_DEPTH || sf_check_depth (&check, arch))
         && (upto < SF_CHECK_PLACE || sf_check_places (&check, arch))
         && (upto < SF_CHECK_ROUTE || sf_check_routes (&check, arch));
}

bool
sf_program_verify (const SfProgram *program, const SfArch *arch, SfProgramCheck upto,
                   GError **error)
{
  if (!sf_check_tensors (program, error))
    return false;
  for (uint32_t i = 0; i < program->configs->len; i++)
    if (!check_config (program, i, arch, upto, error))
      return false;
  return sf_check_launches (program, error)
         && (upto < SF_CHECK_MEMORY || sf_check_memory (program, arch, error));
}
