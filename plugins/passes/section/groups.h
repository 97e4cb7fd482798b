/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of a graph, in an order that may change, and what runs of them cost as sections. */
#ifndef PLUGINS_PASSES_SECTION_GROUPS_H
#define PLUGINS_PASSES_SECTION_GROUPS_H

#include <sf/plugin/lower.h>
#include <sf/plugin/pass.h>

#define DOES_NOT_FIT (-1)

/* A group, under the number that it has in the order of the source. */
typedef struct
{
  GArray *nodes;    /* SfNode */
  GArray *in, *out; /* SfValue: tensors from outside, and made for others */
  GArray *whole;    /* SfValue: those that it needs or makes in one piece */
  GArray *makers;   /* int32_t: groups that make what it reads, each once */
  GArray *readers;  /* int32_t: groups that read what it makes, each once */
  SfPhase phase;
  bool on_host;
  uint32_t kind; /* groups of one kind cost the same, alone */
  SfLowerWork work;
} Group;

typedef struct
{
  SfPassContext *context;
  SfGraph *graph;
  SfLowering *low;
  const SfArch *arch;
  SfLowerLimits limits;
  GArray *group;      /* Group, in the order of the source */
  GArray *order;      /* int32_t: the group at each place */
  GHashTable *prices; /* form -> T0 cycles (int64_t), shared by the entries */
  GHashTable *kinds;  /* form -> kind + 1 */
  int32_t most;       /* places of one section */
  bool *kept;         /* per value: outputs and new states */
  size_t n_laid_out;  /* sections that had to be built for their price */
} Groups;

Groups *sf_section_groups_new (SfPassContext *context, SfGraph *graph, int64_t fill,
                               GHashTable *prices);
void sf_section_groups_free (Groups *groups);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Groups, sf_section_groups_free)

/* The group at a place of the present order. */
const Group *sf_section_group_at (const Groups *groups, int32_t place);
/* Puts `n` groups at places first and on; in the graph as well. */
void sf_section_reorder (Groups *groups, int32_t first, const int32_t *order, int32_t n);
/* T0 of the places first .. first+n-1 as one section, DOES_NOT_FIT when it does not. False: a
 * failure other than for lack of room. */
bool sf_section_price (Groups *groups, int32_t first, int32_t n, int64_t *cycles, GError **error);
/* Whether two runs of n places lower to the same config. */
bool sf_section_same (Groups *groups, int32_t a, int32_t b, int32_t n);
/* Makes every group fit on its own: one that is too large becomes several, a node that is too large
 * runs on the host. With what each asks of the machine when `work`. */
bool sf_section_make_fit (Groups *groups, bool work, GError **error);
/* Whether the group needs or makes all of the tensor at once. */
bool sf_section_whole (const Group *group, SfValue value);
/* Bytes of a tensor in memory. */
int64_t sf_section_bytes (const Groups *groups, SfValue value);

#endif
