/* SPDX-License-Identifier: Apache-2.0 */
/* Steps: phases, states and their next contents, gradients between phases, observers, cancelling,
 * host launches. */
#include <math.h>
#include <string.h>

#include <sf/plugin/plugin.h>

#include "tests/unit/rdu/build.h"

#define N 4

/* Element by element: y = op (a, b). */
static void
build_binary (Build *b, const char *name, const char *op, uint32_t a, uint32_t c, uint32_t y,
              SfPhase phase)
{
  build_section (b);
  SfCounter counters[] = { { N, 2, SF_COUNTER_PARALLEL } };
  SfOperand operands[] = {
    { SF_OPERAND_IN, build_load (b, a, 2, 1), SF_F32, SF_SHAPE (N), 0, 1, { BLOCK (0, 2) } },
    { SF_OPERAND_IN, build_load (b, c, 2, 1), SF_F32, SF_SHAPE (N), 0, 1, { BLOCK (0, 2) } },
    { SF_OPERAND_OUT, build_store (b, y, 2, 1), SF_F32, SF_SHAPE (N), 0, 1, { BLOCK (0, 2) } },
  };
  SfInstr instrs[] = { { op, 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } } };
  build_stage (b, name, counters, 1, operands, 3, instrs, 1);
  build_launch (b, phase);
}

/* loss = w x; grad = x + x; w := w - grad. */
static Build
build_training (void)
{
  static const float initial[N] = { 1, 2, 3, 4 };
  Build b = build_new ("train");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (N), NULL),
           w = build_tensor (&b, "w", SF_TENSOR_STATE, SF_F32, SF_SHAPE (N), initial);
  uint32_t loss = build_tensor (&b, "loss", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (N), NULL),
           grad = build_tensor (&b, "dw", SF_TENSOR_TEMP, SF_F32, SF_SHAPE (N), NULL);
  SfProgramTensor next = { .name = "w",
                           .role = SF_TENSOR_NEXT,
                           .dtype = SF_F32,
                           .shape = SF_SHAPE (N),
                           .offset_bytes = -1,
                           .state = w };
  uint32_t after = sf_program_add_tensor (b.program, &next);
  build_binary (&b, "forward", "mul", w, x, loss, SF_PHASE_FWD);
  build_binary (&b, "backward", "add", x, x, grad, SF_PHASE_BWD);
  build_binary (&b, "update", "sub", w, grad, after, SF_PHASE_OPT);
  sf_entry_add_grad (b.program, b.entry, w, grad);
  return b;
}

static const SfBackendOps *
ops (void)
{
  return sf_plugin.ops.backend;
}

SF_TEST (RduSession, StatesMoveOnAtTheEndOfAPhase)
{
  Build b = build_training ();
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 2, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  float x[N] = { 1, 1, 2, 2 }, loss[N], w[N];
  SfTensor state = sf_tensor (SF_F32, SF_SHAPE (N), w);
  for (int step = 0; step < 3; step++)
    {
      SF_CHECK (
          build_step (&b, machine, 0, (void *[]){ x }, (void *[]){ loss }, NULL, NULL, &error));
      SF_CHECK (loss[0] == 1 - 2 * step && loss[3] == (4 - 4 * step) * 2);
    }
  SF_CHECK (ops ()->read (machine, "w", &state, &error));
  SF_CHECK (memcmp (w, (float[]){ -5, -4, -9, -8 }, sizeof w) == 0);
  memcpy (w, (float[]){ 7, 7, 7, 7 }, sizeof w);
  SF_CHECK (ops ()->write (machine, "w", &state, &error));
  SF_CHECK (build_step (&b, machine, 1u << SF_PHASE_FWD, (void *[]){ x }, (void *[]){ loss }, NULL,
                        NULL, &error));
  SF_CHECK (loss[0] == 7 && loss[2] == 14);
  SF_CHECK (ops ()->read (machine, "w", &state, &error) && w[0] == 7);
  SF_CHECK (!ops ()->read (machine, "v", &state, &error));
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "v: no such state in this program");
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

