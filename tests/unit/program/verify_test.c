/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier takes a sound program and refuses it broken by hand, once for each rule. */
#include "tests/support/sftest.h"
#include "tests/unit/program/sample.h"

SF_TEST (Verify, TakesSoundProgram)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  for (int upto = 0; upto < SF_N_CHECKS; upto++)
    {
      sf_program_verify (program, arch, (SfProgramCheck) upto, &error);
      SF_REQUIRE_NO_ERROR (error);
    }
}
