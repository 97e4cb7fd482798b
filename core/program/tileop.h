/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the tile-op table with their rules, seen by core/program only. */
#ifndef SF_CORE_PROGRAM_TILEOP_H
#define SF_CORE_PROGRAM_TILEOP_H

#include <sf/plugin/program.h>

/* What an instruction sees in one firing: the box of each operand, outermost dimension first. */
typedef struct
{
  const SfInstr *instr;
  const SfOperand *src[SF_MAX_SRC], *dst[SF_MAX_DST];
  SfShape src_box[SF_MAX_SRC], dst_box[SF_MAX_DST];
} SfTileBoxes;

typedef enum
{
  SF_TILE_FLOATS,  /* all f32 */
  SF_TILE_NUMBERS, /* all f32 or all i32 */
  SF_TILE_INTS,    /* all i32 */
  SF_TILE_COMPARE, /* sources alike, result bool */
  SF_TILE_LOGIC,   /* all bool */
  SF_TILE_SELECT,  /* bool, then two like the result */
  SF_TILE_ALIKE,   /* all of one dtype */
  SF_TILE_ANY,
  SF_TILE_GATHER,       /* x, i32 -> like x */
  SF_TILE_SCATTER,      /* i32, u -> like u */
  SF_TILE_SCATTER_INTO, /* x, i32, like x -> like x */
  SF_TILE_SORT,         /* numbers -> alike, i32 */
  SF_TILE_RANDOM,       /* i32 -> f32 */
  SF_TILE_INDICES,      /* -> f32 or i32 */
} SfTileTypes;

typedef struct
{
  SfTileOp op;
  SfTileTypes types;
  int pad_src; /* the source whose box may hang over the edge; -1 none */
  /* Why the boxes do not fit together, or NULL; owned by the caller. */
  char *(*boxes) (const SfTileBoxes *boxes);
} SfTileRow;

const SfTileRow *sf_tile_row_find (const char *name, int version);

/* Whether the tile-op takes sources of these dtypes (as lanes see them) and makes result `dst` of
 * dtype `to`. */
bool sf_tile_types_fit (SfTileTypes types, const SfDtype *src, size_t n_src, size_t dst,
                        SfDtype to);

char *sf_boxes_map (const SfTileBoxes *boxes);
char *sf_boxes_cast (const SfTileBoxes *boxes);
char *sf_boxes_shift (const SfTileBoxes *boxes);
char *sf_boxes_reduce (const SfTileBoxes *boxes);
char *sf_boxes_gemm (const SfTileBoxes *boxes);
char *sf_boxes_conv2d (const SfTileBoxes *boxes);
char *sf_boxes_conv2d_dx (const SfTileBoxes *boxes);
char *sf_boxes_conv2d_dw (const SfTileBoxes *boxes);
char *sf_boxes_max_pool2d (const SfTileBoxes *boxes);
char *sf_boxes_max_pool2d_bwd (const SfTileBoxes *boxes);
char *sf_boxes_avg_pool2d (const SfTileBoxes *boxes);
char *sf_boxes_avg_pool2d_bwd (const SfTileBoxes *boxes);
char *sf_boxes_copy (const SfTileBoxes *boxes);
char *sf_boxes_rows (const SfTileBoxes *boxes);
char *sf_boxes_sort (const SfTileBoxes *boxes);
char *sf_boxes_layer_norm (const SfTileBoxes *boxes);
char *sf_boxes_layer_norm_dx (const SfTileBoxes *boxes);
char *sf_boxes_gather (const SfTileBoxes *boxes);
char *sf_boxes_gather_add (const SfTileBoxes *boxes);
char *sf_boxes_scatter_add (const SfTileBoxes *boxes);
char *sf_boxes_scatter (const SfTileBoxes *boxes);
char *sf_boxes_axis (const SfTileBoxes *boxes);
char *sf_boxes_any (const SfTileBoxes *boxes);
char *sf_boxes_uniform (const SfTileBoxes *boxes);

#endif
