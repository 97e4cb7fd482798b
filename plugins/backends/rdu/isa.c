/* SPDX-License-Identifier: Apache-2.0 */
/* Which instruction set the tile kernels use: chosen once, at load. */
#include <sf/error.h>

#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/kernels_conv.h"
#include "plugins/backends/rdu/kernels_conv_winograd.h"
#include "plugins/backends/rdu/kernels_product.h"

#ifdef SF_RDU_X86
static bool
has_avx2 (void)
{
  return __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma");
}

static bool
has_avx512 (void)
{
  return has_avx2 () && __builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw")
         && __builtin_cpu_supports ("avx512dq") && __builtin_cpu_supports ("avx512vl");
}

static bool
has_avx512bf16 (void)
{
  return has_avx512 () && __builtin_cpu_supports ("avx512bf16");
}
#endif

static bool
has_portable (void)
{
  return true;
}

/* Widest first. */
static const struct
{
  const RduIsa *isa;
  bool (*is_present) (void);
} isas[] = {
#ifdef SF_RDU_X86
  { &rdu_isa_avx512bf16, has_avx512bf16 },
  { &rdu_isa_avx512, has_avx512 },
  { &rdu_isa_avx2, has_avx2 },
#endif
  { &rdu_isa_portable, has_portable },
};

const RduIsa *
rdu_isa_choose (GError **error)
{
  const char *wanted = g_getenv ("SF_ISA");
  for (size_t i = 0; i < G_N_ELEMENTS (isas); i++)
    {
      if (wanted != NULL && *wanted != '\0' && g_strcmp0 (wanted, isas[i].isa->name) != 0)
        continue;
      if (isas[i].is_present ())
        return isas[i].isa;
      if (wanted != NULL && *wanted != '\0')
        {
          sf_fail (error, SF_ERROR_INCOMPATIBLE,
                   "SF_ISA: found \"%s\", which this processor does not have; unset it", wanted);
          return NULL;
        }
    }
  sf_fail (
      error, SF_ERROR_INVALID_ARGUMENT,
      "SF_ISA: found \"%s\", wanted portable, avx2, avx512 or avx512bf16; unset it or name one of these",
      wanted);
  return NULL;
}

const RduKernel *
rdu_isa_find (const RduIsa *isa, const char *name, int version)
{
  for (const RduKernel *const *table = isa->tables; *table != NULL; table++)
    for (const RduKernel *row = *table; row->name != NULL; row++)
      if (row->version == version && g_str_equal (row->name, name))
        return row;
  return NULL;
}

int64_t
rdu_scratch_elems (int64_t row_elems)
{
  return MAX (MAX (MAX (RDU_CONV_SCRATCH, RDU_WINOGRAD_SCRATCH), RDU_PRODUCT_SCRATCH),
              3 * row_elems)
         + 16;
}
