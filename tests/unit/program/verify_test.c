/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier takes a sound program and refuses it broken by hand, once for each rule. */
#include <string.h>

#include "tests/support/sftest.h"
#include "tests/unit/program/sample.h"

SF_TEST (Verify, TakesSoundProgram)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  for (int upto = 0; upto < SF_N_CHECKS; upto++)
    {
      sf_program_verify (program, arch, (SfProgramCheck) upto, &error);
      SF_REQUIRE_NO_ERROR (error);
    }
}

/* A defect: which part of the sample it changes, and what the checker of `upto` says; checkers
 * before it say nothing. */
typedef struct
{
  const char *name;
  SampleHooks hooks;
  SfProgramCheck upto;
  const char *message;
} BodyCase;

#define IS(text) (strcmp (name, text) == 0)
#define STAGE(fn) \
  static void fn (const char *name, SfStage *stage, SfOperand *operands, SfInstr *instrs)
#define BUFFER(fn) static void fn (const char *name, SfBuffer *buffer)
#define STREAM(fn) static void fn (uint32_t config, uint32_t slot, SfStream *stream)

/* ---- buffers and streams ---- */

BUFFER (wide_buffer)
{
  if (IS ("x"))
    buffer->dtype = SF_F64;
}

BUFFER (wrong_tokens)
{
  if (IS ("x"))
    buffer->tokens = 4;
}

BUFFER (no_depth)
{
  if (IS ("x"))
    buffer->depth = 0;
}

STREAM (stream_to_nowhere)
{
  if (config == 0 && slot == 0)
    stream->buffer = 17;
}

STREAM (stream_slot)
{
  if (config == 0 && slot == 0)
    stream->slot = 4000000000u;
}

STREAM (second_writer)
{
  if (config == 0 && slot == 2)
    stream->out = false;
}

/* ---- counters and operands ---- */

STAGE (zero_step)
{
  if (IS ("gemm"))
    stage->counter[0].step = 0;
}

STAGE (unbalanced_rate)
{
  if (IS ("gemm"))
    operands[0].rate = 2;
}

STAGE (inner_counter_advances)
{
  if (IS ("gemm"))
    operands[0].counter = 1;
}

STAGE (map_outside)
{
  if (IS ("gemm"))
    operands[3].dim[1].base = 1;
}

STAGE (source_outside)
{
  if (IS ("gemm"))
    operands[1].dim[1].base = -1;
}

STAGE (wild_coefficient)
{
  if (IS ("gemm"))
    operands[1].dim[1].coef[1] = INT64_MAX;
}

STAGE (beyond_tokens)
{
  if (IS ("gemm"))
    operands[0].dim[0].size = 4;
}

STAGE (element_count)
{
  if (IS ("gemm"))
    operands[1].shape.dim[0] = 5;
}

STAGE (operand_dtype)
{
  if (IS ("gemm"))
    operands[1].dtype = SF_I32;
}

STAGE (operand_bf16)
{
  if (IS ("gemm"))
    operands[2].dtype = SF_BF16;
}

STAGE (no_such_buffer)
{
  if (IS ("gemm"))
    operands[1].buffer = 3;
}

STAGE (token_by_token_sum)
{
  if (IS ("gemm"))
    stage->counter[0].kind = SF_COUNTER_REDUCTION;
}

/* ---- instructions ---- */

STAGE (unknown_op)
{
  if (IS ("gemm"))
    instrs[0].version = 2;
}

STAGE (arity)
{
  if (IS ("gemm"))
    instrs[0].n_src = 1;
}

STAGE (writes_input)
{
  if (IS ("gemm"))
    instrs[0].dst[0] = 0;
}

STAGE (instr_dtypes)
{
  if (IS ("gemm"))
    operands[2].dtype = SF_I32;
}

STAGE (gemm_inner)
{
  if (IS ("gemm"))
    instrs[0].imm[1] = 1;
}

STAGE (short_block_only)
{
  if (IS ("gemm"))
    {
      operands[2].dim[0].coef[0] = 0;
      operands[2].shape.dim[0] = 3;
    }
}

STAGE (map_does_not_broadcast)
{
  if (IS ("update"))
    operands[2].dim[1].size = 5;
}

STAGE (reduce_axes)
{
  if (IS ("max"))
    instrs[0].imm[0] = 8;
}

