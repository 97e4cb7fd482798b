/* SPDX-License-Identifier: Apache-2.0 */
/* Which stages are fired block by block, and that this changes no bit. */
#include <math.h>
#include <string.h>

#include "tests/unit/rdu/build.h"

#define ROWS 64
#define COLS 1024 /* 4 KiB */

/* y = relu (x), z = y y, sum = the columns of y; buffers 0 to 3. */
static const SfOperand relu_operands[] = {
  { SF_OPERAND_IN, 0, SF_F32, { 2, { ROWS, COLS } }, 0, 1, { BLOCK (0, 4), ALL (COLS) } },
  { SF_OPERAND_OUT, 1, SF_F32, { 2, { ROWS, COLS } }, 0, 1, { BLOCK (0, 4), ALL (COLS) } },
};
static const SfOperand square_operands[] = {
  { SF_OPERAND_IN, 1, SF_F32, { 2, { ROWS, COLS } }, 0, 1, { BLOCK (0, 4), ALL (COLS) } },
  { SF_OPERAND_OUT, 2, SF_F32, { 2, { ROWS, COLS } }, 0, 1, { BLOCK (0, 4), ALL (COLS) } },
};
static const SfOperand sum_operands[] = {
  { SF_OPERAND_IN, 1, SF_F32, { 2, { ROWS, COLS } }, 0, 1, { BLOCK (0, 4), ALL (COLS) } },
  { SF_OPERAND_OUT, 3, SF_F32, { 1, { COLS } }, -1, 0, { ALL (COLS) } },
};
static const SfInstr relu[] = { { "relu", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 1 } } };
static const SfInstr square[] = { { "mul", 1, SF_WHEN_EACH, 2, 1, { 0, 0 }, { 1 } } };
static const SfInstr sum[] = { { "reduce_sum", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 1 }, { 1, 0 } } };

static const SfStage stages[] = {
  { .name = "relu",
    .n_counters = 1,
    .counter = { { ROWS, 4, SF_COUNTER_PARALLEL } },
    .n_operands = 2,
    .operands = relu_operands,
    .n_instrs = 1,
    .instrs = relu },
  { .name = "square",
    .n_counters = 1,
    .counter = { { ROWS, 4, SF_COUNTER_PARALLEL } },
    .n_operands = 2,
    .operands = square_operands,
    .n_instrs = 1,
    .instrs = square },
  { .name = "sum",
    .n_counters = 1,
    .counter = { { ROWS, 4, SF_COUNTER_REDUCTION } },
    .n_operands = 2,
    .operands = sum_operands,
    .n_instrs = 1,
    .instrs = sum },
};

static const RduKernel rows[] = { { .name = "relu", .version = 1 },
                                  { .name = "mul", .version = 1 },
                                  { .name = "reduce_sum", .version = 1 },
                                  { 0 } };
static const RduKernel *const tables[] = { rows, NULL };
static const RduIsa isa = { .name = "none", .tables = tables };

/* Of a cache of 128 KiB, half is for the blocks of a chain. */
static RduLink *
links_of (const SfStage *stage, size_t n, RduHost host)
{
  static bool row_major[8];
  static bool *const channels_last[8] = { row_major, row_major, row_major };
  host.cache_bytes = 128 << 10;
  return rdu_find_chains (stage, channels_last, n, &isa, &host);
}

SF_TEST (RduChains, BlocksFitTheCache)
{
  RduHost host = { .n_workers = 1, .has_chains = true };
  g_autofree RduLink *links = links_of (stages, 2, host);
  SF_CHECK_INT (links[0].chain, 0);
  SF_CHECK_INT (links[1].chain, 0);
  /* Three tensors of 4 KiB a row: 5 rows in 64 KiB, 13 blocks. */
  SF_CHECK_INT (links[0].step, 5);
  SF_CHECK_INT (links[1].step, 5);
}

SF_TEST (RduChains, SumsBringTheirOwnBlocks)
{
  RduHost host = { .n_workers = 2, .has_chains = true };
  SfStage three[3];
  memcpy (three, stages, sizeof three);
  three[0].flops = (int64_t) 1 << 30; /* so the sum is a small part */
  g_autofree RduLink *links = links_of (three, 3, host);
  for (int i = 0; i < 3; i++)
    {
      SF_CHECK_INT (links[i].chain, 0);
      SF_CHECK_INT (links[i].step, 4);
    }
}

SF_TEST (RduChains, WorkersDoNotWaitForEachOther)
{
  RduHost host = { .n_workers = 4, .has_chains = true };
  g_autofree RduLink *links = links_of (stages, 3, host);
  SF_CHECK_INT (links[1].chain, 0);
  SF_CHECK (links[2].chain == SF_NONE);
}

SF_TEST (RduChains, NothingIsLinkedWithout)
{
  RduHost host = { .n_workers = 1 };
  g_autofree RduLink *links = links_of (stages, 3, host);
  for (int i = 0; i < 3; i++)
    SF_CHECK (links[i].chain == SF_NONE);
}