SF_TEST (RduSession, GradientsAreReadAndWrittenBetweenPhases)
{
  Build b = build_training ();
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 1, false, &error);
  float x[N] = { 1, 1, 2, 2 }, loss[N], w[N], grad[N];
  double wide[N] = { 100, 0, 0, 0.5 };
  SfTensor state = sf_tensor (SF_F32, SF_SHAPE (N), w),
           read = sf_tensor (SF_F32, SF_SHAPE (N), grad),
           write = sf_tensor (SF_F64, SF_SHAPE (N), wide);
  SF_CHECK (build_step (&b, machine, 1u << SF_PHASE_FWD | 1u << SF_PHASE_BWD, (void *[]){ x },
                        (void *[]){ loss }, NULL, NULL, &error));
  SF_CHECK (ops ()->read (machine, "grad:w", &read, &error));
  SF_CHECK (memcmp (grad, (float[]){ 2, 2, 4, 4 }, sizeof grad) == 0);
  SF_CHECK (ops ()->write (machine, "grad:w", &write, &error));
  SF_CHECK (build_step (&b, machine, 1u << SF_PHASE_OPT, (void *[]){ x }, (void *[]){ loss }, NULL,
                        NULL, &error));
  SF_CHECK (ops ()->read (machine, "w", &state, &error));
  SF_CHECK (memcmp (w, (float[]){ -99, 2, 3, 3.5f }, sizeof w) == 0);
  SF_REQUIRE_NO_ERROR (error);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

SF_TEST (RduSession, WhatAPhaseLeavesIsThereUntilAnotherEntryRuns)
{
  Build b = build_training ();
  uint32_t train = b.entry, eval = sf_program_add_entry (b.program, "eval");
  b.entry = eval;
  uint32_t x2 = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (N), NULL),
           y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (N), NULL);
  build_binary (&b, "double", "add", x2, x2, y, SF_PHASE_FWD);
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 1, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  float x[N] = { 1, 1, 2, 2 }, loss[N], twice[N], grad[N];
  SfTensor read = sf_tensor (SF_F32, SF_SHAPE (N), grad);
  b.entry = train;
  SF_CHECK (build_step (&b, machine, 1u << SF_PHASE_FWD | 1u << SF_PHASE_BWD, (void *[]){ x },
                        (void *[]){ loss }, NULL, NULL, &error));
  SF_CHECK (ops ()->read (machine, "grad:w", &read, &error));
  b.entry = eval;
  SF_CHECK (build_step (&b, machine, 1u << SF_PHASE_FWD, (void *[]){ x }, (void *[]){ twice }, NULL,
                        NULL, &error));
  SF_CHECK (memcmp (twice, (float[]){ 2, 2, 4, 4 }, sizeof twice) == 0);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (!ops ()->read (machine, "grad:w", &read, &error));
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "grad:w: found a step of entry eval");
  b.entry = train;
  SF_CHECK (!build_step (&b, machine, 1u << SF_PHASE_OPT, (void *[]){ x }, (void *[]){ loss }, NULL,
                         NULL, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "entry train: found a step of entry eval since its forward phase");
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

static void
observe (void *user_data, const SfObserved *observed)
{
  GString *seen = user_data;
  float *x = observed->tensor->data;
  g_string_append_printf (seen, "%s %s %u %g;", observed->entry, observed->stage,
                          (unsigned) observed->value, (double) x[0]);
  x[0] = 1.00390625f; /* between two bf16 */
}

/* (a + b) - b in one section, the sum passing through a bf16 buffer whose origin is value 41. */
SF_TEST (RduSession, WhatAnObserverChangesIsWhatFollowsSees)
{
  Build b = build_new ("eval");
  uint32_t a = build_tensor (&b, "a", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (N), NULL),
           c = build_tensor (&b, "c", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (N), NULL);
  uint32_t y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (N), NULL);
  uint32_t la = build_load (&b, a, N, 1), lc = build_load (&b, c, N, 1),
           sum = build_buffer (&b, SF_BF16, SF_SHAPE (N), N, 1), out = build_store (&b, y, N, 1);
  SfOperand first[] = { { SF_OPERAND_IN, la, SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } },
                        { SF_OPERAND_IN, lc, SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } },
                        { SF_OPERAND_OUT, sum, SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } } };
  SfOperand second[] = { { SF_OPERAND_IN, sum, SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } },
                         { SF_OPERAND_IN, lc, SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } },
                         { SF_OPERAND_OUT, out, SF_F32, SF_SHAPE (N), -1, 1, { ALL (N) } } };
  SfInstr add[] = { { "add", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } } },
          sub[] = { { "sub", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } } };
  build_stage (&b, "plus", NULL, 0, first, 3, add, 1);
  build_stage (&b, "minus", NULL, 0, second, 3, sub, 1);
  uint32_t launch = build_launch (&b, SF_PHASE_FWD);
  sf_launch_set_origin (b.program, b.entry, launch, sum, 41);
  sf_launch_set_stage_name (b.program, b.entry, launch, 0, "node/add");
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) seen = g_string_new (NULL);
  RduMachine *machine = build_open (&b, 1, false, &error);
  float ad[N] = { 5, 6, 7, 8 }, cd[N] = { 1, 1, 1, 1 }, yd[N];
  SF_CHECK (
      build_step (&b, machine, 0, (void *[]){ ad, cd }, (void *[]){ yd }, observe, seen, &error));
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (seen->str, "eval node/add 41 6;");
  SF_CHECK (memcmp (yd, (float[]){ 0, 6, 7, 8 }, sizeof yd) == 0);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

