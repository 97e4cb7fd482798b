/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products: those of layers forward and backward, and square ones. */
#include <stdio.h>

#include "bench/kernels.h"

static const BenchProduct products[] = {
  { 1, 256, 256, 256, false, true, "" },       { 1, 512, 512, 512, false, true, "" },
  { 1, 1024, 1024, 1024, false, true, "" },    { 1, 64, 512, 784, false, true, "x w^T" },
  { 1, 64, 784, 512, false, false, "dy w" },   { 1, 512, 784, 64, true, false, "dy^T x" },
  { 1, 256, 512, 784, false, true, "x w^T" },  { 1, 256, 784, 512, false, false, "dy w" },
  { 1, 512, 784, 256, true, false, "dy^T x" }, { 1, 64, 10, 512, false, true, "x w^T" },
  { 1, 64, 512, 10, false, false, "dy w" },    { 1, 10, 512, 64, true, false, "dy^T x" },
  { 1, 1024, 768, 256, false, true, "x w^T" }, { 1, 256, 3072, 768, false, true, "x w^T" },
  { 1, 1, 512, 784, false, true, "x w^T" },    { 1, 1, 784, 512, false, false, "dy w" },
  { 1, 4, 512, 784, false, true, "x w^T" },    { 1, 1, 10, 784, false, true, "x w^T" },
  { 32, 128, 64, 128, false, false, "p v" },   { 32, 128, 128, 64, false, true, "q k^T" },
  { 32, 128, 64, 128, true, false, "p^T dy" },
};

/* Matrices, or rows, or columns are shared out, as there are enough of them. */
static void
share (const BenchProduct *p, BenchParts *parts)
{
  if (p->batch > 1)
    bench_parts_share (parts, (const int[]){ 0, 0, 0 }, 1);
  else if (p->m >= 16 * parts->bench->n_threads)
    bench_parts_share (parts, (const int[]){ p->ta ? 1 : 0, -1, 0 }, 1);
  else
    bench_parts_share (parts, (const int[]){ -1, p->tb ? 0 : 1, 1 }, 64);
}

static BenchJob
ours (const Bench *bench, const BenchProduct *p, SfDtype dtype, bool packed)
{
  static const int64_t imm[2][2][2] = { { { 0, 0 }, { 0, 1 } }, { { 1, 0 }, { 1, 1 } } };
  const int64_t a[] = { p->batch, p->ta ? p->k : p->m, p->ta ? p->m : p->k },
                b[] = { p->batch, p->tb ? p->n : p->k, p->tb ? p->k : p->n },
                y[] = { p->batch, p->m, p->n };
  int skip = p->batch > 1 ? 0 : 1; /* matrices alone have two dimensions */
  const RduView whole[] = { bench_view (dtype, 3 - skip, a + skip),
                            bench_view (dtype, 3 - skip, b + skip),
                            bench_view (SF_F32, 3 - skip, y + skip) };
  const RduCall call = { .src = { &whole[0], &whole[1] },
                         .dst = { &whole[2] },
                         .n_src = 2,
                         .n_dst = 1,
                         .imm = imm[p->ta][p->tb],
                         .first = true };
  const RduKernel *gemm = rdu_isa_find (bench->isa, "gemm", 1), *chosen = gemm->choose (&call);
  gemm = chosen != NULL ? chosen : gemm;
  if (packed && gemm->pack == NULL)
    return (BenchJob){ 0 };
  BenchParts *parts = bench_parts_new (bench, gemm, imm[p->ta][p->tb], whole, packed);
  share (p, parts);
  return bench_parts_job (parts);
}

static void
make_row (const Bench *bench, size_t index, SfDtype dtype, BenchRow *row)
{
  const BenchProduct *p = &products[index];
  g_autofree char *batch = p->batch > 1 ? g_strdup_printf (", %d times", (int) p->batch)
                                        : g_strdup ("");
  snprintf (row->name, sizeof row->name, "%d x %d x %d%s%s%s", (int) p->m, (int) p->n, (int) p->k,
            *p->note != '\0' ? ", " : "", p->note, batch);
  row->flops = 2.0 * (double) (p->batch * p->m * p->n * p->k);
  row->jobs[0] = ours (bench, p, dtype, true);
  row->jobs[1] = ours (bench, p, dtype, false);
  row->jobs[2] = bench_onednn_product (bench, p, dtype);
}

const BenchTable bench_products = { .title = "product, m x n x k",
                                    .columns = { "packed", "as it lies", "oneDNN" },
                                    .n_rows = G_N_ELEMENTS (products),
                                    .make_row = make_row };
