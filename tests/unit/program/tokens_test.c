/* SPDX-License-Identifier: Apache-2.0 */
/* Token simulation against depths worked out by hand, nets by hand, and equal configs that become
 * one. */
#include <string.h>

#include "tests/support/sftest.h"
#include "tests/unit/program/sample.h"

static SfOperand
moving (SfOperandKind kind, uint32_t buffer, int32_t rate)
{
  return (SfOperand){ .kind = kind, .buffer = buffer, .dtype = SF_F32, .counter = 0, .rate = rate };
}

static SfOperand
resident (SfOperandKind kind, uint32_t buffer)
{
  return (SfOperand){ .kind = kind, .buffer = buffer, .dtype = SF_F32, .counter = -1 };
}

static void
add_stage (SfProgram *program, int64_t iterations, const SfOperand *operands, size_t n)
{
  SfStage stage = { .name = "s",
                    .n_counters = 1,
                    .counter = { { iterations, 1, SF_COUNTER_SEQUENTIAL } },
                    .n_operands = n,
                    .operands = operands,
                    .n_pcus = 1 };
  sf_config_add_stage (program, 0, &stage);
}

static void
add_buffer (SfProgram *program, const char *name, int64_t tokens)
{
  SfBuffer b = { .name = name,
                 .dtype = SF_F32,
                 .shape = SF_SHAPE (tokens),
                 .tokens = tokens,
                 .token_elems = 1,
                 .depth = 1,
                 .n_pmus = 1 };
  sf_config_add_buffer (program, 0, &b);
}

static void
add_stream (SfProgram *program, uint32_t buffer, bool out)
{
  SfStream s = { buffer, out, (uint32_t) sf_config_n_streams (program, 0) };
  sf_config_add_stream (program, 0, &s);
}

/* in(12) -> A -> mid(4) -> B -> out(12), A taking 3 tokens for each it makes, B the other way. */
SF_TEST (Tokens, RatesAskForTheirTokens)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfProgram) program = sf_program_new ();
  sf_program_add_config (program);
  add_buffer (program, "in", 12);
  add_buffer (program, "mid", 4);
  add_buffer (program, "out", 12);
  add_stream (program, 0, false);
  add_stream (program, 2, true);
  add_stage (program, 4,
             (SfOperand[]){ moving (SF_OPERAND_IN, 0, 3), moving (SF_OPERAND_OUT, 1, 1) }, 2);
  add_stage (program, 4,
             (SfOperand[]){ moving (SF_OPERAND_IN, 1, 1), moving (SF_OPERAND_OUT, 2, 3) }, 2);
  int64_t depth[3] = { 1, 1, 1 };
  SF_CHECK (sf_config_min_depths (program, 0, depth, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (depth[0], 3);
  SF_CHECK_INT (depth[1], 1);
  SF_CHECK_INT (depth[2], 3);
}

/* x -> A -> a -> B (sums all of a) -> b -> C, which also reads x: the skip holds all of x, the
 * input stream one token. */
SF_TEST (Tokens, SkipOverReductionHoldsAll)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfProgram) program = sf_program_new ();
  sf_program_add_config (program);
  add_buffer (program, "x", 10);
  add_buffer (program, "a", 10);
  add_buffer (program, "b", 1);
  add_buffer (program, "y", 10);
  add_buffer (program, "skip", 10);
  add_stream (program, 0, false);
  add_stream (program, 3, true);
  add_stage (program, 10,
             (SfOperand[]){ moving (SF_OPERAND_IN, 0, 1), moving (SF_OPERAND_OUT, 1, 1),
                            moving (SF_OPERAND_OUT, 4, 1) },
             3);
  add_stage (program, 10,
             (SfOperand[]){ moving (SF_OPERAND_IN, 1, 1), resident (SF_OPERAND_OUT, 2) }, 2);
  add_stage (program, 10,
             (SfOperand[]){ moving (SF_OPERAND_IN, 4, 1), resident (SF_OPERAND_IN, 2),
                            moving (SF_OPERAND_OUT, 3, 1) },
             3);
  int64_t depth[5] = { 1, 1, 1, 1, 1 };
  SF_CHECK (sf_config_min_depths (program, 0, depth, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (depth[0], 1);
  SF_CHECK_INT (depth[1], 1);
  SF_CHECK_INT (depth[4], 10);
  SF_CHECK_INT (depth[3], 1);
}

SF_TEST (Tokens, CycleHasNoDepth)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfProgram) program = sf_program_new ();
  sf_program_add_config (program);
  add_buffer (program, "there", 2);
  add_buffer (program, "back", 2);
  add_stage (program, 2,
             (SfOperand[]){ moving (SF_OPERAND_IN, 1, 1), moving (SF_OPERAND_OUT, 0, 1) }, 2);
  add_stage (program, 2,
             (SfOperand[]){ moving (SF_OPERAND_IN, 0, 1), moving (SF_OPERAND_OUT, 1, 1) }, 2);
  int64_t depth[2] = { 1, 1 };
  SF_CHECK (!sf_config_min_depths (program, 0, depth, &error));
  SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, "waited for and never come");
}

