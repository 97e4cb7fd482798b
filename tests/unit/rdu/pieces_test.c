/* SPDX-License-Identifier: Apache-2.0 */
/* Sums that pass over a large box piece by piece, and what is made again instead of kept. */
#include <math.h>
#include <string.h>

#include "tests/unit/rdu/build.h"

#define IMAGES    5
#define HEIGHT    24
#define WIDTH     14
#define CHANNELS  64
#define PIXELS    (IMAGES * HEIGHT * WIDTH)
#define IN_IMAGES SF_SHAPE (IMAGES, HEIGHT, WIDTH, CHANNELS)
#define IN_ROWS   SF_SHAPE (1, 1, PIXELS, CHANNELS) /* that are a matrix */
#define OF_WHOLE                                                                    \
  {                                                                                 \
    ALL (whole.dim[0]), ALL (whole.dim[1]), ALL (whole.dim[2]), BLOCK (0, CHANNELS) \
  }
#define OF_CHANNELS                                \
  {                                                \
    ALL (1), ALL (1), ALL (1), BLOCK (0, CHANNELS) \
  }
#define SCRATCH SF_OPERAND_TEMP, SF_NONE, SF_F32

enum
{
  X,
  SUM,
  SCALE,
  MEAN,
  CENTRED,
  SQUARES,
  SPREAD,
  Y,
  REST,
  N_OPERANDS
};

/* t = x - its mean by channel; y = t times the sum of t t; and the sum of t. */
static Build
build_norm (SfShape whole)
{
  Build b = build_new ("eval");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, whole, NULL),
           y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, whole, NULL),
           rest = build_tensor (&b, "rest", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (CHANNELS), NULL);
  SfShape by_channel = SF_SHAPE (1, 1, 1, CHANNELS);
  SfCounter channels[] = { { CHANNELS, CHANNELS, SF_COUNTER_PARALLEL } };
  SfOperand operands[N_OPERANDS] = {
    [X] = { SF_OPERAND_IN, build_load (&b, x, whole.dim[0], 1), SF_F32, whole, -1, 1, OF_WHOLE },
    [SUM] = { SCRATCH, by_channel, -1, 1, OF_CHANNELS },
    [SCALE] = { SCRATCH, SF_SHAPE (1), -1, 1, { ALL (1) } },
    [MEAN] = { SCRATCH, by_channel, -1, 1, OF_CHANNELS },
    [CENTRED] = { SCRATCH, whole, -1, 1, OF_WHOLE },
    [SQUARES] = { SCRATCH, whole, -1, 1, OF_WHOLE },
    [SPREAD] = { SCRATCH, by_channel, -1, 1, OF_CHANNELS },
    [Y] = { SF_OPERAND_OUT, build_store (&b, y, whole.dim[0], 1), SF_F32, whole, -1, 1, OF_WHOLE },
    [REST] = { SF_OPERAND_OUT,
               build_store (&b, rest, CHANNELS, 1),
               SF_F32,
               SF_SHAPE (CHANNELS),
               -1,
               1,
               { BLOCK (0, CHANNELS) } },
  };
  SfInstr instrs[] = {
    { "reduce_sum", 1, SF_WHEN_EACH, 1, 1, { X }, { SUM }, { 7, 1 } },
    { "fill", 1, SF_WHEN_EACH, 0, 1, { 0 }, { SCALE }, { 0 }, { 1.0 / PIXELS } },
    { "mul", 1, SF_WHEN_EACH, 2, 1, { SUM, SCALE }, { MEAN } },
    { "sub", 1, SF_WHEN_EACH, 2, 1, { X, MEAN }, { CENTRED } },
    { "mul", 1, SF_WHEN_EACH, 2, 1, { CENTRED, CENTRED }, { SQUARES } },
    { "reduce_sum", 1, SF_WHEN_EACH, 1, 1, { SQUARES }, { SPREAD }, { 7, 1 } },
    { "mul", 1, SF_WHEN_EACH, 2, 1, { CENTRED, SPREAD }, { Y } },
    { "reduce_sum", 1, SF_WHEN_EACH, 1, 1, { CENTRED }, { REST }, { 7, 0 } },
  };
  build_stage (&b, "norm", channels, 1, operands, N_OPERANDS, instrs, G_N_ELEMENTS (instrs));
  build_launch (&b, SF_PHASE_FWD);
  return b;
}

