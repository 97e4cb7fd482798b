/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of one graph: which nodes are one stage, and whether more may become one. */
#ifndef SF_PASS_FUSE_GROUPS_H
#define SF_PASS_FUSE_GROUPS_H

#include <sf/plugin/lower.h>

/* A group's id is the lowest of its nodes until groups are numbered. Ids that were merged away have
 * no members. */
typedef struct
{
  SfGraph *graph;
  SfLowering *low; /* owned */
  size_t n_nodes;
  int64_t max_streams;
  SfNode *group;    /* per node; SF_NONE of one that only renames memory */
  GArray **members; /* per group: SfNode in order; NULL when merged away */
  GArray **edges;   /* per group: groups that read it, in order */
  GArray **feeders; /* per group: groups that it reads, in order */
  SfNode *order;    /* groups in an order in which all come after what they read; SF_NONE between */
  uint32_t *place;  /* per group: where it stands in `order` */
  uint32_t *mark;   /* of a search: stamp + 1 is reached, stamp is one of those in question */
  uint32_t stamp;
  GArray *stack;
} FuseGroups;

/* Why groups may not be one stage. */
typedef enum
{
  FUSE_MAY,
  FUSE_TOO_MANY,
  FUSE_PHASES,
  FUSE_HOST,
  FUSE_CIRCLE,
  FUSE_ROUNDING,
  FUSE_MACHINE,
} FuseRefusal;

FuseGroups *fuse_groups_new (SfGraph *graph, const SfArch *arch);
void fuse_groups_free (FuseGroups *groups);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FuseGroups, fuse_groups_free)

/* Makes `n` groups one when they may be, of at most `max_nodes` nodes. With `reason` (owned; may be
 * NULL) a refusal is put into words, and nothing is joined. */
FuseRefusal fuse_groups_join (FuseGroups *groups, const SfNode *ids, size_t n, size_t max_nodes);
FuseRefusal fuse_groups_refusal (FuseGroups *groups, const SfNode *ids, size_t n, size_t max_nodes,
                                 char **reason);
/* Leaves on each node the number of its group: phases in turn; within one, what is ready and comes
 * first in the graph. Returns their number. */
size_t fuse_groups_number (FuseGroups *groups);

#endif
