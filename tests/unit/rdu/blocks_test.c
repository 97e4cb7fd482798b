/* SPDX-License-Identifier: Apache-2.0 */
/* Which counters may be cut otherwise than their program says, and what the boxes are then. */
#include <string.h>

#include "plugins/backends/rdu/blocks.h"
#include "tests/unit/rdu/build.h"

/* A stage of [64,96] by [96,48]: rows by counter 0, columns by counter 1, depth by counter 2. */
#define ROWS  64
#define DEPTH 96
#define COLS  48

static const SfCounter counters[] = {
  { ROWS, 16, SF_COUNTER_PARALLEL },
  { COLS, 12, SF_COUNTER_PARALLEL },
  { DEPTH, 32, SF_COUNTER_REDUCTION },
};
static const SfOperand operands[] = {
  { SF_OPERAND_IN, 0, SF_F32, { 2, { ROWS, DEPTH } }, 0, 1, { BLOCK (0, 16), BLOCK (2, 32) } },
  { SF_OPERAND_IN, 1, SF_F32, { 2, { DEPTH, COLS } }, -1, 0, { BLOCK (2, 32), BLOCK (1, 12) } },
  { SF_OPERAND_TEMP,
    SF_NONE,
    SF_F32,
    { 2, { ROWS, COLS } },
    -1,
    0,
    { BLOCK (0, 16), BLOCK (1, 12) } },
  { SF_OPERAND_OUT, 2, SF_F32, { 2, { ROWS, COLS } }, 0, 1, { BLOCK (0, 16), BLOCK (1, 12) } },
};
static const SfInstr instrs[] = {
  { "gemm", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } },
  { "relu", 1, SF_WHEN_LAST, 1, 1, { 2 }, { 3 } },
};

static SfStage
contraction (void)
{
  SfStage stage = { .name = "gemm",
                    .n_counters = 3,
                    .n_operands = 4,
                    .operands = operands,
                    .n_instrs = 2,
                    .instrs = instrs,
                    .flops = 2 * ROWS * DEPTH * COLS };
  memcpy (stage.counter, counters, sizeof counters);
  return stage;
}

static const bool row_major[4];

static const RduIsa *
isa (unsigned goes_on)
{
  static RduKernel rows[] = { { .name = "gemm", .version = 1 },
                              { .name = "relu", .version = 1 },
                              { .name = "softmax", .version = 1 },
                              { .name = "mul", .version = 1 },
                              { .name = "reduce_sum", .version = 1 },
                              { .name = "conv2d", .version = 1 },
                              { 0 } };
  static const RduKernel *const tables[] = { rows, NULL };
  static const RduIsa isa = { .name = "none", .tables = tables };
  rows[0].goes_on = goes_on;
  return &isa;
}

SF_TEST (RduBlocks, ParallelCountersAreJoined)
{
  SfStage stage = contraction ();
  RduHost host = { .n_workers = 1, .cache_bytes = 1 << 20 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, row_major, isa (0), &host);
  SF_CHECK_INT (stage.counter[0].step, ROWS);
  SF_CHECK_INT (stage.counter[1].step, COLS);
  SF_CHECK_INT (stage.counter[2].step, 32);
  SF_CHECK_INT (own[0].dim[0].size, ROWS);
  SF_CHECK_INT (own[0].dim[1].size, 32);
  SF_CHECK_INT (own[1].dim[1].size, COLS);
  SF_CHECK_INT (own[3].dim[1].size, COLS);
}

SF_TEST (RduBlocks, SumsThatGoOnAreJoined)
{
  SfStage stage = contraction ();
  RduHost host = { .n_workers = 1, .cache_bytes = 1 << 20 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, row_major, isa (1u << 1), &host);
  SF_CHECK_INT (stage.counter[2].step, DEPTH);
  SF_CHECK_INT (own[0].dim[1].size, DEPTH);
  SF_CHECK_INT (own[1].dim[0].size, DEPTH);
}

SF_TEST (RduBlocks, SumsThatGoOnElsewhereAreNot)
{
  SfStage stage = contraction ();
  RduHost host = { .n_workers = 1, .cache_bytes = 1 << 20 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, row_major, isa (1u << 0), &host);
  SF_CHECK_INT (stage.counter[2].step, 32);
  SF_CHECK_INT (own[0].dim[1].size, 32);
}

