/* SPDX-License-Identifier: Apache-2.0 */
/* A launch as tasks: which wait for which, and what is left of a section that meets a bad index. */
#include <math.h>
#include <string.h>

#include "tests/unit/rdu/build.h"

enum
{
  N = 4,
  N_ROWS = 3,
  MANY = 1 << 15, /* more than one worker does alone */
  BLOCK_OF_MANY = 256
};

/* Tensors by number. */
enum
{
  TABLE,
  FIRST_INDEX,
  SECOND_INDEX,
  SQUARES,
  ROWS,
  STATE,
  NEXT
};

/* How many elements there are, and how many go through at one time. */
typedef struct
{
  int64_t n, step;
} Size;

static void
add_gather (Build *b, const char *name, Size size, uint32_t table, uint32_t index, uint32_t out)
{
  const SfCounter rows = { size.n, size.step, SF_COUNTER_PARALLEL };
  const SfOperand operands[] = {
    { SF_OPERAND_IN, table, SF_F32, SF_SHAPE (N_ROWS), -1, 1, { ALL (N_ROWS) } },
    { SF_OPERAND_IN, index, SF_I32, SF_SHAPE (size.n), 0, 1, { BLOCK (0, size.step) } },
    { SF_OPERAND_OUT, out, SF_F32, SF_SHAPE (size.n), 0, 1, { BLOCK (0, size.step) } },
  };
  const SfInstr instrs[] = { { "gather", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 }, { 0 } } };
  build_stage (b, name, &rows, 1, operands, 3, instrs, 1);
}

static void
add_binary (Build *b, const char *name, const char *op, Size size, uint32_t x, uint32_t y,
            uint32_t out)
{
  const SfCounter rows = { size.n, size.step, SF_COUNTER_PARALLEL };
  const SfOperand operands[] = {
    { SF_OPERAND_IN, x, SF_F32, SF_SHAPE (size.n), 0, 1, { BLOCK (0, size.step) } },
    { SF_OPERAND_IN, y, SF_F32, SF_SHAPE (size.n), 0, 1, { BLOCK (0, size.step) } },
    { SF_OPERAND_OUT, out, SF_F32, SF_SHAPE (size.n), 0, 1, { BLOCK (0, size.step) } },
  };
  const SfInstr instrs[] = { { op, 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } } };
  build_stage (b, name, &rows, 1, operands, 3, instrs, 1);
}

/* In one section: a = table[first], rows = table[second], squares = a a, w := w + w; w is 1, 2, 3
 * and so on. */
static Build
build_section_of_four (Size size)
{
  const int64_t n = size.n, step = size.step;
  g_autofree float *initial = g_new (float, n);
  for (int64_t i = 0; i < n; i++)
    initial[i] = (float) (i + 1);
  Build b = build_new ("train");
  build_tensor (&b, "table", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (N_ROWS), NULL);
  build_tensor (&b, "first", SF_TENSOR_INPUT, SF_I32, SF_SHAPE (n), NULL);
  build_tensor (&b, "second", SF_TENSOR_INPUT, SF_I32, SF_SHAPE (n), NULL);
  build_tensor (&b, "squares", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (n), NULL);
  build_tensor (&b, "rows", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (n), NULL);
  build_tensor (&b, "w", SF_TENSOR_STATE, SF_F32, SF_SHAPE (n), initial);
  const SfProgramTensor next = { .name = "w",
                                 .role = SF_TENSOR_NEXT,
                                 .dtype = SF_F32,
                                 .shape = SF_SHAPE (n),
                                 .offset_bytes = -1,
                                 .state = STATE };
  sf_program_add_tensor (b.program, &next);
  build_section (&b);
  uint32_t table = build_load (&b, TABLE, N_ROWS, 1), first = build_load (&b, FIRST_INDEX, step, 1),
           second = build_load (&b, SECOND_INDEX, step, 1), w = build_load (&b, STATE, step, 1),
           a = build_buffer (&b, SF_F32, SF_SHAPE (n), step, 1),
           rows = build_store (&b, ROWS, step, 1), squares = build_store (&b, SQUARES, step, 1),
           sum = build_store (&b, NEXT, step, 1);
  add_gather (&b, "first", size, table, first, a);
  add_gather (&b, "second", size, table, second, rows);
  add_binary (&b, "square", "mul", size, a, a, squares);
  add_binary (&b, "update", "add", size, w, w, sum);
  build_launch (&b, SF_PHASE_FWD);
  return b;
}

