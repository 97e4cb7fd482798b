/* SPDX-License-Identifier: Apache-2.0 */
/* The heuristics: what becomes of the nodes that a rule matched. */
#ifndef SF_PASS_FUSE_APPLY_H
#define SF_PASS_FUSE_APPLY_H

#include "story.h"

/* Matches the rule all over the graph and joins what it may. `story`: NULL when nobody asks. */
void fuse_apply (const FuseRule *rule, FuseIndex *index, FuseGroups *groups, FuseStory *story);

/* The first node of `group` that none of the pattern nodes `wanted` accepts; SF_NONE. */
SfNode fuse_not_accepted (const FuseRule *rule, const FuseGroups *groups, SfNode group,
                          uint64_t wanted);
/* Whether a rule that grows begins at this group: the first of its nodes that is the seed of a
 * match. `match` may be NULL. */
bool fuse_core_of (const FuseRule *rule, const FuseIndex *index, const FuseGroups *groups,
                   SfNode group, SfNode *seed, FuseMatch *match);

#endif
