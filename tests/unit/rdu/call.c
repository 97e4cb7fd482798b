/* SPDX-License-Identifier: Apache-2.0 */
/* Tile kernels called one at a time. */
#include "tests/unit/rdu/call.h"

const char *const isa_names[N_ISA_NAMES] = { "portable", "avx2", "avx512", "avx512bf16" };

const RduIsa *
isa_of (const void *row)
{
  g_setenv ("SF_ISA", *(const char *const *) row, TRUE);
  const RduIsa *isa = rdu_isa_choose (NULL);
  g_unsetenv ("SF_ISA");
  return isa;
}

bool
fuses_products (const RduIsa *isa)
{
#ifdef __FP_FAST_FMAF
  return true;
#else
  return !g_str_equal (isa->name, "portable");
#endif
}

RduView
view_of (void *memory, bool is_int, SfShape shape)
{
  RduView v
      = { .data = memory, .rank = shape.rank, .is_int = is_int, .dtype = is_int ? SF_I32 : SF_F32 };
  sf_shape_strides (&shape, v.stride);
  for (int d = 0; d < shape.rank; d++)
    {
      v.n[d] = v.dim[d] = v.valid_hi[d] = shape.dim[d];
      v.step[d] = 1;
    }
  return v;
}

/* Room for a kernel, the same for every call: much of it is never touched. */
static float *
scratch (void)
{
  static char *memory;
  if (memory == NULL)
    memory = g_malloc ((size_t) rdu_scratch_elems (4096) * 4 + 64);
  return (float *) (((uintptr_t) memory + 63) & ~(uintptr_t) 63);
}

RduFault
run_kernel (const RduKernel *kernel, const RduView *srcs, int n_src, const RduView *dsts, int n_dst,
            const int64_t *imm, const double *fimm, bool first)
{
  static const int64_t no_imm[16];
  static const double no_fimm[4];
  RduFault fault = { 0 };
  RduCall call = { .n_src = n_src,
                   .n_dst = n_dst,
                   .imm = imm != NULL ? imm : no_imm,
                   .fimm = fimm != NULL ? fimm : no_fimm,
                   .first = first,
                   .fault = &fault,
                   .scratch = scratch () };
  for (int i = 0; i < n_src; i++)
    call.src[i] = &srcs[i];
  for (int i = 0; i < n_dst; i++)
    call.dst[i] = &dsts[i];
  kernel->func (&call);
  return fault;
}

RduFault
call_kernel (const RduIsa *isa, const char *op, const RduView *srcs, int n_src, const RduView *dsts,
             int n_dst, const int64_t *imm, const double *fimm, bool first)
{
  const RduKernel *kernel = rdu_isa_find (isa, op, 1);
  SF_CHECK_MSG (kernel != NULL, "no kernel %s", op);
  return kernel != NULL ? run_kernel (kernel, srcs, n_src, dsts, n_dst, imm, fimm, first)
                        : (RduFault){ 0 };
}
