/* SPDX-License-Identifier: Apache-2.0 */
/* One node per row: an op, its inputs and attributes, and what its shape rule must say, worked out
 * by hand. */
#ifndef SF_TESTS_UNIT_IR_OP_CASES_H
#define SF_TESTS_UNIT_IR_OP_CASES_H

#include <sf/graph.h>

typedef struct
{
  SfDtype dtype;
  SfShape shape;
} IrIn;

typedef struct
{
  const char *name;
  const char *op;
  const char
      *wanted; /* "f32 [2,3]" per output, joined by ", "; or the whole message of the refusal */
  int n_inputs;
  IrIn inputs[5];
  SfAttr attrs[6]; /* ends with name NULL */
} IrOpCase;

extern const IrOpCase ir_good_cases[], ir_bad_cases[];
extern const size_t ir_n_good_cases, ir_n_bad_cases;

/* A graph "t" with inputs in0, in1 ... as the case has them, or the scalar rng; values[] has 5
 * entries. Owned. */
SfGraph *ir_case_graph (const IrOpCase *c, SfValue *values);
/* Adds the case's node named "n"; outputs as "f32 [2,3], ...", or the message. Owned. */
char *ir_case_add (SfGraph *graph, const IrOpCase *c, const SfValue *values, SfNode *node);

#endif
