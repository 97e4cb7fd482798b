/* SPDX-License-Identifier: Apache-2.0 */
/* Models written into a test, read by the frontend `config`. */
#ifndef TESTS_UNIT_FRONTEND_MODEL_H
#define TESTS_UNIT_FRONTEND_MODEL_H

#include <sf/graph.h>

typedef struct
{
  SfModule *module; /* facts */
  SfGraph *graph;   /* NULL: refused */
  GError *error;
} Model;

/* `text` as file "m.cfg"; args "name=value", NULL-terminated, may be NULL. */
Model model_read (const char *text, const char *const *args, int64_t batch_size, uint64_t seed);
void model_clear (Model *model);
/* The same with layers alone, one a line from line 4 on, over the input x of shape `shape` and
 * batch 2. */
Model model_read_layers (const char *shape, const char *layers);
/* "op[2,3] op[2,4]": nodes with the shape of their first output. Owned. */
char *model_nodes (const Model *model);
/* "name[2,3] name[4]": states. Owned. */
char *model_states (const Model *model);

#endif
