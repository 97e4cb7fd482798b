/* SPDX-License-Identifier: Apache-2.0 */
/* Compile, all the way to a PEF in memory. */
#include <sf/compile.h>

SfPef *
sf_compile (SfModule *module, const SfCompileOptions *options, GError **error)
{
  static const SfCompileOptions defaults = { 0 };
  if (options == NULL)
    options = &defaults;
  g_autoptr (SfArch) arch = sf_arch_load (options->arch != NULL ? options->arch : "sn10", error);
  g_autoptr (SfModule) source = NULL;
  g_autoptr (SfProgram) program = NULL;
  if (arch == NULL || !sf_compile_program (module, options, arch, &source, NULL, &program, error))
    return NULL;
  return sf_pef_build (source, program, arch, error);
}