/* What the second stage may not do: see all of what the first one makes, or other rows of it. */
SF_TEST (RduChains, ReadersKeepToTheirBlock)
{
  RduHost host = { .n_workers = 1, .has_chains = true };
  SfOperand other[2];
  SfStage two[2];
  memcpy (two, stages, sizeof two);
  two[1].operands = other;
  for (int way = 0; way < 3; way++)
    {
      memcpy (other, square_operands, sizeof other);
      if (way == 0)
        other[0].dim[0] = (SfAccess) ALL (ROWS);
      else if (way == 1)
        other[0].dim[0] = (SfAccess){ .base = -1, .coef[0] = 1, .size = 6, .stride = 1 };
      else
        two[1].counter[0].extent = ROWS / 2;
      g_autofree RduLink *links = links_of (two, 2, host);
      SF_CHECK_MSG (links[0].chain == SF_NONE && links[1].chain == SF_NONE, "way %d", way);
    }
}

/* What little there is stays in cache anyway, and too much of what all blocks need leaves no room.
 */
SF_TEST (RduChains, OnlyWhatPaysIsLinked)
{
  RduHost host = { .n_workers = 1, .has_chains = true, .cache_bytes = 1 << 20 };
  static bool row_major[8];
  static bool *const channels_last[2] = { row_major, row_major };
  g_autofree RduLink *small = rdu_find_chains (stages, channels_last, 2, &isa, &host);
  SF_CHECK (small[0].chain == SF_NONE);
  SfOperand other[3];
  memcpy (other, square_operands, sizeof square_operands);
  other[2] = (SfOperand){ SF_OPERAND_IN,          4, SF_F32, { 2, { 8, COLS } }, -1, 0,
                          { ALL (8), ALL (COLS) } };
  SfStage two[2];
  memcpy (two, stages, sizeof two);
  two[1].operands = other;
  two[1].n_operands = 3;
  g_autofree RduLink *large = links_of (two, 2, (RduHost){ .n_workers = 1, .has_chains = true });
  SF_CHECK (large[0].chain == SF_NONE);
}

/* ---- a program of the three stages, and z = y y - y ---- */

static SfOperand
along_rows (SfOperandKind kind, uint32_t buffer)
{
  return (
      SfOperand){ kind, buffer, SF_F32, SF_SHAPE (ROWS, COLS), 0, 1, { BLOCK (0, 4), ALL (COLS) } };
}

static Build
build_four (void)
{
  Build b = build_new ("eval");
  SfShape whole = SF_SHAPE (ROWS, COLS), row = SF_SHAPE (COLS);
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, whole, NULL),
           z = build_tensor (&b, "z", SF_TENSOR_OUTPUT, SF_F32, whole, NULL),
           s = build_tensor (&b, "s", SF_TENSOR_OUTPUT, SF_F32, row, NULL);
  uint32_t in = build_load (&b, x, 4, 1), y = build_buffer (&b, SF_F32, whole, 4, 2),
           y2 = build_buffer (&b, SF_F32, whole, 4, 2), out = build_store (&b, z, 4, 1),
           sums = build_store (&b, s, COLS, 1);
  SfOperand operands[3][2] = {
    { along_rows (SF_OPERAND_IN, in), along_rows (SF_OPERAND_OUT, y) },
    { along_rows (SF_OPERAND_IN, y), along_rows (SF_OPERAND_OUT, y2) },
    { along_rows (SF_OPERAND_IN, y), sum_operands[1] },
  };
  SfOperand last[3] = { along_rows (SF_OPERAND_IN, y2), along_rows (SF_OPERAND_IN, y),
                        along_rows (SF_OPERAND_OUT, out) };
  SfInstr less[] = { { "sub", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } } };
  operands[2][1].buffer = sums;
  for (int i = 0; i < 3; i++)
    build_stage (&b, stages[i].name, stages[i].counter, 1, operands[i], 2, stages[i].instrs, 1);
  build_stage (&b, "less", stages[0].counter, 1, last, 3, less, 1);
  build_launch (&b, SF_PHASE_FWD);
  return b;
}

static float x[ROWS * COLS], wanted[ROWS * COLS + COLS], found[ROWS * COLS + COLS];

static void
run (const Build *b, int n_threads, const char *block, float *to)
{
  g_autoptr (GError) error = NULL;
  memset (to, 0, sizeof found);
  if (block != NULL)
    g_setenv ("SF_RDU_BLOCK", block, TRUE);
  SF_CHECK (
      build_run (b, n_threads, false, (void *[]){ x }, (void *[]){ to, to + ROWS * COLS }, &error));
  g_unsetenv ("SF_RDU_BLOCK");
  SF_REQUIRE_NO_ERROR (error);
}

