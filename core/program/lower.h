/* SPDX-License-Identifier: Apache-2.0 */
/* Inner types of lowering: axes of a stage's iteration space, maps from axes to tensor dimensions,
 * groups of nodes as stages to be. */
#ifndef SF_CORE_PROGRAM_LOWER_H
#define SF_CORE_PROGRAM_LOWER_H

#include <sf/plugin/lower.h>
#include <sf/plugin/timing.h>

#define SF_MAX_AXES       (SF_MAX_RANK + 4)
#define SF_STAGE_OPERANDS 64 /* of a stage of several nodes: what a stage holds at once */

/* One dimension of an iteration space. */
typedef struct
{
  int64_t extent;
  bool reduction; /* sums run over it */
  bool whole;     /* an instruction needs it in one piece */
  bool single;    /* blocks of one */
  int64_t grain;  /* blocks are multiples of it */
  int64_t step;   /* length of a block */
  int counter;    /* of the stage; -1: one block */
} SfAxis;

/* Positions of one dimension in terms of block starts: base + sum coef * axis, from there 1 + extra
 * + sum coef / stride * (length - 1) positions `stride` apart. */
typedef struct
{
  int64_t base, stride, extra;
  int32_t n_terms;
  int32_t axis[2];
  int64_t coef[2];
} SfDimMap;

typedef struct
{
  int32_t rank;
  SfDimMap dim[SF_MAX_RANK];
} SfMap;

/* An operand of a stage to be. */
typedef struct
{
  SfOperandKind kind;
  SfValue value; /* SF_NONE: scratch of an instruction's own */
  SfDtype lane;  /* of scratch that is no value's */
  SfShape shape; /* as the stage sees it */
  SfMap map;
  bool stream;     /* moves with the stream axis, slice by slice */
  uint32_t buffer; /* set when the section is built */
} SfLowOperand;

/* The map of a value that the group computes or is anchored at. */
typedef struct
{
  SfValue value;
  SfMap map;
} SfKnownMap;

/* Nodes that become one stage. */
typedef struct
{
  SfLowering *low;
  const SfGraph *graph;
  const SfNode *nodes;
  size_t n_nodes;
  SfNode anchor;
  SfMap *domain; /* per node of an op that follows, and of the anchor */
  SfAxis axis[SF_MAX_AXES];
  int n_axes;
  int stream;       /* axis that tokens follow; -1: none */
  GArray *known;    /* SfKnownMap */
  GArray *operands; /* SfLowOperand */
  GArray *instrs;   /* SfInstr */
  GArray *after;    /* operands that are known only when sums are complete */
  int64_t flops;
  bool matrix;  /* runs on the systolic array */
  char *reason; /* why this cannot be one stage */
} SfLowGroup;

struct SfLowering
{
  const SfGraph *graph;
  SfValue *root; /* per value */
  bool *view;    /* per node */
  bool *kept;    /* per value: must be in memory */
  bool *batch;   /* per value: dimension 0 runs over the batch */
  int64_t batch_size;
  uint32_t *member; /* per node: stamp of the group that it was last seen in */
  uint32_t stamp;
  uint32_t *user_first; /* users of roots: user[user_first[v] .. user_first[v + 1]) */
  SfNode *user;
  uint32_t *group_first; /* nodes of group g: group_node[group_first[g] .. group_first[g + 1]); NULL
                            until it is asked for */
  SfNode *group_node;
  int32_t n_groups;
};

/* Nodes of a group in graph order, views left out; *n 0: there is no such group. */
const SfNode *sf_lowering_group_nodes (SfLowering *low, int32_t group, size_t *n);

/* ---- ops (lower_op.c and the files of anchors) ---- */

typedef struct SfLowerOp SfLowerOp;
struct SfLowerOp
{
  const char *name;
  SfLowerClass lower_class;
  const char *tile; /* tile-op; NULL: chosen by `emit` */
  bool follows;     /* takes its axes from its neighbours in a group */
  bool (*check) (const SfGraph *graph, SfNode node,
                 char **reason);                   /* NULL: nothing beyond dtypes */
  void (*layout) (SfLowGroup *group, SfNode node); /* axes and maps of an anchor */
  void (*emit) (SfLowGroup *group, SfNode node);   /* instructions */
  bool overflows; /* what it makes of narrow integers may be wider than they */
};

const SfLowerOp *sf_lower_op (const SfGraph *graph, SfNode node); /* NULL */

