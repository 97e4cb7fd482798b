/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering: from nodes of a graph to stages of a program. The mechanism that the passes legalise,
 * fuse, section and tile decide with. */
#ifndef SF_PLUGIN_LOWER_H
#define SF_PLUGIN_LOWER_H

#include <sf/plugin/program.h>

SF_BEGIN_DECLS

/* What a node becomes on the device. */
typedef enum
{
  SF_LOWER_NONE, /* nothing: no tile-op expresses it */
  SF_LOWER_VIEW, /* a reshape: the same memory under another shape */
  SF_LOWER_MAP,  /* elementwise */
  SF_LOWER_REDUCE,
  SF_LOWER_ROW, /* needs whole rows: softmax, layer_norm */
  SF_LOWER_CONTRACTION,
  SF_LOWER_WINDOW,
  SF_LOWER_MOVE,
  SF_LOWER_INDEX,
  SF_LOWER_SOURCE, /* iota, rng_uniform */
} SfLowerClass;

SF_API SfLowerClass sf_lower_class (const SfGraph *graph, SfNode node);
/* Whether tile-ops express the node as it stands; `reason` (owned, may be NULL) says why not. */
SF_API bool sf_lower_supports (const SfGraph *graph, SfNode node, const SfArch *arch,
                               char **reason);

/* Limits of one section and targets of its tiling; units of one RDU tile. */
typedef struct
{
  int64_t pcus, pmus, agcus;
  int64_t pmu_bytes;
  int64_t fill;          /* percent of the units that a section of several stages may take */
  int64_t stage_pcus;    /* most PCUs of one stage */
  int64_t stage_tensors; /* most tensors that one stage of several nodes reads and writes: each is a
                            net at its switches */
  int64_t token_elems;   /* most elements of a token that streams */
  int64_t box_elems;     /* most elements of a box that a firing makes */
  int64_t firings;       /* parallel firings of a stage that are worth splitting for */
  int64_t depth;         /* tokens held in a buffer that streams, at least */
  int64_t token_tries; /* most token sizes to choose from by T0, each a quarter or four times of one
                          before; 1: token_elems */
  bool deepen;         /* whether buffers may hold more than `depth` where T0 gains by it */
} SfLowerLimits;

/* The limits that the machine sets, with the targets that suit it. `fill` in percent. */
SF_API SfLowerLimits sf_lower_limits (const SfArch *arch, int64_t fill);

/* What a section takes. */
typedef struct
{
  int64_t stages, pcus, pmus, agcus;
  int64_t cycles;       /* T0 of it once it is loaded, all tensors in the fastest memory */
  int64_t memory_bytes; /* to and from device memory */
} SfLowerNeed;

/* Analysis of one legalised graph: views resolved, the batch followed through it. Borrows the
 * graph. */
typedef struct SfLowering SfLowering;

/* `keep`: values besides outputs and updates that must end up in memory (gradients). Owned:
 * sf_lowering_free. */
SF_API SfLowering *sf_lowering_new (const SfGraph *graph, const SfValue *keep, size_t n_keep);
SF_API void sf_lowering_free (SfLowering *lowering);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfLowering, sf_lowering_free)

/* The value whose memory holds `value`: itself, or what it is a view of. */
SF_API SfValue sf_lowering_root (const SfLowering *lowering, SfValue value);
/* Whether the node takes part in no group because it only renames memory. */
SF_API bool sf_lowering_is_view (const SfLowering *lowering, SfNode node);
/* Whether `nodes` (in graph order) can be one stage with at most `max_streams` tensors in and out;
 * `reason` (owned, may be NULL) says why not. */
SF_API bool sf_lowering_can_group (SfLowering *lowering, const SfNode *nodes, size_t n,
                                   int64_t max_streams, char **reason);
/* To be called when groups of nodes have changed since the first question about a section. */
SF_API void sf_lowering_regroup (SfLowering *lowering);
/* What the groups first .. first+n-1 (sf_node_group) take as one section. NO_RESOURCE when it
 * cannot be built within `limits`, naming resource and stage. */
SF_API bool sf_lowering_section (SfLowering *lowering, const SfArch *arch,
                                 const SfLowerLimits *limits, int32_t first, int32_t n,
                                 SfLowerNeed *need, GError **error);

/* What one group asks of the machine whatever section it is in, in cycles of T0. */
typedef struct
{
  int64_t cycles;       /* as a section of its own, without the load */
  int64_t pcu_cycles;   /* of all iterations, on one PCU */
  int64_t iterations;   /* of counter 0: tokens that follow one another */
  int64_t token_cycles; /* of an iteration on as many PCUs as it can use */
} SfLowerWork;
SF_API bool sf_lowering_group (SfLowering *lowering, const SfArch *arch,
                               const SfLowerLimits *limits, int32_t group, SfLowerWork *work,
                               GError **error);
/* The tensors in memory that a group would read and write alone (roots, each once), and whether it
 * needs all of one at once: appended to `tensors` (SfValue) and `whole` (bool). */
SF_API bool sf_lowering_tensors (SfLowering *lowering, int32_t group, GArray *tensors,
                                 GArray *whole);
/* The canonical form of groups first .. first+n-1 as one section: runs of one form need the same
 * and take the same time; those of one `exact` form lower to the same config. Owned. */
SF_API GBytes *sf_lowering_form (SfLowering *lowering, int32_t first, int32_t n, bool exact);

/* Builds the whole program from the grouped and sectioned graphs of `module`: tensors, configs,
 * launches, entries, debug map, memory plan. `source` gives the values that origins refer to. */
SF_API bool sf_lower_module (const SfModule *module, const SfModule *source, const SfArch *arch,
                             const SfLowerLimits *limits, SfProgram *program, GError **error);

SF_END_DECLS
#endif
