/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs as exporters write them, and what pass compose makes of them. */
#ifndef TESTS_PASSES_COMPOSE_CASES_H
#define TESTS_PASSES_COMPOSE_CASES_H

#include <sf/graph.h>

/* Adds the graph's nodes; returns what it puts out. */
typedef SfValue (*ComposeBuildFunc) (SfGraph *g);

typedef struct
{
  const char *name;
  ComposeBuildFunc build;
  const char *want; /* text of the nodes afterwards; NULL: nothing changes */
} ComposeCase;

extern const ComposeCase compose_cases[];
extern const size_t n_compose_cases;

/* Single graphs for tests beside the cases. */
SfValue compose_gelu_torch (SfGraph *g);
SfValue compose_trained_mask (SfGraph *g);
SfValue compose_dropped_attention (SfGraph *g);

#endif