void sf_layout_matmul (SfLowGroup *group, SfNode node);
void sf_layout_linear (SfLowGroup *group, SfNode node);
void sf_emit_matmul (SfLowGroup *group, SfNode node);
bool sf_check_linear (const SfGraph *graph, SfNode node, char **reason);
void sf_emit_linear (SfLowGroup *group, SfNode node);
bool sf_check_attention (const SfGraph *graph, SfNode node, char **reason);
void sf_layout_attention (SfLowGroup *group, SfNode node);
void sf_emit_attention (SfLowGroup *group, SfNode node);
void sf_layout_conv2d (SfLowGroup *group, SfNode node);
void sf_emit_conv2d (SfLowGroup *group, SfNode node);
void sf_layout_conv2d_dx (SfLowGroup *group, SfNode node);
void sf_emit_conv2d_dx (SfLowGroup *group, SfNode node);
void sf_layout_conv2d_dw (SfLowGroup *group, SfNode node);
void sf_emit_conv2d_dw (SfLowGroup *group, SfNode node);
void sf_layout_pool (SfLowGroup *group, SfNode node);
void sf_emit_pool (SfLowGroup *group, SfNode node);
void sf_layout_move (SfLowGroup *group, SfNode node);
void sf_emit_transpose (SfLowGroup *group, SfNode node);
void sf_emit_slice (SfLowGroup *group, SfNode node);
void sf_emit_pad (SfLowGroup *group, SfNode node);
void sf_emit_concat (SfLowGroup *group, SfNode node);
void sf_emit_reshape (SfLowGroup *group, SfNode node);
void sf_layout_gather (SfLowGroup *group, SfNode node);
void sf_emit_gather (SfLowGroup *group, SfNode node);
void sf_layout_scatter_add (SfLowGroup *group, SfNode node);
void sf_emit_scatter_add (SfLowGroup *group, SfNode node);
void sf_layout_scatter (SfLowGroup *group, SfNode node);
void sf_emit_scatter (SfLowGroup *group, SfNode node);
void sf_layout_domain (SfLowGroup *group, SfNode node);
void sf_emit_map (SfLowGroup *group, SfNode node);
void sf_emit_gelu (SfLowGroup *group, SfNode node);
void sf_emit_shift (SfLowGroup *group, SfNode node);
void sf_emit_cast (SfLowGroup *group, SfNode node);
void sf_emit_reduce (SfLowGroup *group, SfNode node);
void sf_emit_rows (SfLowGroup *group, SfNode node);
void sf_emit_cumsum (SfLowGroup *group, SfNode node);
void sf_emit_sort (SfLowGroup *group, SfNode node);
void sf_emit_layer_norm (SfLowGroup *group, SfNode node);
void sf_emit_broadcast (SfLowGroup *group, SfNode node);
void sf_emit_iota (SfLowGroup *group, SfNode node);
void sf_emit_rng_uniform (SfLowGroup *group, SfNode node);

/* ---- maps (lower_map.c) ---- */

int sf_low_axis (SfLowGroup *group, int64_t extent, bool reduction);
SfDimMap sf_dim_whole (int64_t extent);
SfDimMap sf_dim_axis (int axis);
SfMap sf_map_whole (const SfShape *shape);
/* Map of a tensor of `shape` that broadcasts right-aligned to one of `full` that has `map`. */
SfMap sf_map_broadcast (const SfMap *map, const SfShape *full, const SfShape *shape);
bool sf_map_equal (const SfMap *a, const SfMap *b);
/* Whether the dimension, or any of the map, moves with the axis. */
bool sf_dim_depends_on (const SfDimMap *dim, int axis);
bool sf_map_depends_on (const SfMap *map, int axis);
/* Elements of the box at full block length. */
int64_t sf_map_box_elems (const SfLowGroup *group, const SfMap *map);
/* For an op that follows: the shape its axes belong to, and the maps of its inputs and outputs in
 * terms of that shape's. */
SfShape sf_follow_domain (const SfGraph *graph, SfNode node);
SfMap sf_follow_map (const SfGraph *graph, SfNode node, const SfMap *domain, bool output,
                     size_t index);
/* Axes that the op needs in one piece, given the map of its domain; false when an axis streams or
 * is summed elsewhere. */
bool sf_follow_constrain (SfLowGroup *group, SfNode node, const SfMap *domain);