SF_TEST (RduBlocks, ForcedStepsSplitNoSum)
{
  SfStage stage = contraction ();
  RduHost host = { .n_workers = 1, .cache_bytes = 1 << 20, .forced_step = 5 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, row_major, isa (1u << 1), &host);
  SF_CHECK_INT (stage.counter[0].step, 5);
  SF_CHECK_INT (stage.counter[1].step, 5);
  SF_CHECK_INT (stage.counter[2].step, 32);
  SF_CHECK_INT (own[3].dim[0].size, 5);
  SF_CHECK_INT (operands[3].dim[0].size, 16);
}

SF_TEST (RduBlocks, WorkersGetJobs)
{
  SfStage stage = contraction ();
  stage.flops = (int64_t) 1 << 40;
  RduHost host = { .n_workers = 4, .cache_bytes = 1 << 20 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, row_major, isa (0), &host);
  /* Further than kernels run well on, as workers would idle. */
  SF_CHECK (stage.counter[0].step * stage.counter[1].step <= ROWS * COLS / 2);
  SF_CHECK (stage.counter[0].step < ROWS && stage.counter[1].step < COLS);
}

/* Each block of columns has the same rows packed again, so that there are not too many. */
SF_TEST (RduBlocks, WideResultsKeepWideBlocks)
{
  const int64_t wide = 512;
  SfStage stage = contraction ();
  SfOperand own_columns[4];
  memcpy (own_columns, operands, sizeof own_columns);
  for (int o = 1; o < 4; o++)
    own_columns[o].shape.dim[1] = wide;
  stage.operands = own_columns;
  stage.counter[1].extent = wide;
  stage.flops = (int64_t) 1 << 40;
  RduHost host = { .n_workers = 2, .cache_bytes = 1 << 20 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, row_major, isa (0), &host);
  SF_CHECK_INT (stage.counter[0].step, ROWS);
  SF_CHECK_INT (stage.counter[1].step, 128);
}

SF_TEST (RduBlocks, CacheBoundsBlocks)
{
  SfStage stage = contraction ();
  stage.n_instrs = 1;
  stage.instrs = &(SfInstr){ "relu", 1, SF_WHEN_EACH, 1, 1, { 2 }, { 3 } };
  RduHost host = { .n_workers = 1, .cache_bytes = 8192 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, row_major, isa (0), &host);
  SF_CHECK_INT (stage.counter[0].step, 16);
  SF_CHECK_INT (stage.counter[1].step, COLS);
}

/* However counters are ordered: short rows far apart are slow to read and to write. */
SF_TEST (RduBlocks, RowsOfResultsAreCutLast)
{
  SfStage stage = contraction ();
  stage.counter[0] = counters[1];
  stage.counter[1] = counters[0];
  SfOperand turned[4];
  memcpy (turned, operands, sizeof turned);
  for (size_t i = 2; i < 4; i++)
    {
      turned[i].dim[0] = (SfAccess) BLOCK (1, 16);
      turned[i].dim[1] = (SfAccess) BLOCK (0, 12);
    }
  stage.operands = turned;
  stage.n_instrs = 1;
  stage.instrs = &(SfInstr){ "relu", 1, SF_WHEN_EACH, 1, 1, { 2 }, { 3 } };
  RduHost host = { .n_workers = 1, .cache_bytes = 8192 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, row_major, isa (0), &host);
  SF_CHECK_INT (stage.counter[0].step, COLS);
  SF_CHECK_INT (stage.counter[1].step, 16);
}

/* Rows that a kernel needs whole stay whole, and so does what would be written twice. */
SF_TEST (RduBlocks, SomeCountersStay)
{
  SfStage stage = contraction ();
  stage.n_instrs = 1;
  stage.instrs = &(SfInstr){ "softmax", 1, SF_WHEN_EACH, 1, 1, { 2 }, { 3 }, { 1 } };
  stage.counter[1].step = COLS;
  SfOperand own_rows[4];
  memcpy (own_rows, operands, sizeof own_rows);
  for (int o = 1; o < 4; o++)
    own_rows[o].dim[1].size = COLS;
  stage.operands = own_rows;
  RduHost host = { .n_workers = 1, .cache_bytes = 1 << 20, .forced_step = 4 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, row_major, isa (0), &host);
  SF_CHECK_INT (stage.counter[0].step, 4);
  SF_CHECK_INT (stage.counter[1].step, COLS);

  SfStage resident = contraction ();
  resident.counter[0].step = ROWS;
  memcpy (own_rows, operands, sizeof own_rows);
  own_rows[0].dim[0] = own_rows[2].dim[0] = own_rows[3].dim[0] = (SfAccess) ALL (ROWS);
  resident.operands = own_rows;
  g_autofree SfOperand *other = rdu_choose_blocks (&resident, row_major, isa (0), &host);
  SF_CHECK_INT (resident.counter[0].step, ROWS);
}

