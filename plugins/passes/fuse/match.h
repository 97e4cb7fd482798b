/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the forms of a rule in a graph. */
#ifndef SF_PASS_FUSE_MATCH_H
#define SF_PASS_FUSE_MATCH_H

#include "groups.h"
#include "rules.h"

/* Who reads and feeds whom in a graph, and which rule each node belongs to. Nodes that only rename
 * memory are neighbours like others, and are looked through as well. */
typedef struct
{
  const FuseGroups *groups; /* borrowed */
  const SfGraph *graph;
  uint32_t *reader_first, *feeder_first; /* per node: where its neighbours begin */
  SfNode *reader, *feeder;
  const FuseRule **owner; /* per node: the rule that fused it; NULL */
} FuseIndex;

/* What a search found, by pattern node; SF_NONE where the form has none. */
typedef struct
{
  SfNode node[FUSE_PATTERN_NODES];
  uint32_t n_found; /* steps of the form that found their node, at most */
} FuseMatch;

FuseIndex *fuse_index_new (const FuseGroups *groups);
void fuse_index_free (FuseIndex *index);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FuseIndex, fuse_index_free)

/* Whether `form` of `rule` is there with `seed` as its first node. `nearest` (may be NULL) keeps
 * the most that was found when it is not. */
bool fuse_match (const FuseIndex *index, const FuseRule *rule, const FuseForm *form, SfNode seed,
                 FuseMatch *match, FuseMatch *nearest);
/* Why step `nearest->n_found` found no node, in words. Owned. */
char *fuse_match_failure (const FuseIndex *index, const FuseRule *rule, const FuseForm *form,
                          const FuseMatch *nearest);

#endif
