/* SPDX-License-Identifier: Apache-2.0 */
/* The sample program: gemm + relu over blocks of rows and of the inner dimension, rows minus their
 * maximum, relu on the host, w - lr w. */
#include "tests/unit/program/sample.h"

#include <stdlib.h>

#define DIM(size_, ...)                                   \
  {                                                       \
    .coef = { __VA_ARGS__ }, .size = (size_), .stride = 1 \
  }

static const SampleHooks no_hooks;

static const float weights[24] = { 1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12,
                                   1, 2,  3, 4,  5, 6,  7, 8,  9, 10,  11, 12 };

static void
add_tensor (SfProgram *program, const SampleHooks *hooks, const char *name, SfTensorRole role,
            SfShape shape, uint32_t state, const void *data)
{
  SfProgramTensor t = { .name = name,
                        .role = role,
                        .dtype = SF_F32,
                        .shape = shape,
                        .offset_bytes = -1,
                        .state = state,
                        .data = data,
                        .data_bytes = data != NULL ? 96 : 0 };
  if (hooks->tensor != NULL)
    hooks->tensor ((uint32_t) sf_program_n_tensors (program), &t);
  sf_program_add_tensor (program, &t);
}

static void
add_tensors (SfProgram *program, const SampleHooks *hooks)
{
  add_tensor (program, hooks, "x", SF_TENSOR_INPUT, SF_SHAPE (8, 4), SF_NONE, NULL);
  add_tensor (program, hooks, "w", SF_TENSOR_STATE, SF_SHAPE (4, 6), SF_NONE, weights);
  add_tensor (program, hooks, "lr", SF_TENSOR_SCALAR, sf_shape_scalar (), SF_NONE, NULL);
  add_tensor (program, hooks, "y", SF_TENSOR_OUTPUT, SF_SHAPE (8, 6), SF_NONE, NULL);
  add_tensor (program, hooks, "h", SF_TENSOR_TEMP, SF_SHAPE (8, 6), SF_NONE, NULL);
  add_tensor (program, hooks, "d", SF_TENSOR_TEMP, SF_SHAPE (8, 6), SF_NONE, NULL);
  add_tensor (program, hooks, "w'", SF_TENSOR_NEXT, SF_SHAPE (4, 6), SAMPLE_W, NULL);
}

static void
add_buffer (SfProgram *program, const SampleHooks *hooks, uint32_t config, const char *name,
            SfShape shape, int64_t tokens, int64_t depth, int64_t n_pmus)
{
  SfBuffer b = { name, SF_F32, shape, tokens, sf_shape_n_elems (&shape) / tokens, depth, n_pmus };
  if (hooks->buffer != NULL)
    hooks->buffer (name, &b);
  sf_config_add_buffer (program, config, &b);
}

static void
add_stream (SfProgram *program, const SampleHooks *hooks, uint32_t config, uint32_t buffer,
            bool out, uint32_t slot)
{
  SfStream s = { buffer, out, slot };
  if (hooks->stream != NULL)
    hooks->stream (config, slot, &s);
  sf_config_add_stream (program, config, &s);
}

static void
add_stage (SfProgram *program, const SampleHooks *hooks, uint32_t config, SfStage stage,
           SfOperand *operands, SfInstr *instrs)
{
  stage.operands = operands;
  stage.instrs = instrs;
  if (hooks->stage != NULL)
    hooks->stage (stage.name, &stage, operands, instrs);
  sf_config_add_stage (program, config, &stage);
}

