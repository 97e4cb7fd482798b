/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs of one node, given as data: inputs, attributes, and what an output must be. */
#ifndef TESTS_UNIT_CPU_ONENODE_H
#define TESTS_UNIT_CPU_ONENODE_H

#include <math.h>

#include <sf/evaluate.h>

#include "tests/support/sftest.h"

/* `values` are converted to the dtype; dtype 0 with values NULL (no initialiser) stands for an
 * absent optional input. */
typedef struct
{
  SfDtype dtype;
  SfShape shape;
  const double *values;
} OneInput;

#define VALUES(...) ((const double[]){ __VA_ARGS__ })
#define INTS(name_, ...)                                                             \
  {                                                                                  \
    .name = (name_), .type = SF_ATTR_INTS, .ints = (const int64_t[]){ __VA_ARGS__ }, \
    .n_ints = sizeof ((const int64_t[]){ __VA_ARGS__ }) / sizeof (int64_t)           \
  }
#define INT(name_, value_)                              \
  {                                                     \
    .name = (name_), .type = SF_ATTR_INT, .i = (value_) \
  }
#define BOOLEAN(name_, value_)                           \
  {                                                      \
    .name = (name_), .type = SF_ATTR_BOOL, .i = (value_) \
  }
#define DTYPE(name_, value_)                              \
  {                                                       \
    .name = (name_), .type = SF_ATTR_DTYPE, .i = (value_) \
  }
#define FLOAT(name_, value_)                              \
  {                                                       \
    .name = (name_), .type = SF_ATTR_FLOAT, .f = (value_) \
  }
#define STRING(name_, value_)                              \
  {                                                        \
    .name = (name_), .type = SF_ATTR_STRING, .s = (value_) \
  }

typedef struct
{
  const char *name; /* of the case */
  const char *op;
  OneInput in[5];
  SfAttr attrs[6];
  int output;
  SfShape shape; /* of that output */
  double want[32];
  double tolerance; /* 0: equal */
} OneNode;

/* Evaluates the node and checks the output. NaN is wanted where `want` is NaN. */
void one_node_check (const OneNode *node);

/* A graph of that node with inputs x0, x1, ...; the feeds own tensors. */
typedef struct
{
  SfGraph *graph;
  SfFeed feeds[5];
  size_t n_feeds;
  SfValue outputs[8];
} OneGraph;

bool one_graph_build (const OneNode *node, OneGraph *out, GError **error);
void one_graph_clear (OneGraph *graph);

#endif
