/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions and their gradients. Images are channels-last but for those of few channels, as the
 * emulator keeps them; weights are packed. Products with padding count, whether they were done or
 * not. */
#include <stdio.h>
#include <string.h>

#include "bench/kernels.h"

/* n, c, h, w, o, kernel, stride, pad */
static const BenchConv convs[] = {
  { 16, 1, 28, 28, 6, 5, 1, 2 },     { 16, 6, 14, 14, 16, 5, 1, 0 },
  { 16, 1, 28, 28, 32, 3, 1, 1 },    { 16, 16, 14, 14, 16, 3, 1, 1 },
  { 16, 16, 14, 14, 32, 3, 2, 1 },   { 16, 32, 14, 14, 64, 3, 1, 1 },
  { 32, 3, 32, 32, 64, 3, 1, 1 },    { 4, 64, 32, 32, 64, 3, 1, 1 },
  { 16, 64, 14, 14, 128, 3, 1, 1 },  { 4, 64, 32, 32, 128, 3, 2, 1 },
  { 8, 64, 32, 32, 128, 1, 2, 0 },   { 16, 128, 16, 16, 128, 3, 1, 1 },
  { 32, 256, 8, 8, 256, 3, 1, 1 },   { 32, 512, 4, 4, 512, 3, 1, 1 },
  { 1, 3, 224, 224, 64, 7, 2, 3 },   { 1, 64, 56, 56, 64, 3, 1, 1 },
  { 1, 64, 56, 56, 256, 1, 1, 0 },   { 1, 256, 14, 14, 256, 3, 1, 1 },
  { 16, 256, 14, 14, 64, 1, 1, 0 },  { 1, 128, 28, 28, 512, 1, 1, 0 },
  { 1, 512, 28, 28, 128, 1, 1, 0 },  { 1, 256, 14, 14, 1024, 1, 1, 0 },
  { 1, 1024, 14, 14, 256, 1, 1, 0 }, { 1, 512, 7, 7, 2048, 1, 1, 0 },
  { 1, 2048, 7, 7, 512, 1, 1, 0 },   { 1, 256, 56, 56, 512, 1, 2, 0 },
};

/* What each direction reads and makes (0: x, 1: weights, 2: y), and the dimensions of these to cut
 * where there are images enough for all threads, and where there are not. */
static const struct
{
  const char *op;
  int operand[3];
  int images[3], channels[3];
} directions[] = {
  [BENCH_FORWARD] = { "conv2d", { 0, 1, 2 }, { 0, -1, 0 }, { -1, 0, 1 } },
  [BENCH_DX] = { "conv2d_dx", { 2, 1, 0 }, { 0, -1, 0 }, { -1, 1, 1 } },
  [BENCH_DW] = { "conv2d_dw", { 2, 0, 1 }, { 1, -1, 0 }, { 1, -1, 0 } },
};

/* Who computes what in the columns of the table. */
static const struct
{
  BenchDirection direction;
  enum
  {
    DIRECT,
    WINOGRAD,
    ONEDNN
  } who;
} columns[] = {
  { BENCH_FORWARD, DIRECT }, { BENCH_FORWARD, WINOGRAD }, { BENCH_FORWARD, ONEDNN },
  { BENCH_DX, DIRECT },      { BENCH_DX, WINOGRAD },      { BENCH_DX, ONEDNN },
  { BENCH_DW, DIRECT },      { BENCH_DW, WINOGRAD },      { BENCH_DW, ONEDNN },
};

static RduView
images (SfDtype dtype, int64_t n, int64_t c, int64_t h, int64_t w)
{
  RduView v = bench_view (dtype, 4, (const int64_t[]){ n, c, h, w });
  if (c <= RDU_CONV_FEW)
    return v;
  v.stride[1] = 1;
  v.stride[2] = w * c;
  v.stride[3] = c;
  return v;
}

/* The box that windows see of x: it hangs over the edges. */
static void
see_by_windows (const BenchConv *s, RduView *x)
{
  for (int d = 2; d < 4; d++)
    {
      x->lo[d] = -s->pad;
      x->n[d] = (bench_conv_out (s, x->dim[d]) - 1) * s->stride + s->kernel;
      x->valid_lo[d] = s->pad;
      x->valid_hi[d] = MIN (s->pad + x->dim[d], x->n[d]);
    }
}

/* An operand of a direction as its first or second source (place 0, 1) or what it makes (2). */
static RduView
operand (const BenchConv *s, BenchDirection direction, int place, SfDtype dtype)
{
  RduView v;
  int which = directions[direction].operand[place];
  SfDtype own = place == 2 ? SF_F32 : dtype;
  if (which == 1)
    return bench_view (own, 4, (const int64_t[]){ s->o, s->c, s->kernel, s->kernel });
  if (which == 2)
    return images (own, s->n, s->o, bench_conv_out (s, s->h), bench_conv_out (s, s->w));
  v = images (own, s->n, s->c, s->h, s->w);
  if (place < 2)
    see_by_windows (s, &v);
  return v;
}

/* Directly, or by minimal filtering: no job where the emulator would not choose that. */
static BenchJob
ours (const Bench *bench, size_t index, BenchDirection direction, SfDtype dtype, bool is_direct)
{
  static int64_t imm[G_N_ELEMENTS (convs)][6];
  const BenchConv *s = &convs[index];
  const int64_t values[] = { s->stride, s->stride, 1, 1, s->pad, s->pad };
  memcpy (imm[index], values, sizeof values);
  RduView whole[3];
  for (int i = 0; i < 3; i++)
    whole[i] = operand (s, direction, i, dtype);
  const RduKernel *kernel = rdu_isa_find (bench->isa, directions[direction].op, 1);
  const RduCall call = {
    .src = { &whole[0], &whole[1] }, .dst = { &whole[2] }, .n_src = 2, .n_dst = 1, .imm = imm[index]
  };
  if (!is_direct)
    kernel = kernel->choose != NULL ? kernel->choose (&call) : NULL;
  if (kernel == NULL)
    return (BenchJob){ .run = NULL };
  BenchParts *parts = bench_parts_new (bench, kernel, imm[index], whole, direction != BENCH_DW);
  bool enough = s->n >= bench->n_threads;
  bench_parts_share (parts, enough ? directions[direction].images : directions[direction].channels,
                     1);
  return bench_parts_job (parts);
}

static void
make_row (const Bench *bench, size_t index, SfDtype dtype, BenchRow *row)
{
  const BenchConv *s = &convs[index];
  snprintf (row->name, sizeof row->name, "%d x %d x %d x %d, %d of %d x %d / %d", (int) s->n,
            (int) s->c, (int) s->h, (int) s->w, (int) s->o, (int) s->kernel, (int) s->kernel,
            (int) s->stride);
  row->flops = 2.0
               * (double) (s->n * bench_conv_out (s, s->h) * bench_conv_out (s, s->w) * s->o * s->c
                           * s->kernel * s->kernel);
  for (size_t c = 0; c < G_N_ELEMENTS (columns); c++)
    row->jobs[c] = columns[c].who == ONEDNN
                       ? bench_onednn_conv (bench, s, columns[c].direction, dtype)
                       : ours (bench, index, columns[c].direction, dtype, columns[c].who == DIRECT);
}

const BenchTable bench_convs = { .title = "convolution, n x c x h x w",
                                 .columns = { "forward", "Winograd", "oneDNN", "dx", "Winograd",
                                              "oneDNN", "dw", "Winograd", "oneDNN" },
                                 .n_rows = G_N_ELEMENTS (convs),
                                 .make_row = make_row };
