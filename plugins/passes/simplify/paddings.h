/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of paddings that fill each other's gaps, as the gradients of slices of one value do. */
#ifndef PLUGINS_PASSES_SIMPLIFY_PADDINGS_H
#define PLUGINS_PASSES_SIMPLIFY_PADDINGS_H

#include <sf/graph.h>

#define SF_MAX_PADDINGS 16

/* What lies side by side along `axis`, in order. */
typedef struct
{
  SfValue part[SF_MAX_PADDINGS];
  int64_t start[SF_MAX_PADDINGS];
  size_t n, n_adds;
  int axis; /* -1: not known yet */
} SfPaddings;

/* Whether the node adds up values that are padded with zeros along one axis, each position of which
 * is that of exactly one of them. */
bool sf_paddings_of (const SfGraph *graph, SfNode node, SfPaddings *out);

#endif