static float x[PIXELS * CHANNELS], wanted[(PIXELS + 1) * CHANNELS], found[(PIXELS + 1) * CHANNELS];

static void
run (const Build *b, int n_threads, bool exact, const char *block, float *to)
{
  g_autoptr (GError) error = NULL;
  memset (to, 0, sizeof found);
  g_setenv ("SF_RDU_BLOCK", block, TRUE);
  SF_CHECK (build_run (b, n_threads, exact, (void *[]){ x },
                       (void *[]){ to, to + PIXELS * CHANNELS }, &error));
  g_unsetenv ("SF_RDU_BLOCK");
  SF_REQUIRE_NO_ERROR (error);
}

static void
check_channel (int c)
{
  double mean = 0, spread = 0;
  for (int p = 0; p < PIXELS; p++)
    mean += x[p * CHANNELS + c] / (double) PIXELS;
  for (int p = 0; p < PIXELS; p++)
    spread += (x[p * CHANNELS + c] - mean) * (x[p * CHANNELS + c] - mean);
  for (int p = 0; p < PIXELS; p++)
    SF_CHECK_NEAR (wanted[p * CHANNELS + c], (x[p * CHANNELS + c] - mean) * spread, 1e-3 * spread);
  SF_CHECK_NEAR (wanted[PIXELS * CHANNELS + c], 0, 1e-2);
}

/* Blocks of 16 channels are too small to be cut, those of 32 and 64 are cut in different places. */
static void
check_bits (SfShape whole)
{
  Build b = build_norm (whole);
  run (&b, 1, false, "16", wanted);
  for (int c = 0; c < CHANNELS; c++)
    check_channel (c);
  static const char *const blocks[] = { "16", "32", "64" };
  for (int n_threads = 1; n_threads <= 2; n_threads++)
    for (size_t i = 0; i < G_N_ELEMENTS (blocks); i++)
      {
        run (&b, n_threads, false, blocks[i], found);
        SF_CHECK_MSG (memcmp (wanted, found, sizeof found) == 0, "%d threads, blocks of %s",
                      n_threads, blocks[i]);
      }
  run (&b, 1, true, "64", found);
  SF_CHECK (memcmp (wanted, found, sizeof found) == 0);
  sf_program_unref (b.program);
}

SF_TEST (RduPieces, ChangeNoBit)
{
  for (int i = 0; i < PIXELS * CHANNELS; i++)
    x[i] = (float) sin (i * 0.7 + 1e-5 * i * i) + (float) (i % CHANNELS) / 8;
  check_bits (IN_IMAGES);
  check_bits (IN_ROWS);
}

/* Elements of the scratch that are written where all is one block. */
static int64_t
n_written (SfShape whole)
{
  Build b = build_norm (whole);
  g_autoptr (GError) error = NULL;
  g_setenv ("SF_RDU_BLOCK", "64", TRUE);
  RduMachine *machine = build_open (&b, 1, false, &error);
  g_unsetenv ("SF_RDU_BLOCK");
  int64_t n = 0;
  if (machine != NULL)
    {
      for (int64_t i = 0; i < machine->temp_elems; i++)
        machine->workers[0].temp[i] = -INFINITY;
      SF_CHECK (machine->temp_elems >= PIXELS * CHANNELS);
      SF_CHECK (build_step (&b, machine, 0, (void *[]){ x },
                            (void *[]){ found, found + PIXELS * CHANNELS }, NULL, NULL, &error));
      for (int64_t i = 0; i < machine->temp_elems; i++)
        n += machine->workers[0].temp[i] != -INFINITY;
      rdu_machine_close (machine);
    }
  SF_CHECK_NO_ERROR (error);
  sf_program_unref (b.program);
  return n;
}

/* What is made of images, and of a matrix, is in memory a piece at a time. */
SF_TEST (RduPieces, AreWhatIsWritten)
{
  const int64_t few = PIXELS * CHANNELS / 2;
  for (int i = 0; i < PIXELS * CHANNELS; i++)
    x[i] = (float) (i % 7);
  int64_t of_images = n_written (IN_IMAGES), of_rows = n_written (IN_ROWS);
  SF_CHECK_MSG (of_images > 0 && of_images < few, "%ld of images", (long) of_images);
  SF_CHECK_MSG (of_rows > 0 && of_rows < few, "%ld of rows", (long) of_rows);
}

