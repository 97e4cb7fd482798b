/* SPDX-License-Identifier: Apache-2.0 */
/* Every op of the table has a kernel of its version, and only collectives are refused. */
#include "plugins/backends/cpu/kernel.h"
#include "tests/support/sftest.h"

SF_TEST (CpuTable, EveryOpHasAKernel)
{
  SF_CHECK (sf_op_count () > 80);
  for (size_t k = 0; k < sf_op_count (); k++)
    {
      const SfOp *op = sf_op_at (k);
      const CpuKernel *kernel = cpu_kernel_find (sf_op_name (op), sf_op_version (op));
      if (kernel == NULL)
        sf_test_fail (__FILE__, __LINE__, "op %s version %d has no kernel", sf_op_name (op),
                      sf_op_version (op));
      else
        SF_CHECK_MSG ((kernel->run == NULL) == (sf_op_class (op) == SF_OP_COLLECTIVE)
                          && (kernel->run != NULL || kernel->detail != NULL),
                      "op %s: only collectives are refused, with a reason", sf_op_name (op));
    }
}

SF_TEST (CpuTable, OtherVersionsHaveNone)
{
  SF_CHECK (cpu_kernel_find ("add", 1) != NULL);
  SF_CHECK (cpu_kernel_find ("add", 2) == NULL);
  SF_CHECK (cpu_kernel_find ("no_such_op", 1) == NULL);
}