STAGE (unwritten_scratch)
{
  if (IS ("gemm"))
    {
      SfInstr first = instrs[0];
      instrs[0] = instrs[1];
      instrs[1] = first;
    }
}

STAGE (partial_sum_read)
{
  if (IS ("gemm"))
    instrs[1].when = SF_WHEN_EACH;
}

STAGE (sum_over_sequence)
{
  if (IS ("gemm"))
    {
      stage->counter[1].kind = SF_COUNTER_SEQUENTIAL;
      instrs[0].dst[0] = 3;
      instrs[1] = (SfInstr){
        .op = "relu", .version = 1, .n_src = 1, .n_dst = 1, .src = { 3 }, .dst = { 2 }
      };
    }
}

STAGE (overwritten_result)
{
  if (IS ("sub"))
    {
      operands[2].dim[0].coef[0] = 0;
      operands[2].counter = -1;
    }
}

STAGE (scratch_sum_outside)
{
  if (IS ("gemm"))
    {
      stage->n_counters = 3;
      stage->counter[2] = (SfCounter){ 6, 3, SF_COUNTER_PARALLEL };
      operands[1].dim[1] = (SfAccess){ .coef = { 0, 0, 1 }, .size = 3, .stride = 1 };
      operands[2].dim[1] = operands[3].dim[1] = operands[1].dim[1];
    }
}

STAGE (sum_moves)
{
  if (IS ("gemm"))
    {
      operands[2].shape.dim[0] = 16;
      operands[2].dim[0].coef[1] = 1;
    }
}

STAGE (not_covered)
{
  if (IS ("update"))
    {
      stage->counter[0].extent = 4;
      for (int i = 0; i < 4; i++)
        if (i != 1)
          operands[i].dim[1].size = 5;
    }
}

STAGE (unused_result)
{
  if (IS ("update"))
    instrs[1].dst[0] = 2;
}

/* ---- depth ---- */

BUFFER (too_shallow)
{
  if (IS ("rows"))
    buffer->depth = 7;
}

BUFFER (too_large)
{
  if (IS ("x"))
    buffer->depth = 4000;
}

BUFFER (no_pmus)
{
  if (IS ("h"))
    buffer->n_pmus = 0;
}

STAGE (no_pcus)
{
  if (IS ("sub"))
    stage->n_pcus = 0;
}

STAGE (waits_for_itself)
{
  if (IS ("max"))
    operands[0].buffer = 2;
}