/* Both sums go with what makes the squares, and nothing as large as x is kept. */
SF_TEST (RduPieces, NothingLargeIsKept)
{
  Build b = build_norm (IN_IMAGES);
  g_autoptr (GError) error = NULL;
  g_setenv ("SF_RDU_BLOCK", "64", TRUE);
  RduMachine *machine = build_open (&b, 1, false, &error);
  g_unsetenv ("SF_RDU_BLOCK");
  SF_REQUIRE_NO_ERROR (error);
  const RduStage *stage = &machine->configs[0].stages[0];
  size_t most = 0, last = stage->n_groups - 1;
  for (size_t g = 0; g < stage->n_groups; g++)
    most = MAX (most, stage->groups[g].n_together);
  SF_CHECK_INT (most, 3);
  SF_CHECK (stage->operands[SQUARES].passes && stage->operands[CENTRED].passes);
  SF_CHECK (rdu_group_reads (&stage->groups[last], X)
            && !rdu_group_reads (&stage->groups[last], CENTRED));
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

/* a = the sum of x x, and b = the sum of a x: products of either kind are seen by their own sum
 * only. */
SF_TEST (RduPieces, ThoseOfTwoRunsPass)
{
  enum
  {
    FIRST = X + 1,
    A,
    SECOND,
    B,
    N_OF_RUNS
  };
  const SfShape whole = IN_ROWS, by_channel = SF_SHAPE (1, 1, 1, CHANNELS);
  g_autoptr (GError) error = NULL;
  Build b = build_new ("eval");
  uint32_t in = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, whole, NULL),
           out = build_tensor (&b, "b", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (CHANNELS), NULL);
  SfCounter channels[] = { { CHANNELS, CHANNELS, SF_COUNTER_PARALLEL } };
  SfOperand operands[N_OF_RUNS] = {
    [X] = { SF_OPERAND_IN, build_load (&b, in, 1, 1), SF_F32, whole, -1, 1, OF_WHOLE },
    [FIRST] = { SCRATCH, whole, -1, 1, OF_WHOLE },
    [A] = { SCRATCH, by_channel, -1, 1, OF_CHANNELS },
    [SECOND] = { SCRATCH, whole, -1, 1, OF_WHOLE },
    [B] = { SF_OPERAND_OUT,
            build_store (&b, out, CHANNELS, 1),
            SF_F32,
            SF_SHAPE (CHANNELS),
            -1,
            1,
            { BLOCK (0, CHANNELS) } },
  };
  SfInstr instrs[] = {
    { "mul", 1, SF_WHEN_EACH, 2, 1, { X, X }, { FIRST } },
    { "reduce_sum", 1, SF_WHEN_EACH, 1, 1, { FIRST }, { A }, { 7, 1 } },
    { "mul", 1, SF_WHEN_EACH, 2, 1, { X, A }, { SECOND } },
    { "reduce_sum", 1, SF_WHEN_EACH, 1, 1, { SECOND }, { B }, { 7, 0 } },
  };
  build_stage (&b, "sums", channels, 1, operands, N_OF_RUNS, instrs, G_N_ELEMENTS (instrs));
  build_launch (&b, SF_PHASE_FWD);
  RduMachine *machine = build_open (&b, 1, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  const RduStage *stage = &machine->configs[0].stages[0];
  SF_REQUIRE (stage->n_groups == 4);
  SF_CHECK_INT (stage->groups[0].n_together, 2);
  SF_CHECK_INT (stage->groups[2].n_together, 2);
  SF_CHECK (stage->operands[FIRST].passes && stage->operands[SECOND].passes);
  SF_CHECK (!stage->operands[A].passes);
  for (int i = 0; i < PIXELS * CHANNELS; i++)
    x[i] = (float) (i / CHANNELS % 3);
  SF_CHECK (build_step (&b, machine, 0, (void *[]){ x }, (void *[]){ found }, NULL, NULL, &error));
  for (int c = 0; c < CHANNELS; c++)
    SF_CHECK_NEAR (found[c], PIXELS / 3 * 5.0 * PIXELS, 1e-6 * PIXELS * PIXELS);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}