SF_TEST (RduBlocks, EnvironmentForcesSteps)
{
  g_autoptr (GError) error = NULL;
  RduHost host;
  g_setenv ("SF_RDU_BLOCK", "7", TRUE);
  SF_CHECK (rdu_host_init (&host, 2, &error));
  SF_CHECK_INT (host.forced_step, 7);
  g_setenv ("SF_RDU_BLOCK", "none", TRUE);
  SF_CHECK (!rdu_host_init (&host, 2, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "SF_RDU_BLOCK: found \"none\"");
  g_unsetenv ("SF_RDU_BLOCK");
}

/* Columns of each block where `columns` of rows are made, for one worker, and added up. */
static int64_t
summed_columns (int64_t columns, SfDtype dtype)
{
  const int64_t n_rows = 4096;
  const SfOperand row_sums[] = {
    { SF_OPERAND_IN, 0, dtype, SF_SHAPE (n_rows, columns), -1, 0, { ALL (n_rows), BLOCK (0, 1) } },
    { SF_OPERAND_TEMP,
      SF_NONE,
      dtype,
      SF_SHAPE (n_rows, columns),
      -1,
      0,
      { ALL (n_rows), BLOCK (0, 1) } },
    { SF_OPERAND_OUT, 1, dtype, SF_SHAPE (columns), -1, 0, { BLOCK (0, 1) } },
  };
  const SfInstr square_and_add[] = {
    { "mul", 1, SF_WHEN_EACH, 2, 1, { 0, 0 }, { 1 } },
    { "reduce_sum", 1, SF_WHEN_EACH, 1, 1, { 1 }, { 2 }, { 1, 0 } },
  };
  SfStage stage = { .n_counters = 1,
                    .counter = { { columns, 1, SF_COUNTER_PARALLEL } },
                    .n_operands = G_N_ELEMENTS (row_sums),
                    .operands = row_sums,
                    .n_instrs = G_N_ELEMENTS (square_and_add),
                    .instrs = square_and_add };
  RduHost host = { .n_workers = 1, .cache_bytes = 1 << 20 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, row_major, isa (0), &host);
  SF_CHECK_INT (own[1].dim[1].size, stage.counter[0].step);
  return stage.counter[0].step;
}

/* They pass by in pieces, so that the cache bounds none: only what is no float is cut for it. */
SF_TEST (RduBlocks, RowsThatAreAddedUpKeepWholeLines)
{
  SF_CHECK_INT (summed_columns (1024, SF_F32), 256);
  SF_CHECK_INT (summed_columns (1024, SF_BF16), 256);
  SF_CHECK_INT (summed_columns (200, SF_F32), 200);
  SF_CHECK (summed_columns (1024, SF_I32) <= 32);
}

/* Channels that lie innermost are not cut: workers share the images of a firing. */
SF_TEST (RduBlocks, RowsOfChannelsStayWhole)
{
  static const bool channels_last[] = { true, true };
  static const SfOperand images[] = {
    { SF_OPERAND_IN,
      0,
      SF_F32,
      { 4, { 8, 32, 8, 8 } },
      -1,
      0,
      { ALL (8), BLOCK (0, 1), ALL (8), ALL (8) } },
    { SF_OPERAND_OUT,
      1,
      SF_F32,
      { 4, { 8, 32, 8, 8 } },
      -1,
      0,
      { ALL (8), BLOCK (0, 1), ALL (8), ALL (8) } },
  };
  static const SfInstr relu = { "relu", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 1 } };
  for (int n_workers = 2; n_workers <= 4; n_workers += 2)
    {
      SfStage stage = { .n_counters = 1,
                        .counter = { { 32, 1, SF_COUNTER_PARALLEL } },
                        .n_operands = 2,
                        .operands = images,
                        .n_instrs = 1,
                        .instrs = &relu,
                        .flops = (int64_t) 1 << 40 };
      RduHost host = { .n_workers = n_workers, .cache_bytes = 1 << 20 };
      g_autofree SfOperand *own = rdu_choose_blocks (&stage, channels_last, isa (0), &host);
      SF_CHECK_INT (stage.counter[0].step, 32);
      SF_CHECK_INT (own[1].dim[1].size, 32);
    }
}