static const BodyCase body_cases[] = {
  { "wide_buffer",
    { .buffer = wide_buffer },
    SF_CHECK_BODY,
    "config 0, buffer 0 (x): dtype is f64" },
  { "wrong_tokens",
    { .buffer = wrong_tokens },
    SF_CHECK_BODY,
    "4 tokens of 12 elements for 32 elements, wanted 3 tokens" },
  { "no_depth", { .buffer = no_depth }, SF_CHECK_BODY, "depth 0" },
  { "stream_to_nowhere",
    { .stream = stream_to_nowhere },
    SF_CHECK_BODY,
    "stream 0: buffer 17 does not exist" },
  { "stream_slot", { .stream = stream_slot }, SF_CHECK_BODY, "slot 4000000000" },
  { "second_writer",
    { .stream = second_writer },
    SF_CHECK_BODY,
    "buffer 2 (h): 2 stages and streams write it" },
  { "zero_step",
    { .stage = zero_step },
    SF_CHECK_BODY,
    "config 0, stage 0 (gemm): counter 0 has extent 8 and step 0" },
  { "unbalanced_rate", { .stage = unbalanced_rate }, SF_CHECK_BODY, "wanted a balanced rate" },
  { "inner_counter_advances",
    { .stage = inner_counter_advances },
    SF_CHECK_BODY,
    "operand 0 is advanced by counter 1" },
  { "map_outside",
    { .stage = map_outside },
    SF_CHECK_BODY,
    "operand 3, dimension 1: boxes reach positions 1 to 6 of 6" },
  { "source_outside",
    { .stage = source_outside },
    SF_CHECK_BODY,
    "source 1 (operand 1) reaches outside its tensor" },
  { "wild_coefficient", { .stage = wild_coefficient }, SF_CHECK_BODY, "its map is out of bounds" },
  { "beyond_tokens",
    { .stage = beyond_tokens },
    SF_CHECK_BODY,
    "operand 0 reaches elements 0 to 15 in iteration 0" },
  { "element_count",
    { .stage = element_count },
    SF_CHECK_BODY,
    "operand 1 sees 30 elements of a buffer of 24" },
  { "operand_dtype",
    { .stage = operand_dtype },
    SF_CHECK_BODY,
    "operand 1 is i32 on a buffer of f32" },
  { "operand_bf16", { .stage = operand_bf16 }, SF_CHECK_BODY, "a dtype other than f32, i32, bool" },
  { "no_such_buffer",
    { .stage = no_such_buffer },
    SF_CHECK_BODY,
    "operand 1: buffer 3 does not exist" },
  { "token_by_token_sum",
    { .stage = token_by_token_sum },
    SF_CHECK_BODY,
    "over a reduction counter, wanted a resident one" },
  { "unknown_op",
    { .stage = unknown_op },
    SF_CHECK_BODY,
    "instruction 0 (gemm): version 2 is not in the tile-op table" },
  { "arity", { .stage = arity }, SF_CHECK_BODY, "1 sources and 1 results, wanted 2 to 2 and 1" },
  { "writes_input",
    { .stage = writes_input },
    SF_CHECK_BODY,
    "result 0 is operand 0, wanted an out or temp one" },
  { "instr_dtypes",
    { .stage = instr_dtypes },
    SF_CHECK_BODY,
    "(f32, f32) -> i32 is not among what the tile-op takes" },
  { "gemm_inner",
    { .stage = gemm_inner },
    SF_CHECK_BODY,
    "inner dimensions of the sources are 2 and 6" },
  { "short_block_only",
    { .stage = short_block_only },
    SF_CHECK_BODY,
    "in a last block, result box is [3,6], wanted [2,6]" },
  { "map_does_not_broadcast",
    { .stage = map_does_not_broadcast },
    SF_CHECK_BODY,
    "result box is [1,5], wanted [1,6]" },
  { "reduce_axes", { .stage = reduce_axes }, SF_CHECK_BODY, "axes mask 8" },
  { "unwritten_scratch",
    { .stage = unwritten_scratch },
    SF_CHECK_BODY,
    "has not been written by an earlier instruction" },
  { "partial_sum_read",
    { .stage = partial_sum_read },
    SF_CHECK_BODY,
    "complete in the last block of the reduction counters only" },
  { "sum_over_sequence",
    { .stage = sum_over_sequence },
    SF_CHECK_BODY,
    "which is no reduction it adds up over" },
  { "overwritten_result",
    { .stage = overwritten_result },
    SF_CHECK_BODY,
    "later blocks would overwrite earlier ones" },
  { "scratch_sum_outside",
    { .stage = scratch_sum_outside },
    SF_CHECK_BODY,
    "wanted the reduction counters innermost" },
  { "sum_moves", { .stage = sum_moves }, SF_CHECK_BODY, "moves with reduction counter 1" },
  { "not_covered",
    { .stage = not_covered },
    SF_CHECK_BODY,
    "writes 20 elements of buffer 2, wanted each of its 24 once" },
  { "unused_result",
    { .stage = unused_result },
    SF_CHECK_BODY,
    "operand 3 is written by no instruction" },
  { "too_shallow",
    { .buffer = too_shallow },
    SF_CHECK_DEPTH,
    "config 1, buffer 0 (rows): depth 7 deadlocks, wanted 8" },
  { "too_large",
    { .buffer = too_large },
    SF_CHECK_DEPTH,
    "need 192000 bytes, its 1 PMUs hold 65536" },
  { "no_pmus", { .buffer = no_pmus }, SF_CHECK_DEPTH, "buffer 2 (h): has no PMUs" },
  { "no_pcus", { .stage = no_pcus }, SF_CHECK_DEPTH, "stage 1 (sub): has no PCUs" },
  { "waits_for_itself",
    { .stage = waits_for_itself },
    SF_CHECK_DEPTH,
    "its tokens are waited for and never come" },
};

SF_TEST_CASES (Verify, RefusesBody, body_cases, G_N_ELEMENTS (body_cases), sf_test_row_name)
{
  const BodyCase *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = sample_program (&c->hooks, NULL);
  if (c->upto > SF_CHECK_BODY)
    {
      sf_program_verify (program, arch, (SfProgramCheck) (c->upto - 1), &error);
      SF_REQUIRE_NO_ERROR (error);
    }
  SF_CHECK (!sf_program_verify (program, arch, c->upto, &error));
  SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, c->message);
}
