/* SPDX-License-Identifier: Apache-2.0 */
/* In which order host memory keeps the elements of tensors, buffers and scratch.
 *
 * Row-major, or channels-last: an image tensor n, c, h, w with its channels innermost, then
 * columns, rows, images. Shapes, boxes and indices keep the logical order; only strides tell. */
#ifndef SF_RDU_LAYOUT_H
#define SF_RDU_LAYOUT_H

#include <sf/plugin/program.h>

typedef struct RduLayouts RduLayouts;

/* Chooses for all of a program; what the environment variable SF_RDU_LAYOUT says: `auto` (also
 * when unset) keeps channels last what convolutions and pools touch, `rows` nothing. */
RduLayouts *rdu_layouts_choose (const SfProgram *program, GError **error);
void rdu_layouts_free (RduLayouts *layouts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RduLayouts, rdu_layouts_free)

/* Whether it is kept channels-last; then all that see it see the one shape of rank 4. */
bool rdu_layouts_of_tensor (const RduLayouts *layouts, uint32_t tensor);
bool rdu_layouts_of_buffer (const RduLayouts *layouts, uint32_t config, uint32_t buffer);
bool rdu_layouts_of_operand (const RduLayouts *layouts, uint32_t config, uint32_t stage,
                             uint32_t operand);

/* The buffer with the shape of rank 4 that a stage sees, where it is an image by itself and its own
 * shape lacks the first dimension. */
SfBuffer rdu_layout_buffer (const SfProgram *program, uint32_t config, uint32_t index);
/* The stage, where such images are seen with their first dimension: programs let elementwise stages
 * see them without. `own`: the operands, if they are others than the program's, to be freed
 * after the stage's last use; else NULL. */
SfStage rdu_layout_stage (const SfProgram *program, uint32_t config, uint32_t index,
                          SfOperand **own);

/* Strides of a dense tensor; channels_last: of rank 4. */
void rdu_layout_strides (int rank, const int64_t *dim, bool channels_last, int64_t *stride);
/* Whether channels-last is another order in memory than row-major: not with one channel, or one
 * pixel. */
bool rdu_layout_permutes (const SfShape *shape, bool channels_last);
/* Moves elements begin .. begin+n-1 of the logical order, 4 bytes each, between `rows`, where they
 * lie side by side, and a channels-last tensor of which `images` is the element of image
 * `first_image`, channel 0. */
void rdu_layout_scatter (const SfShape *shape, int64_t begin, int64_t n, const int32_t *rows,
                         int32_t *images, int64_t first_image);
void rdu_layout_gather (const SfShape *shape, int64_t begin, int64_t n, int32_t *rows,
                        const int32_t *images, int64_t first_image);

#endif