SF_TEST (RduSection, TasksWaitForWhatTheyTouch)
{
  g_autoptr (GError) error = NULL;
  Build b = build_section_of_four ((Size){ N, N });
  RduMachine *machine = build_open (&b, 2, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  const RduSection *section = &machine->entries[0].launches[0].section;
  SF_REQUIRE (section->n_tasks == 4);
  SF_CHECK_INT (section->work[0].after, 0);
  SF_CHECK_INT (section->work[1].after, 0);
  SF_CHECK_INT (section->work[2].after, 1 << 1); /* `first`, two before it */
  SF_CHECK_INT (section->work[3].after, 0);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

SF_TEST (RduSection, TheFirstStageWithABadIndexIsNamed)
{
  Build b = build_section_of_four ((Size){ N, N });
  for (int n_threads = 1; n_threads <= 3; n_threads++)
    {
      g_autoptr (GError) error = NULL;
      RduMachine *machine = build_open (&b, n_threads, false, &error);
      SF_REQUIRE_NO_ERROR (error);
      float table[N_ROWS] = { 1, 2, 3 }, squares[N], rows[N];
      int32_t first[N] = { 0, 0, 5, 6 }, second[N] = { 7, 2, 1, 0 };
      const float *w = machine->tensors[STATE].data;
      void *inputs[] = { table, first, second }, *outputs[] = { squares, rows };
      SF_CHECK (!build_step (&b, machine, 0, inputs, outputs, NULL, NULL, &error));
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                      "stage first: index 5 at position 2, wanted 0 to 2");
      SF_CHECK (memcmp (w, (float[]){ 1, 2, 3, 4 }, sizeof (float[N])) == 0);
      g_clear_error (&error);
      first[2] = first[3] = second[0] = 1;
      SF_CHECK (build_step (&b, machine, 0, inputs, outputs, NULL, NULL, &error));
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK (memcmp (squares, (float[]){ 1, 1, 4, 4 }, sizeof squares) == 0);
      SF_CHECK (memcmp (rows, (float[]){ 2, 3, 2, 1 }, sizeof rows) == 0);
      w = machine->tensors[STATE].data;
      SF_CHECK (memcmp (w, (float[]){ 2, 4, 6, 8 }, sizeof (float[N])) == 0);
      rdu_machine_close (machine);
    }
  sf_program_unref (b.program);
}

/* ---- many rows, which workers share ---- */

/* Values of what workers share. */
typedef struct
{
  float table[N_ROWS], squares[MANY], rows[MANY];
  int32_t first[MANY], second[MANY];
} Many;

static bool
step_many (const Build *b, RduMachine *machine, Many *many, GError **error)
{
  void *inputs[] = { many->table, many->first, many->second };
  void *outputs[] = { many->squares, many->rows };
  return build_step (b, machine, 0, inputs, outputs, NULL, NULL, error);
}

/* Indices from 0 to 2, so that table[i] is i + 1. */
static void
fill_many (Many *many)
{
  for (int i = 0; i < N_ROWS; i++)
    many->table[i] = (float) (i + 1);
  for (int i = 0; i < MANY; i++)
    {
      many->first[i] = i % N_ROWS;
      many->second[i] = (i + 1) % N_ROWS;
    }
}

/* Whether the state is what it was, doubled so often. */
static bool
has_state (const RduMachine *machine, int doubled)
{
  const float *w = machine->tensors[STATE].data;
  bool same = true;
  for (int i = 0; i < MANY; i++)
    same &= w[i] == ldexpf ((float) (i + 1), doubled);
  return same;
}

/* Whether a step has made what it should. */
static bool
is_right (const RduMachine *machine, const Many *many, int doubled)
{
  bool right = has_state (machine, doubled);
  for (int i = 0; i < MANY; i++)
    {
      int first = many->first[i] + 1;
      right &= many->squares[i] == (float) (first * first)
               && many->rows[i] == (float) (many->second[i] + 1);
    }
  return right;
}

/* Whether workers have parts of the gathers, whatever they do. */
static bool
is_shared (const RduMachine *machine)
{
  const RduSection *section = &machine->entries[0].launches[0].section;
  return section->n_tasks >= 2 && section->work[0].n > section->work[0].grain
         && section->work[1].n > section->work[1].grain && section->work[1].after == 0;
}

/* Both gathers have bad indices in many blocks: whoever meets which of them first, the first one
 * of the first stage is told, and the next step is as if nothing had been. */
SF_TEST (RduSection, WorkersTellTheSameFault)
{
  enum
  {
    ROUNDS = 8,
    FIRST_BAD = MANY / 2 + 3
  };
  Build b = build_section_of_four ((Size){ MANY, BLOCK_OF_MANY });
  g_autofree Many *many = g_new (Many, 1);
  for (int n_threads = 2; n_threads <= 4; n_threads++)
    {
      g_autoptr (GError) error = NULL;
      RduMachine *machine = build_open (&b, n_threads, false, &error);
      SF_REQUIRE_NO_ERROR (error);
      for (int round = 0; round < ROUNDS; round++)
        {
          fill_many (many);
          for (int i = FIRST_BAD; i < MANY; i += BLOCK_OF_MANY / 2)
            many->first[i] = 10 + i;
          for (int i = 0; i < MANY; i += BLOCK_OF_MANY)
            many->second[i] = -1;
          SF_CHECK (!step_many (&b, machine, many, &error));
          SF_REQUIRE (is_shared (machine));
          SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                          "stage first: index 16397 at position 16387, wanted 0 to 2");
          g_clear_error (&error);
          SF_CHECK (has_state (machine, round));
          fill_many (many);
          SF_CHECK (step_many (&b, machine, many, &error));
          SF_REQUIRE_NO_ERROR (error);
          SF_CHECK (is_right (machine, many, round + 1));
        }
      rdu_machine_close (machine);
    }
  sf_program_unref (b.program);
}