SF_TEST (RduSession, CancelStopsBetweenLaunches)
{
  Build b = build_training ();
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 1, false, &error);
  float x[N] = { 1, 1, 1, 1 };
  int cancel = 1;
  SfTensor in = sf_tensor (SF_F32, SF_SHAPE (N), x);
  SfBackendStep step = { .entry = "train", .phases = 7, .inputs = &in, .cancel = &cancel };
  SF_CHECK (!ops ()->step (machine, &step, &error));
  SF_CHECK_ERROR (error, SF_ERROR_CANCELLED, "entry train: stopped on request");
  step.entry = "predict";
  SF_CHECK (!ops ()->step (machine, &step, &error));
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "entry predict: not in this program");
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

/* exp in f64 on the host between two device sections; f64 tensors never reach the device. */
SF_TEST (RduSession, HostLaunchesRunThroughTheReference)
{
  Build b = build_new ("eval");
  g_autoptr (GError) error = NULL;
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (N), NULL),
           two = build_tensor (&b, "two", SF_TENSOR_TEMP, SF_F32, SF_SHAPE (N), NULL);
  uint32_t wide = build_tensor (&b, "wide", SF_TENSOR_TEMP, SF_F64, SF_SHAPE (N), NULL),
           e = build_tensor (&b, "e", SF_TENSOR_TEMP, SF_F32, SF_SHAPE (N), NULL);
  uint32_t y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (N), NULL);
  SfGraph *graph = sf_graph_new ("host");
  SfAttr to_f64[] = { { .name = "dtype", .type = SF_ATTR_DTYPE, .i = SF_F64 } },
         to_f32[] = { { .name = "dtype", .type = SF_ATTR_DTYPE, .i = SF_F32 } };
  SfValue in = sf_graph_input (graph, "in", SF_F32, SF_SHAPE (N), &error),
          cast = sf_graph_op (graph, "cast", &in, 1, to_f64, 1, &error);
  SfValue exponent = sf_graph_op1 (graph, "exp", cast, &error),
          back = sf_graph_op (graph, "cast", &exponent, 1, to_f32, 1, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_graph_output (graph, "wide", SF_OUTPUT_OTHER, exponent, &error)
            && sf_graph_output (graph, "out", SF_OUTPUT_OTHER, back, &error));
  build_binary (&b, "double", "add", x, x, two, SF_PHASE_FWD);
  SfBinding bindings[] = { { two, 0 }, { wide, 0 }, { e, 0 } };
  SfLaunch host = { .name = "host",
                    .target = SF_TARGET_HOST,
                    .phase = SF_PHASE_FWD,
                    .config = sf_program_add_host_graph (b.program, graph),
                    .repeat = 1,
                    .n_bindings = 3,
                    .bindings = bindings };
  sf_entry_add_launch (b.program, b.entry, &host);
  build_binary (&b, "minus", "sub", e, x, y, SF_PHASE_FWD);
  RduMachine *machine = build_open (&b, 1, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  float xd[N] = { 0, 1, -1, 0.5f }, yd[N];
  SF_CHECK (build_step (&b, machine, 0, (void *[]){ xd }, (void *[]){ yd }, NULL, NULL, &error));
  SF_REQUIRE_NO_ERROR (error);
  for (int i = 0; i < N; i++)
    SF_CHECK_NEAR (yd[i], exp (2 * xd[i]) - xd[i], 1e-6);
  g_autofree char *facts = ops ()->describe (machine);
  SF_CHECK_MSG (strstr (facts, "host_launches.eval=1\n") != NULL
                    && strstr (facts, "threads=1\n") != NULL,
                "%s", facts);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
  sf_graph_unref (graph);
}

