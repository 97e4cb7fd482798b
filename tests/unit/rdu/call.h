/* SPDX-License-Identifier: Apache-2.0 */
/* Tile kernels called one at a time, on dense views of plain arrays. */
#ifndef SF_TESTS_UNIT_RDU_CALL_H
#define SF_TESTS_UNIT_RDU_CALL_H

#include "plugins/backends/rdu/kernels.h"
#include "tests/support/sftest.h"

#define N_ISA_NAMES 4
extern const char *const isa_names[N_ISA_NAMES];

/* The ISA that a row of isa_names names; NULL when this processor lacks it. */
const RduIsa *isa_of (const void *row);

/* Whether it fuses products into sums: wherever the processor has an instruction for it. */
bool fuses_products (const RduIsa *isa);

#define ISA_OR_SKIP(isa)             \
  const RduIsa *isa = isa_of (data); \
  if (isa == NULL)                   \
  SF_SKIP ("this processor lacks the instruction set")

RduView view_of (void *memory, bool is_int, SfShape shape);

#define FVIEW(memory, ...) view_of (memory, false, SF_SHAPE (__VA_ARGS__))
#define IVIEW(memory, ...) view_of (memory, true, SF_SHAPE (__VA_ARGS__))

/* imm, fimm: NULL for zeros. */
RduFault call_kernel (const RduIsa *isa, const char *op, const RduView *srcs, int n_src,
                      const RduView *dsts, int n_dst, const int64_t *imm, const double *fimm,
                      bool first);
RduFault run_kernel (const RduKernel *kernel, const RduView *srcs, int n_src, const RduView *dsts,
                     int n_dst, const int64_t *imm, const double *fimm, bool first);

#endif