SF_TEST (RduChains, GiveTheSameBits)
{
  Build b = build_four ();
  for (int i = 0; i < ROWS * COLS; i++)
    x[i] = (float) sin (i * 0.7);
  g_setenv ("SF_RDU_CHAINS", "no", TRUE);
  run (&b, 1, NULL, wanted);
  g_unsetenv ("SF_RDU_CHAINS");
  for (int c = 0; c < COLS; c++)
    {
      double column = 0;
      for (int r = 0; r < ROWS; r++)
        {
          double y = x[r * COLS + c] > 0 ? x[r * COLS + c] : 0;
          SF_CHECK_NEAR (wanted[r * COLS + c], y * y - y, 1e-6);
          column += y;
        }
      SF_CHECK_NEAR (wanted[ROWS * COLS + c], column, 1e-4);
    }
  /* Often, as a sum out of turn is a matter of luck. */
  static const char *const blocks[] = { "1", "9", "64", "1", "1", "1", "1", "1" };
  for (int n_threads = 1; n_threads <= 3; n_threads++)
    for (size_t i = 0; i < G_N_ELEMENTS (blocks); i++)
      {
        run (&b, n_threads, blocks[i], found);
        SF_CHECK_MSG (memcmp (wanted, found, sizeof found) == 0, "%d threads, blocks of %s",
                      n_threads, blocks[i]);
      }
  sf_program_unref (b.program);
}

/* What lives inside a chain takes room for a block: two buffers. */
SF_TEST (RduChains, RoomIsForABlock)
{
  g_autoptr (GError) error = NULL;
  Build b = build_four ();
  g_setenv ("SF_RDU_BLOCK", "8", TRUE);
  RduMachine *machine = build_open (&b, 2, false, &error);
  g_unsetenv ("SF_RDU_BLOCK");
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (machine->configs[0].n_chains, 1);
  SF_CHECK_INT (machine->configs[0].chains[0].n_stages, 4);
  SF_CHECK_INT (machine->configs[0].chains[0].n_blocks, 8);
  SF_CHECK_INT (machine->room_elems, 2 * 8 * COLS);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

/* Whose firings are a chain's has scratch with its worker, also where one block is all there is. */
SF_TEST (RduChains, AFiringOfAChainIsOneWorkers)
{
  g_autoptr (GError) error = NULL;
  Build b = build_four ();
  g_setenv ("SF_RDU_BLOCK", "64", TRUE);
  RduMachine *machine = build_open (&b, 2, false, &error);
  g_unsetenv ("SF_RDU_BLOCK");
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (machine->configs[0].n_chains, 1);
  SF_CHECK_INT (machine->configs[0].chains[0].n_blocks, 1);
  for (int s = 0; s < 4; s++)
    SF_CHECK (!machine->configs[0].stages[s].has_lanes);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

SF_TEST (RduChains, AWordItDoesNotKnowIsRefused)
{
  g_autoptr (GError) error = NULL;
  Build b = build_four ();
  g_setenv ("SF_RDU_CHAINS", "perhaps", TRUE);
  SF_CHECK (build_open (&b, 1, false, &error) == NULL);
  g_unsetenv ("SF_RDU_CHAINS");
  SF_CHECK_STR (
      error->message,
      "SF_RDU_CHAINS: found \"perhaps\", wanted auto or no; unset it or name one of these");
  sf_program_unref (b.program);
}

static void
check_squares (void *user_data, const SfObserved *observed)
{
  const float *squares = observed->tensor->data;
  int *n_seen = user_data;
  (*n_seen)++;
  SF_CHECK_INT (observed->value, 7);
  for (int i = 0; i < ROWS * COLS; i++)
    SF_REQUIRE (squares[i] == (x[i] > 0 ? x[i] * x[i] : 0));
}

/* What passes through a chain has no memory of its own, but for an observer, who sees all of it;
 * steps before and after are not the worse for it. */
SF_TEST (RduChains, ObserversSeeWholeBuffers)
{
  Build b = build_four ();
  int n_seen = 0;
  g_autoptr (GError) error = NULL;
  for (int i = 0; i < ROWS * COLS; i++)
    x[i] = (float) sin (i * 0.3);
  sf_launch_set_origin (b.program, b.entry, 0, 2, 7); /* y2 */
  g_setenv ("SF_RDU_BLOCK", "9", TRUE);
  RduMachine *machine = build_open (&b, 2, false, &error);
  g_unsetenv ("SF_RDU_BLOCK");
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (machine->configs[0].buffers[2].room_elems > 0);
  SF_CHECK (machine->arena_elems < ROWS * COLS * 3);
  for (int step = 0; step < 3; step++)
    {
      float *to = step == 0 ? wanted : found;
      memset (to, 0, sizeof found);
      SF_CHECK (build_step (&b, machine, 0, (void *[]){ x }, (void *[]){ to, to + ROWS * COLS },
                            step == 1 ? check_squares : NULL, &n_seen, &error));
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK (memcmp (wanted, to, sizeof found) == 0);
    }
  SF_CHECK_INT (n_seen, 1);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}