/* Rows of each block of an image, and channels, where `n_rows` of 56 pixels are made of 64 channels
 * by kernels of `taps` taps each way, and rectified. */
static void
convolved (int64_t n_rows, int64_t channels, int64_t taps, int n_workers, int64_t *rows,
           int64_t *some)
{
  static const bool channels_last[] = { true, false, true, true };
  const SfOperand images[] = {
    { SF_OPERAND_IN,
      0,
      SF_F32,
      { 4, { 1, 64, n_rows, 56 } },
      -1,
      0,
      { ALL (1),
        ALL (64),
        HALO (1, 1, 1, taps, taps / 2),
        { .base = -(taps / 2), .size = taps + 55, .stride = 1 } } },
    { SF_OPERAND_IN,
      1,
      SF_F32,
      { 4, { channels, 64, taps, taps } },
      -1,
      0,
      { BLOCK (0, 1), ALL (64), ALL (taps), ALL (taps) } },
    { SF_OPERAND_TEMP,
      SF_NONE,
      SF_F32,
      { 4, { 1, channels, n_rows, 56 } },
      -1,
      0,
      { ALL (1), BLOCK (0, 1), BLOCK (1, 1), ALL (56) } },
    { SF_OPERAND_OUT,
      2,
      SF_F32,
      { 4, { 1, channels, n_rows, 56 } },
      -1,
      0,
      { ALL (1), BLOCK (0, 1), BLOCK (1, 1), ALL (56) } },
  };
  const SfInstr both[] = {
    { "conv2d", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 }, { 1, 1, 1, 1 } },
    { "relu", 1, SF_WHEN_EACH, 1, 1, { 2 }, { 3 } },
  };
  SfStage stage = { .n_counters = 2,
                    .counter = { { channels, 1, SF_COUNTER_PARALLEL },
                                 { n_rows, 1, SF_COUNTER_PARALLEL } },
                    .n_operands = G_N_ELEMENTS (images),
                    .operands = images,
                    .n_instrs = G_N_ELEMENTS (both),
                    .instrs = both,
                    .flops = (int64_t) 1 << 40 };
  RduHost host = { .n_workers = n_workers, .cache_bytes = 1 << 20 };
  g_autofree SfOperand *own = rdu_choose_blocks (&stage, channels_last, isa (0), &host);
  *rows = stage.counter[1].step;
  *some = stage.counter[0].step;
  SF_CHECK_INT (own[3].dim[2].size, *rows);
  SF_CHECK_INT (own[3].dim[1].size, *some);
}

/* 28 rows are halved to seven times 4, of which one of two workers would have four. */
SF_TEST (RduBlocks, WorkersEndTogether)
{
  int64_t rows, some;
  convolved (28, 64, 1, 2, &rows, &some);
  SF_CHECK_INT (rows, 7);
  SF_CHECK_INT (some, 64);
  convolved (28, 64, 3, 2, &rows, &some); /* by two, as minimal filtering goes */
  SF_CHECK_INT (rows, 14);
  convolved (28, 64, 1, 3, &rows, &some); /* 12, 8 and 8 of 4; 10, 10 and 8 of 5 */
  SF_CHECK_INT (rows, 5);
  convolved (56, 64, 1, 2, &rows, &some);
  SF_CHECK_INT (rows, 7);
}

/* Where rows are too few, workers share the channels of a pixel. */
SF_TEST (RduBlocks, WorkersShareManyChannels)
{
  int64_t rows, some;
  convolved (14, 256, 1, 2, &rows, &some);
  SF_CHECK_INT (rows, 4);
  SF_CHECK_INT (some, 128);
  convolved (14, 256, 1, 1, &rows, &some);
  SF_CHECK_INT (some, 256);
}