/* h = relu (x w): blocks of 3 rows (the last has 2) and of 2 of the inner dimension. */
static void
add_gemm (SfProgram *program, const SampleHooks *hooks)
{
  uint32_t config = sf_program_add_config (program);
  SfBuffer x = { "x", SF_F32, SF_SHAPE (8, 4), 3, 12, 2, 1 };
  SfBuffer h = { "h", SF_F32, SF_SHAPE (8, 6), 3, 18, 2, 2 };
  if (hooks->buffer != NULL)
    hooks->buffer ("x", &x);
  sf_config_add_buffer (program, config, &x);
  add_buffer (program, hooks, config, "w", SF_SHAPE (4, 6), 1, 1, 1);
  if (hooks->buffer != NULL)
    hooks->buffer ("h", &h);
  sf_config_add_buffer (program, config, &h);
  add_stream (program, hooks, config, 0, false, 0);
  add_stream (program, hooks, config, 1, false, 1);
  add_stream (program, hooks, config, 2, true, 2);
  SfOperand operands[] = {
    { SF_OPERAND_IN, 0, SF_F32, SF_SHAPE (8, 4), 0, 1, { DIM (3, 1), DIM (2, 0, 1) } },
    { SF_OPERAND_IN, 1, SF_F32, SF_SHAPE (4, 6), -1, 0, { DIM (2, 0, 1), DIM (6, 0) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (8, 6), -1, 0, { DIM (3, 1), DIM (6, 0) } },
    { SF_OPERAND_OUT, 2, SF_F32, SF_SHAPE (8, 6), 0, 1, { DIM (3, 1), DIM (6, 0) } },
  };
  SfInstr instrs[] = {
    { .op = "gemm", .version = 1, .n_src = 2, .n_dst = 1, .src = { 0, 1 }, .dst = { 2 } },
    { .op = "relu",
      .version = 1,
      .when = SF_WHEN_LAST,
      .n_src = 1,
      .n_dst = 1,
      .src = { 2 },
      .dst = { 3 } },
  };
  SfStage stage = { .name = "gemm",
                    .n_counters = 2,
                    .n_operands = 4,
                    .n_instrs = 2,
                    .n_pcus = 3,
                    .counter = { { 8, 3, SF_COUNTER_PARALLEL }, { 4, 2, SF_COUNTER_REDUCTION } },
                    .interval_cycles = 7,
                    .latency_cycles = 20,
                    .flops = 384 };
  add_stage (program, hooks, config, stage, operands, instrs);
}

/* d = h - max over all of h: h goes twice through the section, so its buffer holds all of its
 * tokens. */
static void
add_two_phase (SfProgram *program, const SampleHooks *hooks)
{
  uint32_t config = sf_program_add_config (program);
  add_buffer (program, hooks, config, "rows", SF_SHAPE (8, 6), 8, 8, 1);
  add_buffer (program, hooks, config, "top", SF_SHAPE (1, 1), 1, 1, 1);
  add_buffer (program, hooks, config, "less", SF_SHAPE (8, 6), 8, 2, 1);
  add_stream (program, hooks, config, 0, false, 0);
  add_stream (program, hooks, config, 2, true, 1);
  SfOperand max_operands[] = {
    { SF_OPERAND_IN, 0, SF_F32, SF_SHAPE (8, 6), 0, 1, { DIM (1, 1), DIM (6, 0) } },
    { SF_OPERAND_OUT, 1, SF_F32, SF_SHAPE (1, 1), -1, 0, { DIM (1, 0), DIM (1, 0) } },
  };
  SfInstr max_instr = { .op = "reduce_max",
                        .version = 1,
                        .n_src = 1,
                        .n_dst = 1,
                        .src = { 0 },
                        .dst = { 1 },
                        .imm = { 3, 1 } };
  SfStage max_stage = { .name = "max",
                        .n_counters = 1,
                        .n_operands = 2,
                        .n_instrs = 1,
                        .n_pcus = 1,
                        .counter = { { 8, 1, SF_COUNTER_REDUCTION } } };
  add_stage (program, hooks, config, max_stage, max_operands, &max_instr);
  SfOperand sub_operands[] = {
    { SF_OPERAND_IN, 0, SF_F32, SF_SHAPE (8, 6), 0, 1, { DIM (1, 1), DIM (6, 0) } },
    { SF_OPERAND_IN, 1, SF_F32, SF_SHAPE (1, 1), -1, 0, { DIM (1, 0), DIM (1, 0) } },
    { SF_OPERAND_OUT, 2, SF_F32, SF_SHAPE (8, 6), 0, 1, { DIM (1, 1), DIM (6, 0) } },
  };
  SfInstr sub_instr
      = { .op = "sub", .version = 1, .n_src = 2, .n_dst = 1, .src = { 0, 1 }, .dst = { 2 } };
  SfStage sub_stage = { .name = "sub",
                        .n_counters = 1,
                        .n_operands = 3,
                        .n_instrs = 1,
                        .n_pcus = 2,
                        .counter = { { 8, 1, SF_COUNTER_PARALLEL } } };
  add_stage (program, hooks, config, sub_stage, sub_operands, &sub_instr);
}

/* w' = w - lr w */
static void
add_update (SfProgram *program, const SampleHooks *hooks)
{
  uint32_t config = sf_program_add_config (program);
  add_buffer (program, hooks, config, "weight", SF_SHAPE (4, 6), 4, 2, 1);
  add_buffer (program, hooks, config, "rate", sf_shape_scalar (), 1, 1, 1);
  add_buffer (program, hooks, config, "next", SF_SHAPE (4, 6), 4, 2, 1);
  add_stream (program, hooks, config, 0, false, 0);
  add_stream (program, hooks, config, 1, false, 1);
  add_stream (program, hooks, config, 2, true, 2);
  SfOperand operands[] = {
    { SF_OPERAND_IN, 0, SF_F32, SF_SHAPE (4, 6), 0, 1, { DIM (1, 1), DIM (6, 0) } },
    { SF_OPERAND_IN, 1, SF_F32, sf_shape_scalar (), -1, 0, { DIM (0, 0) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (4, 6), -1, 0, { DIM (1, 1), DIM (6, 0) } },
    { SF_OPERAND_OUT, 2, SF_F32, SF_SHAPE (4, 6), 0, 1, { DIM (1, 1), DIM (6, 0) } },
  };
  SfInstr instrs[] = {
    { .op = "mul", .version = 1, .n_src = 2, .n_dst = 1, .src = { 0, 1 }, .dst = { 2 } },
    { .op = "sub", .version = 1, .n_src = 2, .n_dst = 1, .src = { 0, 2 }, .dst = { 3 } },
  };
  SfStage stage = { .name = "update",
                    .n_counters = 1,
                    .n_operands = 4,
                    .n_instrs = 2,
                    .n_pcus = 1,
                    .counter = { { 4, 1, SF_COUNTER_PARALLEL } } };
  add_stage (program, hooks, config, stage, operands, instrs);
}

static SfGraph *
host_relu (void)
{
  SfGraph *graph = sf_graph_new ("host");
  SfValue x = sf_graph_input (graph, "d", SF_F32, SF_SHAPE (8, 6), NULL);
  SfValue y = sf_graph_op1 (graph, "relu", x, NULL);
  sf_graph_output (graph, "y", SF_OUTPUT_OTHER, y, NULL);
  return graph;
}

static void
add_launch (SfProgram *program, const SampleHooks *hooks, SfLaunch launch, const uint32_t *tensors,
            size_t n)
{
  SfBinding bindings[4] = { { 0 } };
  uint32_t index = (uint32_t) sf_entry_n_launches (program, 0), deps[1] = { index - 1 };
  for (size_t i = 0; i < n; i++)
    bindings[i].tensor = tensors[i];
  launch.bindings = bindings;
  launch.n_bindings = n;
  launch.deps = deps;
  launch.n_deps = index > 0 ? 1 : 0;
  launch.repeat = 1;
  if (hooks->launch != NULL)
    hooks->launch (index, &launch, bindings, deps);
  sf_entry_add_launch (program, 0, &launch);
}

static void
add_entry (SfProgram *program, const SampleHooks *hooks)
{
  uint32_t entry = sf_program_add_entry (program, "train");
  g_autoptr (SfGraph) host = host_relu ();
  sf_program_add_host_graph (program, host);
  add_launch (program, hooks, (SfLaunch){ "gemm", SF_TARGET_RDU, SF_PHASE_FWD, .config = 0 },
              (uint32_t[]){ SAMPLE_X, SAMPLE_W, SAMPLE_H }, 3);
  add_launch (program, hooks, (SfLaunch){ "minus", SF_TARGET_RDU, SF_PHASE_FWD, .config = 1 },
              (uint32_t[]){ SAMPLE_H, SAMPLE_D }, 2);
  add_launch (program, hooks, (SfLaunch){ "host", SF_TARGET_HOST, SF_PHASE_FWD, .config = 0 },
              (uint32_t[]){ SAMPLE_D, SAMPLE_Y }, 2);
  add_launch (program, hooks, (SfLaunch){ "update", SF_TARGET_RDU, SF_PHASE_OPT, .config = 2 },
              (uint32_t[]){ SAMPLE_W, SAMPLE_LR, SAMPLE_W_NEXT }, 3);
  sf_entry_add_input (program, entry, SAMPLE_X);
  sf_entry_add_scalar (program, entry, SAMPLE_LR);
  sf_entry_add_output (program, entry, SAMPLE_Y, "y", SF_OUTPUT_PREDICTION);
  sf_launch_set_origin (program, entry, 0, 2, 5);
  sf_launch_set_stage_name (program, entry, 0, 0, "fc1+relu");
}

/* ---- place, route, memory ---- */

static void
place_units (GArray *places, const SfArch *arch, SfUnitKind kind, uint32_t owner, int64_t n)
{
  SfArchInfo info = sf_arch_info (arch);
  for (int64_t y = 0; y < info.rows && n > 0; y++)
    for (int64_t x = -1; x <= info.columns && n > 0; x++)
      {
        bool used = sf_arch_unit_at (arch, x, y) != kind;
        for (guint i = 0; i < places->len && !used; i++)
          used = g_array_index (places, SfPlace, i).x == x
                 && g_array_index (places, SfPlace, i).y == y;
        if (used)
          continue;
        SfPlace place = { kind, owner, 0, 0, (int32_t) x, (int32_t) y };
        g_array_append_val (places, place);
        n--;
      }
}

void
sample_place (SfProgram *program, uint32_t config, const SfArch *arch)
{
  g_autoptr (GArray) places = g_array_new (FALSE, TRUE, sizeof (SfPlace));
  for (uint32_t i = 0; i < sf_config_n_stages (program, config); i++)
    place_units (places, arch, SF_UNIT_PCU, i, sf_config_stage (program, config, i).n_pcus);
  for (uint32_t i = 0; i < sf_config_n_buffers (program, config); i++)
    place_units (places, arch, SF_UNIT_PMU, i, sf_config_buffer (program, config, i).n_pmus);
  for (uint32_t i = 0; i < sf_config_n_streams (program, config); i++)
    place_units (places, arch, SF_UNIT_AGCU, i, 1);
  sf_config_set_places (program, config, (const SfPlace *) (const void *) places->data,
                        places->len);
}

static void
add_hop (GArray *hops, int32_t x0, int32_t y0, int32_t x1, int32_t y1)
{
  for (guint i = 0; i + 3 < hops->len; i += 4)
    if (g_array_index (hops, int32_t, i + 2) == x1 && g_array_index (hops, int32_t, i + 3) == y1)
      return;
  const int32_t hop[4] = { x0, y0, x1, y1 };
  g_array_append_vals (hops, hop, 4);
}

void
sample_route (SfProgram *program, uint32_t config)
{
  g_autoptr (GArray) nets = sf_config_nets (program, config);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  g_autofree SfRoute *routes = g_new0 (SfRoute, nets->len + 1);
  for (guint n = 0; n < nets->len; n++)
    {
      routes[n] = g_array_index (nets, SfRoute, n);
      GArray *hops = g_array_new (FALSE, FALSE, sizeof (int32_t));
      g_ptr_array_add (paths, hops);
      SfPlace from = sf_config_place (program, config, routes[n].source);
      for (size_t s = 0; s < routes[n].n_sinks; s++)
        {
          SfPlace to = sf_config_place (program, config, routes[n].sinks[s]);
          int32_t x = from.x, y = from.y;
          for (; x != to.x; x += to.x > x ? 1 : -1)
            add_hop (hops, x, y, x + (to.x > x ? 1 : -1), y);
          for (; y != to.y; y += to.y > y ? 1 : -1)
            add_hop (hops, x, y, x, y + (to.y > y ? 1 : -1));
        }
      routes[n].hops = (const int32_t *) (const void *) hops->data;
      routes[n].n_hops = hops->len / 4;
    }
  sf_config_set_routes (program, config, routes, nets->len);
}

SfProgram *
sample_program (const SampleHooks *hooks, const SfArch *arch)
{
  SfProgram *program = sf_program_new ();
  hooks = hooks != NULL ? hooks : &no_hooks;
  add_tensors (program, hooks);
  add_gemm (program, hooks);
  add_two_phase (program, hooks);
  add_update (program, hooks);
  add_entry (program, hooks);
  for (uint32_t c = 0; arch != NULL && c < sf_program_n_configs (program); c++)
    {
      sample_place (program, c, arch);
      sample_route (program, c);
    }
  for (uint32_t t = 0; t < sf_program_n_tensors (program); t++)
    sf_program_set_memory (program, t, 0, (int64_t) t * 256);
  return program;
}