/* ---- the stream (lower_stream.c) ---- */

/* Chooses the axis that tokens follow: false with group->reason when the group cannot run so. */
bool sf_low_choose_stream (SfLowGroup *group);
/* Lets the tokens follow another axis than those tried (bits): weights pass through while
 * activations stay. False when there is none left. */
bool sf_low_restream (SfLowGroup *group, unsigned *tried);

/* ---- groups (lower_group.c) ---- */

/* Lays out the group and emits its instructions: false with group->reason. */
bool sf_low_group_init (SfLowGroup *group, SfLowering *low, const SfNode *nodes, size_t n);
void sf_low_group_clear (SfLowGroup *group);
/* Whether the operand is known only when sums are complete. */
bool sf_low_is_after (const SfLowGroup *group, uint32_t operand);
bool sf_low_member (const SfLowGroup *group, SfNode node);
const SfMap *sf_low_known (const SfLowGroup *group, SfValue value);
SfMap *sf_low_domain (SfLowGroup *group, SfNode node);
void sf_low_set_known (SfLowGroup *group, SfValue value, const SfMap *map);
void sf_low_refuse (SfLowGroup *group, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Operand of input `index` under `map`; constants of one element become a `fill`. */
uint32_t sf_low_input (SfLowGroup *group, SfNode node, size_t index, const SfMap *map);
/* The same, seen in another shape with as many elements. */
uint32_t sf_low_input_as (SfLowGroup *group, SfNode node, size_t index, const SfShape *shape,
                          const SfMap *map);
/* Operand that output `index` is computed into. */
uint32_t sf_low_output (SfLowGroup *group, SfNode node, size_t index, const SfMap *map);
/* Scratch like output 0 of the node, apart from the value's own. */
uint32_t sf_low_scratch (SfLowGroup *group, SfNode node, const SfMap *map);
/* Scratch of its own, of a lane's dtype. */
uint32_t sf_low_temp (SfLowGroup *group, SfDtype lane, const SfShape *shape, const SfMap *map);
/* Appends an instruction; further immediates are set by the caller through the returned pointer,
 * valid until the next one. */
SfInstr *sf_low_instr (SfLowGroup *group, SfNode node, const char *tile, const uint32_t *src,
                       size_t n_src, const uint32_t *dst, size_t n_dst);
/* What the lanes compute with for values of a dtype: f32, i32 or bool. */
SfDtype sf_low_lane (SfDtype dtype);
/* Immediate of the tile-op cast for a dtype narrower than its lane; 0: none. */
int64_t sf_low_narrower (SfDtype dtype);
void sf_low_copy_imm (SfInstr *instr, int rank, const int64_t *perm, double pad);

/* ---- stages and sections (lower_block.c, lower_section.c) ---- */

/* Chooses block lengths of all axes but the stream's, whose step is set. */
void sf_low_block (SfLowGroup *group, const SfLowerLimits *limits);
/* Firings at the chosen steps; `parallel`: independent ones only. */
int64_t sf_low_firings (const SfLowGroup *group, bool parallel);
/* Completes the operands to a stage of `config` and adds it. */
uint32_t sf_low_add_stage (SfLowGroup *group, SfProgram *program, uint32_t config);

/* A section as built into a program. */
typedef struct
{
  uint32_t config;
  GArray *groups;   /* SfLowGroup, in order of stages */
  GArray *buffers;  /* SfValue: root that the buffer of this id holds */
  GArray *slots;    /* SfValue: root bound to the slot */
  GArray *slot_out; /* bool */
} SfLowSection;

bool sf_low_section_build (SfLowSection *section, SfLowering *low, const SfArch *arch,
                           const SfLowerLimits *limits, int32_t first, int32_t n,
                           SfProgram *program, SfLowerNeed *need, GError **error);
void sf_low_section_clear (SfLowSection *section);

/* Offsets for all tensors: states and constants first, then each entry's by lifetime. */
bool sf_memory_plan (SfProgram *program, const SfArch *arch, GError **error);

/* ---- units (lower_units.c) ---- */

/* Gives the stages and buffers of a config, whose depths are set, units within `limits`, and says
 * what the section takes then. Stages get T0's figures; with limits->deepen, buffers that hold the
 * section back greater depths. */
SfSectionEstimate sf_low_share_units (SfProgram *program, uint32_t config, const SfArch *arch,
                                      const SfLowerLimits *limits);

#endif
