/* SPDX-License-Identifier: Apache-2.0 */
/* Pass for tests: a program of one section as large as wanted, a chain of stages with a weight each
 * and a skip over every third, whatever the module holds. */
#include <sf/plugin/pass.h>

#define ROWS 16

static const SfOption options_table[] = {
  { .name = "stages",
    .type = SF_OPTION_INT,
    .def = "4",
    .min = 1,
    .max = 1000,
    .arg = "N",
    .help = "stages of the chain" },
  { .name = "pcus",
    .type = SF_OPTION_INT,
    .def = "1",
    .min = 1,
    .max = 1000,
    .arg = "N",
    .help = "PCUs of each" },
  { .name = "pmus",
    .type = SF_OPTION_INT,
    .def = "1",
    .min = 1,
    .max = 1000,
    .arg = "N",
    .help = "PMUs of each buffer" },
  { .name = NULL },
};

static uint32_t
add_buffer (SfProgram *program, int64_t tokens, int64_t n_pmus)
{
  SfBuffer buffer = { .name = tokens > 1 ? "x" : "w",
                      .dtype = SF_F32,
                      .shape = SF_SHAPE (tokens, 64),
                      .tokens = tokens,
                      .token_elems = 64,
                      .depth = tokens,
                      .n_pmus = n_pmus };
  return sf_config_add_buffer (program, 0, &buffer);
}

static void
add_stream (SfProgram *program, uint32_t buffer, bool out)
{
  SfStream stream = { buffer, out, (uint32_t) sf_config_n_streams (program, 0) };
  sf_config_add_stream (program, 0, &stream);
}

/* y = (x + w) + skip; without a skip y = x + w. */
static void
add_stage (SfProgram *program, uint32_t x, uint32_t w, uint32_t skip, uint32_t y, int64_t n_pcus)
{
  const SfAccess row = { .coef = { 1 }, .size = 1, .stride = 1 }, all = { .size = 64, .stride = 1 };
  const SfAccess first = { .size = 1, .stride = 1 };
  SfOperand operands[] = {
    { SF_OPERAND_IN, x, SF_F32, SF_SHAPE (ROWS, 64), 0, 1, { row, all } },
    { SF_OPERAND_IN, w, SF_F32, SF_SHAPE (1, 64), -1, 0, { first, all } },
    { SF_OPERAND_OUT, y, SF_F32, SF_SHAPE (ROWS, 64), 0, 1, { row, all } },
    { SF_OPERAND_IN, skip, SF_F32, SF_SHAPE (ROWS, 64), 0, 1, { row, all } },
  };
  SfInstr instrs[] = {
    { .op = "add", .version = 1, .n_src = 2, .n_dst = 1, .src = { 0, 1 }, .dst = { 2 } },
    { .op = "add", .version = 1, .n_src = 2, .n_dst = 1, .src = { 2, 3 }, .dst = { 2 } },
  };
  SfStage stage = { .name = "add",
                    .n_counters = 1,
                    .counter = { { ROWS, 1, SF_COUNTER_PARALLEL } },
                    .n_operands = skip == SF_NONE ? 3 : 4,
                    .operands = operands,
                    .n_instrs = skip == SF_NONE ? 1 : 2,
                    .instrs = instrs,
                    .n_pcus = n_pcus };
  sf_config_add_stage (program, 0, &stage);
}

static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
  SfProgram *program = sf_pass_program (context);
  int64_t stages = sf_option_int (options, "stages"), pcus = sf_option_int (options, "pcus"),
          pmus = sf_option_int (options, "pmus");
  sf_program_add_config (program);
  uint32_t x = add_buffer (program, ROWS, pmus), skip = SF_NONE;
  add_stream (program, x, false);
  for (int64_t s = 0; s < stages; s++)
    {
      uint32_t w = add_buffer (program, 1, 1), y = add_buffer (program, ROWS, pmus);
      add_stream (program, w, false);
      add_stage (program, x, w, s % 3 == 2 ? skip : SF_NONE, y, pcus);
      skip = s % 3 == 0 ? x : skip;
      x = y;
    }
  add_stream (program, x, true);
  return true;
}

static const SfPassOps pass_ops = { .size = sizeof (SfPassOps), .run = run };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_PASS, "fabricate", "1.0", "a section as large as wanted, for tests"),
  .options = options_table,
  .ops.pass = &pass_ops,
};