/* Depths from the simulation are enough, and one less in any buffer that it raised is not. */
SF_TEST (Tokens, LeastDepthsAreTight)
{
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = sample_program (NULL, NULL);
  for (uint32_t c = 0; c < sf_program_n_configs (program); c++)
    {
      int64_t depth[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
      SF_CHECK (sf_config_min_depths (program, c, depth, NULL));
      size_t n = sf_config_n_buffers (program, c);
      for (uint32_t b = 0; b < n; b++)
        sf_config_set_buffer (program, c, b, depth[b], sf_config_buffer (program, c, b).n_pmus);
      SF_CHECK (sf_program_verify (program, arch, SF_CHECK_DEPTH, NULL));
      for (uint32_t b = 0; b < n; b++)
        {
          if (depth[b] == 1)
            continue;
          sf_config_set_buffer (program, c, b, depth[b] - 1, 1);
          SF_CHECK (!sf_program_verify (program, arch, SF_CHECK_DEPTH, NULL));
          sf_config_set_buffer (program, c, b, depth[b], 1);
        }
    }
}

typedef struct
{
  SfNetwork network;
  uint32_t source, n_sinks, sinks[6];
} WantedNet;

static void
check_net_table (const SfProgram *program, uint32_t config, const WantedNet *wanted, size_t n)
{
  g_autoptr (GArray) nets = sf_config_nets (program, config);
  SF_REQUIRE (nets->len == n);
  for (guint i = 0; i < nets->len; i++)
    {
      const SfRoute *net = &g_array_index (nets, SfRoute, i);
      SF_CHECK_INT (net->source, wanted[i].source);
      SF_CHECK_INT (net->network, wanted[i].network);
      SF_REQUIRE (net->n_sinks == wanted[i].n_sinks);
      for (uint32_t s = 0; s < net->n_sinks; s++)
        SF_CHECK_INT (net->sinks[s], wanted[i].sinks[s]);
    }
}

#define V SF_NETWORK_VECTOR
#define S SF_NETWORK_SCALAR
#define C SF_NETWORK_CONTROL

/* Config 0 of the sample: 3 PCUs (places 0-2), PMUs of x 3, w 4, h 5 and 6, AGCUs 7-9. */
SF_TEST (Nets, OfASmallSection)
{
  static const WantedNet wanted[] = {
    { V, 0, 1, { 5 } },       /* 3 PCUs on 2 PMUs: 0 and 1 share the first */
    { V, 1, 1, { 5 } },       /* */
    { V, 2, 1, { 6 } },       /* */
    { C, 0, 2, { 7, 8 } },    /* credits for x and w */
    { V, 3, 3, { 0, 1, 2 } }, /* x to all PCUs */
    { V, 4, 3, { 0, 1, 2 } }, /* w to all PCUs */
    { V, 5, 1, { 9 } },       /* both PMUs of h feed the outward stream */
    { V, 6, 1, { 9 } },       /* */
    { V, 7, 1, { 3 } },       /* stream x */
    { V, 8, 1, { 4 } },       /* stream w */
    { C, 9, 1, { 0 } },       /* credits for h */
  };
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  check_net_table (program, 0, wanted, G_N_ELEMENTS (wanted));
}

/* Config 2 of the sample: one PCU (place 0), PMUs of w 1, lr 2, w' 3, AGCUs 4 (w), 5 (lr), 6. */
SF_TEST (Nets, ScalarsHaveTheirNetwork)
{
  static const WantedNet wanted[] = {
    { V, 0, 1, { 3 } }, { C, 0, 2, { 4, 5 } }, { V, 1, 1, { 0 } }, { S, 2, 1, { 0 } },
    { V, 3, 1, { 6 } }, { V, 4, 1, { 1 } },    { S, 5, 1, { 2 } }, { C, 6, 1, { 0 } },
  };
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  check_net_table (program, 2, wanted, G_N_ELEMENTS (wanted));
}

/* A buffer on `pmus` PMUs that a stream fills and two stages read, which write what nobody reads.
 * Places: PCUs of stage 0, of stage 1, PMUs of the buffers, the AGCU. */
static SfProgram *
fan_program (int64_t pmus, int64_t first_pcus, int64_t second_pcus, const SfArch *arch)
{
  SfProgram *program = sf_program_new ();
  uint32_t config = sf_program_add_config (program);
  for (int i = 0; i < 3; i++)
    {
      SfBuffer b = { "b", SF_F32, SF_SHAPE (8), 1, 8, 1, i == 0 ? pmus : 1 };
      sf_config_add_buffer (program, config, &b);
    }
  SfStream stream = { 0, false, 0 };
  sf_config_add_stream (program, config, &stream);
  for (uint32_t s = 0; s < 2; s++)
    {
      SfOperand operands[3]
          = { { SF_OPERAND_IN, 0 }, { SF_OPERAND_IN, 0 }, { SF_OPERAND_OUT, 1 + s } };
      SfStage stage = { .name = "s",
                        .n_operands = 3,
                        .operands = operands,
                        .n_pcus = s == 0 ? first_pcus : second_pcus };
      sf_config_add_stage (program, config, &stage);
    }
  sample_place (program, config, arch);
  return program;
}

/* One source for each share, multicast to the readers of both stages: 2 PMUs (6, 7) to 4 PCUs
 * (0-3) and 2 PCUs (4, 5). */
SF_TEST (Nets, ReadersShareANet)
{
  static const WantedNet wanted[] = {
    { V, 0, 1, { 8 } }, /* stage 0 */
    { V, 1, 1, { 8 } },       { V, 2, 1, { 8 } },     { V, 3, 1, { 8 } },
    { C, 0, 1, { 10 } },      { V, 4, 1, { 9 } },                               /* stage 1 */
    { V, 5, 1, { 9 } },       { C, 4, 1, { 10 } },    { V, 6, 3, { 0, 1, 4 } }, /* the buffer */
    { V, 7, 3, { 2, 3, 5 } }, { V, 10, 2, { 6, 7 } },
  };
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = fan_program (2, 4, 2, arch);
  check_net_table (program, 0, wanted, G_N_ELEMENTS (wanted));
}

/* More sources than sinks: each feeds the one of its share. 5 PMUs (3-7) to 2 PCUs (0, 1) and to
 * one (2): floor (i 2 / 5) is 0 0 0 1 1. */
SF_TEST (Nets, EachOfManySourcesFeedsOne)
{
  static const WantedNet wanted[] = {
    { V, 0, 1, { 8 } },
    { V, 1, 1, { 8 } },
    { C, 0, 1, { 10 } },
    { V, 2, 1, { 9 } },
    { C, 2, 1, { 10 } },
    { V, 3, 2, { 0, 2 } },
    { V, 4, 2, { 0, 2 } },
    { V, 5, 2, { 0, 2 } },
    { V, 6, 2, { 1, 2 } },
    { V, 7, 2, { 1, 2 } },
    { V, 10, 5, { 3, 4, 5, 6, 7 } },
  };
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = fan_program (5, 2, 1, arch);
  check_net_table (program, 0, wanted, G_N_ELEMENTS (wanted));
}

#undef V
#undef S
#undef C

SF_TEST (Program, EqualConfigsBecomeOne)
{
  g_autoptr (SfProgram) program = sf_program_new ();
  uint32_t entry = sf_program_add_entry (program, "eval");
  for (uint32_t c = 0; c < 3; c++)
    {
      sf_program_add_config (program);
      SfBuffer b = { .name = c == 1 ? "other name" : "b",
                     .dtype = SF_F32,
                     .shape = SF_SHAPE (4),
                     .tokens = 4,
                     .token_elems = 1,
                     .depth = c == 2 ? 3 : 2,
                     .n_pmus = 1 };
      sf_config_add_buffer (program, c, &b);
      SfLaunch launch = { .config = c, .repeat = 1 };
      sf_entry_add_launch (program, entry, &launch);
    }
  sf_program_share_configs (program);
  SF_CHECK_INT (sf_program_n_configs (program), 2);
  SF_CHECK_INT (sf_entry_launch (program, entry, 0).config, 0);
  SF_CHECK_INT (sf_entry_launch (program, entry, 1).config, 0);
  SF_CHECK_INT (sf_entry_launch (program, entry, 2).config, 1);
  SF_CHECK_INT (sf_config_buffer (program, 1, 0).depth, 3);
}

/* What is handed in may go away: strings, arrays and data are the program's own. */
SF_TEST (Program, CopiesWhatItIsGiven)
{
  g_autoptr (SfProgram) program = sf_program_new ();
  char name[] = "weight";
  float value[2] = { 1, 2 };
  SfProgramTensor t = { .name = name,
                        .role = SF_TENSOR_CONST,
                        .dtype = SF_F32,
                        .shape = SF_SHAPE (2),
                        .state = SF_NONE,
                        .data = value,
                        .data_bytes = sizeof value };
  uint32_t id = sf_program_add_tensor (program, &t);
  name[0] = 'X';
  value[1] = 9;
  SF_CHECK_STR (sf_program_tensor (program, id).name, "weight");
  SF_CHECK_NEAR (((const float *) sf_program_tensor (program, id).data)[1], 2, 0);
}

/* The text names every record; a golden copy of one stage, written by hand from docs/program.md. */
SF_TEST (Program, Text)
{
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  g_autofree char *text = sf_program_text (program);
  static const char stage[] = "  stage 0 gemm: 3 PCUs, interval 7, latency 20 cycles, 384 flops\n"
                              "    for c0 in 8 by 3 parallel\n"
                              "    for c1 in 4 by 2 reduction\n"
                              "    %0 in buffer 0 f32 [8,4] 1 tokens by c0 [c0+:3, c1+:2]\n"
                              "    %1 in buffer 1 f32 [4,6] resident [c1+:2, 0+:6]\n"
                              "    %2 temp f32 [8,6] [c0+:3, 0+:6]\n"
                              "    %3 out buffer 2 f32 [8,6] 1 tokens by c0 [c0+:3, 0+:6]\n"
                              "    gemm %0, %1 -> %2 {0,0}\n"
                              "    last relu %2 -> %3\n";
  SF_CHECK_MSG (strstr (text, stage) != NULL, "%s", text);
  SF_CHECK (strstr (text, "tensor 6 w' next f32 [4,6] of 1 at 0:1536\n") != NULL);
  SF_CHECK (strstr (text, "  launch 1 minus fwd config 1 x1 (4, 5) after 0\n") != NULL);
  SF_CHECK (strstr (text, "  launch 2 host fwd host graph 0 x1 (5, 3) after 1\n") != NULL);
}

SF_TEST (TileOp, TableIsSound)
{
  for (size_t i = 0; i < sf_tile_op_count (); i++)
    {
      const SfTileOp *op = sf_tile_op_at (i);
      SF_CHECK (sf_tile_op_find (op->name, op->version) == op);
      SF_CHECK (op->min_src <= op->max_src && op->max_src <= SF_MAX_SRC && op->n_dst >= 1
                && op->n_dst <= SF_MAX_DST);
      SF_CHECK (op->n_imm <= SF_MAX_IMM && op->n_fimm <= SF_MAX_FIMM && op->summary[0] != '\0');
    }
  SF_CHECK (sf_tile_op_at (sf_tile_op_count ()) == NULL);
  SF_CHECK (sf_tile_op_find ("gemm", 2) == NULL);
  SF_CHECK (sf_tile_op_find ("batch_norm", 1) == NULL);
}
