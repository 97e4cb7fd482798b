/* SPDX-License-Identifier: Apache-2.0 */
/* A launch as tasks: which wait for which, and what is left of a section that meets a bad index. */
#include <string.h>

#include "tests/unit/rdu/build.h"

enum
{
  N = 4,
  N_ROWS = 3
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

static void
add_gather (Build *b, const char *name, uint32_t table, uint32_t index, uint32_t out)
{
  const SfOperand operands[] = {
    { SF_OPERAND_IN, table, SF_F32, SF_SHAPE (N_ROWS), -1, 1, { ALL (N_ROWS) } },
    { SF_OPERAND_IN, index, SF_I32, SF_SHAPE (N), -1, 1, { ALL (N) } },
    { SF_OPERAND_OUT, out, SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } },
  };
  const SfInstr instrs[] = { { "gather", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 }, { 0 } } };
  build_stage (b, name, NULL, 0, operands, 3, instrs, 1);
}

static void
add_binary (Build *b, const char *name, const char *op, uint32_t x, uint32_t y, uint32_t out)
{
  const SfOperand operands[] = {
    { SF_OPERAND_IN, x, SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } },
    { SF_OPERAND_IN, y, SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } },
    { SF_OPERAND_OUT, out, SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } },
  };
  const SfInstr instrs[] = { { op, 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } } };
  build_stage (b, name, NULL, 0, operands, 3, instrs, 1);
}

/* In one section: a = table[first], rows = table[second], squares = a a, w := w + w. */
static Build
build_section_of_four (void)
{
  static const float initial[N] = { 1, 2, 3, 4 };
  Build b = build_new ("train");
  build_tensor (&b, "table", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (N_ROWS), NULL);
  build_tensor (&b, "first", SF_TENSOR_INPUT, SF_I32, SF_SHAPE (N), NULL);
  build_tensor (&b, "second", SF_TENSOR_INPUT, SF_I32, SF_SHAPE (N), NULL);
  build_tensor (&b, "squares", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (N), NULL);
  build_tensor (&b, "rows", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (N), NULL);
  build_tensor (&b, "w", SF_TENSOR_STATE, SF_F32, SF_SHAPE (N), initial);
  const SfProgramTensor next = { .name = "w",
                                 .role = SF_TENSOR_NEXT,
                                 .dtype = SF_F32,
                                 .shape = SF_SHAPE (N),
                                 .offset_bytes = -1,
                                 .state = STATE };
  sf_program_add_tensor (b.program, &next);
  build_section (&b);
  uint32_t table = build_load (&b, TABLE, N_ROWS, 1), first = build_load (&b, FIRST_INDEX, N, 1),
           second = build_load (&b, SECOND_INDEX, N, 1), w = build_load (&b, STATE, N, 1),
           a = build_buffer (&b, SF_F32, SF_SHAPE (N), N, 1), rows = build_store (&b, ROWS, N, 1),
           squares = build_store (&b, SQUARES, N, 1), sum = build_store (&b, NEXT, N, 1);
  add_gather (&b, "first", table, first, a);
  add_gather (&b, "second", table, second, rows);
  add_binary (&b, "square", "mul", a, a, squares);
  add_binary (&b, "update", "add", w, w, sum);
  build_launch (&b, SF_PHASE_FWD);
  return b;
}

SF_TEST (RduSection, TasksWaitForWhatTheyTouch)
{
  g_autoptr (GError) error = NULL;
  Build b = build_section_of_four ();
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
  Build b = build_section_of_four ();
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