/* w := w - g in place, unless a launch after it wants the old w; v := w + g from the old w. */
static Build
build_two_states (bool in_one_order)
{
  static const float initial[N] = { 1, 2, 3, 4 };
  Build b = build_new ("train");
  uint32_t g = build_tensor (&b, "g", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (N), NULL), state[2],
           after[2];
  const char *const names[] = { "w", "v" };
  for (int i = 0; i < 2; i++)
    {
      state[i] = build_tensor (&b, names[i], SF_TENSOR_STATE, SF_F32, SF_SHAPE (N), initial);
      SfProgramTensor next = { .name = names[i],
                               .role = SF_TENSOR_NEXT,
                               .dtype = SF_F32,
                               .shape = SF_SHAPE (N),
                               .offset_bytes = -1,
                               .state = state[i] };
      after[i] = sf_program_add_tensor (b.program, &next);
    }
  if (in_one_order)
    build_binary (&b, "average", "add", state[0], g, after[1], SF_PHASE_OPT);
  build_binary (&b, "update", "sub", state[0], g, after[0], SF_PHASE_OPT);
  if (!in_one_order)
    build_binary (&b, "average", "add", state[0], g, after[1], SF_PHASE_OPT);
  return b;
}

SF_TEST (RduSession, StatesAreReplacedInPlaceWhereNobodyMinds)
{
  for (int in_one_order = 0; in_one_order < 2; in_one_order++)
    {
      Build b = build_two_states (in_one_order != 0);
      g_autoptr (GError) error = NULL;
      RduMachine *machine = build_open (&b, 2, false, &error);
      SF_REQUIRE_NO_ERROR (error);
      float g[N] = { 1, 1, 2, 2 }, w[N], v[N];
      SfTensor w_state = sf_tensor (SF_F32, SF_SHAPE (N), w),
               v_state = sf_tensor (SF_F32, SF_SHAPE (N), v);
      for (int step = 0; step < 3; step++)
        SF_CHECK (build_step (&b, machine, 0, (void *[]){ g }, NULL, NULL, NULL, &error));
      SF_CHECK (ops ()->read (machine, "w", &w_state, &error));
      SF_CHECK (ops ()->read (machine, "v", &v_state, &error));
      SF_CHECK (memcmp (w, (float[]){ -2, -1, -3, -2 }, sizeof w) == 0);
      SF_CHECK (memcmp (v, (float[]){ 0, 1, 1, 2 }, sizeof v) == 0);
      const RduTensor *tensors = machine->tensors;
      SF_CHECK_INT (tensors[2].data == tensors[1].data, in_one_order);
      SF_CHECK (tensors[4].data == tensors[3].data);
      rdu_machine_close (machine);
      sf_program_unref (b.program);
    }
}

/* a = x + x and d = softmax of single elements by one stage, b = a x by another, c = x + x in a
 * section of its own, and w := w - x. */
