/* SPDX-License-Identifier: Apache-2.0 */
/* A chain: places of the present order that one section may span - one phase, nothing on the host -
 * with the tensors between them. */
#ifndef PLUGINS_PASSES_SECTION_CHAIN_H
#define PLUGINS_PASSES_SECTION_CHAIN_H

#include "groups.h"

/* A tensor that a place of the chain reads or makes. */
typedef struct
{
  int64_t bytes;
  int32_t maker; /* place in the chain; -1: outside */
  int32_t last; /* last place that reads it; n: what is outside the chain reads it, or it is kept */
} ChainTensor;

typedef struct
{
  uint32_t tensor; /* index of ChainTensor */
  bool whole;      /* all of it at once */
} ChainUse;

/* Places that repeat: `count` blocks of `period` places each, from `first` on. */
typedef struct
{
  int32_t first, period, count;
} ChainRepeat;

typedef struct
{
  Groups *groups;
  int32_t first, n;   /* places of the order */
  GArray *tensor;     /* ChainTensor */
  GArray **in, **out; /* per place: ChainUse */
  GArray **makers;    /* per place: places in the chain that make what it reads (int32_t) */
  int64_t *crossing;  /* per place: bytes made before it and needed from it on */
  GArray *repeats;    /* ChainRepeat, in order, apart from one another */
} Chain;

Chain *sf_section_chain_new (Groups *groups, int32_t first, int32_t n);
void sf_section_chain_free (Chain *chain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Chain, sf_section_chain_free)

/* Whether blocks that repeat leave a section from place `i` to before place `j`: equal blocks are
 * cut alike. */
bool sf_section_allowed (const Chain *chain, int32_t i, int32_t j);
/* Cuts the chain into sections: their lengths are appended to `cuts` (int32_t), *cycles is their
 * time with the loads. Gives up early, with at least `cutoff` cycles, when it cannot be less. */
bool sf_section_search (Chain *chain, int64_t cutoff, GArray *cuts, int64_t *cycles,
                        GError **error);
/* Chain of the places, in other words: orders of the same groups worth a search, each a new array
 * of n group numbers. The first is the source's own. Owned array of owned arrays. */
GPtrArray *sf_section_orders (const Groups *groups, int32_t first, int32_t n);
const char *sf_section_order_name (guint index);

#endif
