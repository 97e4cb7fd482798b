/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule did to a graph and where it nearly did, kept until stages have their numbers. */
#ifndef SF_PASS_FUSE_STORY_H
#define SF_PASS_FUSE_STORY_H

#include <sf/plugin/pass.h>

#include "match.h"

typedef struct
{
  const FuseRule *rule; /* borrowed */
  GPtrArray *fused;     /* Fused */
  GPtrArray *misses;    /* Miss */
} FuseStory;

FuseStory *fuse_story_new (const FuseRule *rule);
void fuse_story_free (FuseStory *story);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FuseStory, fuse_story_free)

/* Nodes that a match made one stage or several; `apart` (owned, may be NULL) says why several. */
void fuse_story_fused (FuseStory *story, const SfNode *nodes, size_t n, char *apart);
/* A match that came to nothing. `seed` is where it began, `depth` how many nodes were found; misses
 * of one `key` are counted and told once. Key and text are owned. */
void fuse_story_missed (FuseStory *story, SfNode seed, uint32_t depth, char *key, char *text);
/* Looks for the near misses of the rule once all of its matches are joined. */
void fuse_story_search (FuseStory *story, const FuseIndex *index, FuseGroups *groups);
/* Tells it line by line, a few lines of each kind. */
void fuse_story_tell (const FuseStory *story, const FuseIndex *index, SfPassContext *context);

#endif