static Build
build_four_outputs (void)
{
  static const float initial[N] = { 1, 2, 3, 4 };
  Build b = build_new ("train");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (N), NULL), y[4];
  const char *const names[] = { "a", "b", "c", "d" };
  for (int i = 0; i < 4; i++)
    y[i] = build_tensor (&b, names[i], SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (N), NULL);
  uint32_t w = build_tensor (&b, "w", SF_TENSOR_STATE, SF_F32, SF_SHAPE (N), initial);
  SfProgramTensor next = { .name = "w",
                           .role = SF_TENSOR_NEXT,
                           .dtype = SF_F32,
                           .shape = SF_SHAPE (N),
                           .offset_bytes = -1,
                           .state = w };
  uint32_t after = sf_program_add_tensor (b.program, &next);
  build_section (&b);
  SfCounter counters[] = { { N, 2, SF_COUNTER_PARALLEL } };
  SfOperand operands[] = {
    { SF_OPERAND_IN, build_load (&b, x, 2, 1), SF_F32, SF_SHAPE (N), 0, 1, { BLOCK (0, 2) } },
    { SF_OPERAND_OUT, build_store (&b, y[0], 2, 1), SF_F32, SF_SHAPE (N), 0, 1, { BLOCK (0, 2) } },
    { SF_OPERAND_OUT,
      build_store (&b, y[3], 2, 1),
      SF_F32,
      SF_SHAPE (N, 1),
      0,
      1,
      { BLOCK (0, 2), ALL (1) } },
    { SF_OPERAND_IN, 0, SF_F32, SF_SHAPE (N, 1), 0, 1, { BLOCK (0, 2), ALL (1) } },
  };
  operands[3].buffer = operands[0].buffer;
  SfInstr twice[] = { { "add", 1, SF_WHEN_EACH, 2, 1, { 0, 0 }, { 1 } },
                      { "softmax", 1, SF_WHEN_EACH, 1, 1, { 3 }, { 2 }, { 1 } } };
  build_stage (&b, "twice", counters, 1, operands, 4, twice, 2);
  operands[1].kind = SF_OPERAND_IN;
  operands[2] = (SfOperand){
    SF_OPERAND_OUT, build_store (&b, y[1], 2, 1), SF_F32, SF_SHAPE (N), 0, 1, { BLOCK (0, 2) }
  };
  SfInstr times[] = { { "mul", 1, SF_WHEN_EACH, 2, 1, { 1, 0 }, { 2 } } };
  build_stage (&b, "times", counters, 1, operands, 3, times, 1);
  build_launch (&b, SF_PHASE_FWD);
  build_binary (&b, "again", "add", x, x, y[2], SF_PHASE_FWD);
  build_binary (&b, "update", "sub", w, x, after, SF_PHASE_OPT);
  return b;
}

SF_TEST (RduSession, WhatOnlyUnwantedOutputsNeedIsLeftOut)
{
  static const struct
  {
    unsigned wanted; /* outputs, as bits */
    size_t n_fired;  /* stages */
  } cases[] = { { 1, 2 }, { 2, 3 }, { 4, 2 }, { 5, 3 }, { 7, 4 }, { 8, 2 }, { 0, 4 } };
  Build b = build_four_outputs ();
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 1, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfRecord records[32];
  SfRecordLane lane = { .records = records };
  SfRecorder recorder = { .n_lanes = 1, .capacity = G_N_ELEMENTS (records), .lanes = &lane };
  machine->probe.recorder = &recorder;
  float x[N] = { 1, 2, 3, 4 }, w[N];
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      float y[4][N] = { { 0 } }, *ones = machine->tensors[4].data;
      void *outputs[4];
      size_t n_fired = 0;
      for (int k = 0; k < 4; k++)
        outputs[k] = (cases[i].wanted >> k & 1) != 0 ? y[k] : NULL;
      lane.n = 0;
      ones[0] = 7;
      SF_CHECK (build_step (&b, machine, 0, (void *[]){ x }, outputs, NULL, NULL, &error));
      for (size_t r = 0; r < lane.n; r++)
        n_fired += records[r].kind == SF_RECORD_STAGE;
      SF_CHECK_INT (n_fired, cases[i].n_fired);
      SF_CHECK (outputs[0] == NULL || y[0][3] == 8);
      SF_CHECK (outputs[1] == NULL || y[1][3] == 32);
      SF_CHECK (outputs[2] == NULL || y[2][3] == 8);
      SF_CHECK (ones[0] == ((cases[i].wanted & 8) != 0 || cases[i].wanted == 0 ? 1 : 7));
    }
  /* A later phase asks for no output, and goes on from what the first one made. */
  void *none[4] = { NULL };
  SF_CHECK (build_step (&b, machine, 1u << SF_PHASE_FWD, (void *[]){ x },
                        (void *[]){ w, NULL, NULL, NULL }, NULL, NULL, &error));
  SF_CHECK (
      build_step (&b, machine, 1u << SF_PHASE_OPT, (void *[]){ x }, none, NULL, NULL, &error));
  SfTensor state = sf_tensor (SF_F32, SF_SHAPE (N), w);
  SF_CHECK (ops ()->read (machine, "w", &state, &error));
  SF_CHECK (w[0] == -(float) G_N_ELEMENTS (cases));
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}
