/* SPDX-License-Identifier: Apache-2.0 */
/* Small programs by hand. */
#include "tests/unit/rdu/build.h"

#define ALL_PHASES ((1u << SF_N_PHASES) - 1)

Build
build_new (const char *entry)
{
  Build build = { .program = sf_program_new () };
  build.entry = sf_program_add_entry (build.program, entry);
  build_section (&build);
  return build;
}

uint32_t
build_tensor (Build *build, const char *name, SfTensorRole role, SfDtype dtype, SfShape shape,
              const void *data)
{
  SfProgramTensor tensor = {
    .name = name,
    .role = role,
    .dtype = dtype,
    .shape = shape,
    .offset_bytes = -1,
    .state = SF_NONE,
    .data = data,
    .data_bytes = data != NULL ? (size_t) sf_shape_n_elems (&shape) * sf_dtype_bytes (dtype) : 0
  };
  uint32_t id = sf_program_add_tensor (build->program, &tensor);
  if (role == SF_TENSOR_INPUT)
    sf_entry_add_input (build->program, build->entry, id);
  if (role == SF_TENSOR_SCALAR)
    sf_entry_add_scalar (build->program, build->entry, id);
  if (role == SF_TENSOR_OUTPUT)
    sf_entry_add_output (build->program, build->entry, id, name, SF_OUTPUT_OTHER);
  return id;
}

void
build_section (Build *build)
{
  build->config = sf_program_add_config (build->program);
  build->n_slots = 0;
}

uint32_t
build_buffer (Build *build, SfDtype dtype, SfShape shape, int64_t rows_per_token, int64_t depth)
{
  int64_t rows = shape.rank > 0 ? shape.dim[0] : 1, n = sf_shape_n_elems (&shape);
  SfBuffer buffer = { .name = "buffer",
                      .dtype = dtype,
                      .shape = shape,
                      .tokens = (rows + rows_per_token - 1) / rows_per_token,
                      .token_elems = n / rows * rows_per_token,
                      .depth = depth,
                      .n_pmus = 1 };
  return sf_config_add_buffer (build->program, build->config, &buffer);
}

static uint32_t
bind_buffer (Build *build, uint32_t tensor, int64_t rows_per_token, int64_t depth, bool out)
{
  SfProgramTensor t = sf_program_tensor (build->program, tensor);
  SfStream stream = { .buffer = build_buffer (build, t.dtype, t.shape, rows_per_token, depth),
                      .out = out,
                      .slot = (uint32_t) build->n_slots };
  build->bindings[build->n_slots++] = (SfBinding){ tensor, 0 };
  sf_config_add_stream (build->program, build->config, &stream);
  return stream.buffer;
}

uint32_t
build_load (Build *build, uint32_t tensor, int64_t rows_per_token, int64_t depth)
{
  return bind_buffer (build, tensor, rows_per_token, depth, false);
}

uint32_t
build_store (Build *build, uint32_t tensor, int64_t rows_per_token, int64_t depth)
{
  return bind_buffer (build, tensor, rows_per_token, depth, true);
}

void
build_stage (Build *build, const char *name, const SfCounter *counters, size_t n_counters,
             const SfOperand *operands, size_t n_operands, const SfInstr *instrs, size_t n_instrs)
{
  SfStage stage = { .name = name,
                    .n_counters = n_counters,
                    .n_operands = n_operands,
                    .operands = operands,
                    .n_instrs = n_instrs,
                    .instrs = instrs,
                    .n_pcus = 1,
                    .flops = 1 << 30 }; /* worth all that the emulator does for large stages */
  for (size_t k = 0; k < n_counters; k++)
    stage.counter[k] = counters[k];
  sf_config_add_stage (build->program, build->config, &stage);
}

uint32_t
build_launch (Build *build, SfPhase phase)
{
  SfLaunch launch = { .name = "launch",
                      .target = SF_TARGET_RDU,
                      .phase = phase,
                      .config = build->config,
                      .repeat = 1,
                      .n_bindings = build->n_slots,
                      .bindings = build->bindings };
  return sf_entry_add_launch (build->program, build->entry, &launch);
}

RduMachine *
build_open (const Build *build, int n_threads, bool exact_firing, GError **error)
{
  SfBackendLoad load
      = { .program = build->program, .n_threads = n_threads, .exact_firing = exact_firing };
  return rdu_machine_open (&load, error);
}

static SfTensor
whole (const Build *build, uint32_t tensor, void *data)
{
  SfProgramTensor t = sf_program_tensor (build->program, tensor);
  return sf_tensor (sf_dtype_is_float (t.dtype) ? SF_F32 : SF_I32, t.shape, data);
}

bool
build_step (const Build *build, RduMachine *machine, unsigned phases, void *const *inputs,
            void *const *outputs, SfObserver observer, void *user_data, GError **error)
{
  SfTensor in[8] = { 0 }, out[8] = { 0 };
  SfBackendStep step = { .entry = sf_entry_name (build->program, build->entry),
                         .phases = phases != 0 ? phases : ALL_PHASES,
                         .inputs = in,
                         .outputs = out,
                         .observer = observer,
                         .user_data = user_data };
  for (size_t i = 0; i < sf_entry_n_inputs (build->program, build->entry); i++)
    in[i] = whole (build, sf_entry_input (build->program, build->entry, i), inputs[i]);
  for (size_t i = 0; i < sf_entry_n_outputs (build->program, build->entry); i++)
    out[i] = whole (build, sf_entry_output (build->program, build->entry, i), outputs[i]);
  return rdu_machine_step (machine, &step, error);
}

bool
build_run (const Build *build, int n_threads, bool exact_firing, void *const *inputs,
           void *const *outputs, GError **error)
{
  RduMachine *machine = build_open (build, n_threads, exact_firing, error);
  if (machine == NULL)
    return false;
  bool good = build_step (build, machine, 0, inputs, outputs, NULL, NULL, error);
  rdu_machine_close (machine);
  return good;
}
