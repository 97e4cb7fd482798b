/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs that several tests of core/ir begin with. */
#ifndef SF_TESTS_UNIT_IR_SUPPORT_H
#define SF_TESTS_UNIT_IR_SUPPORT_H

#include <sf/graph.h>

/* Input "x" of a dtype and shape; fails the running test when refused. */
SfValue ir_input (SfGraph *graph, const char *name, SfDtype dtype, SfShape shape);

/* x [4,3] -> linear fc1 [5,3] -> relu -> linear fc2 [2,5] -> softmax_ce with labels: outputs logits
 * and loss. */
typedef struct
{
  SfGraph *graph;    /* owned */
  SfValue params[4]; /* fc1.weight, fc1.bias, fc2.weight, fc2.bias */
  SfValue logits, loss;
} IrMlp;

IrMlp ir_mlp (void);

#endif
