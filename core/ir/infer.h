/* SPDX-License-Identifier: Apache-2.0 */
/* What shape rules share: checks of inputs and attributes with one wording, and dtype promotion. */
#ifndef SF_CORE_IR_INFER_H
#define SF_CORE_IR_INFER_H

#include "core/ir/op.h"

/* A message without its object: sf_graph_add puts "node (op): " before it. */
#define sf_refuse(error_, ...) sf_fail (error_, SF_ERROR_INVALID_ARGUMENT, __VA_ARGS__)

bool sf_infer_has (const SfInfer *infer, size_t input);

/* Each check names the input as docs/ops.md does. */
bool sf_infer_want_float (const SfInfer *infer, size_t input, const char *name, GError **error);
bool sf_infer_want_number (const SfInfer *infer, size_t input, const char *name, GError **error);
bool sf_infer_want_int (const SfInfer *infer, size_t input, const char *name, GError **error);
bool sf_infer_want_dtype (const SfInfer *infer, size_t input, const char *name, SfDtype dtype,
                          GError **error);
bool sf_infer_want_rank (const SfInfer *infer, size_t input, const char *name, int rank,
                         const char *layout, GError **error);
bool sf_infer_want_min_rank (const SfInfer *infer, size_t input, const char *name, int rank,
                             GError **error);
bool sf_infer_want_shape (const SfInfer *infer, size_t input, const char *name,
                          const SfShape *shape, GError **error);
/* Float of the layout: the two checks that most composites begin with. */
bool sf_infer_want_image (const SfInfer *infer, size_t input, const char *name, const char *layout,
                          GError **error);

/* The wider of two float dtypes; bf16 and f16 meet in f32. */
SfDtype sf_widest (SfDtype a, SfDtype b);
/* `dtype`, but at least f32: what statistics and losses are kept in. */
SfDtype sf_at_least_f32 (SfDtype dtype);
/* One dtype for inputs a and b: equal, or both float (the widest). */
bool sf_infer_meet (const SfInfer *infer, size_t a, const char *a_name, size_t b,
                    const char *b_name, SfDtype *out, GError **error);

/* Attributes by name. */
SfAttr *sf_infer_attr (const SfInfer *infer, const char *name);
int64_t sf_infer_int (const SfInfer *infer, const char *name);
/* Entries of an INTS attribute, writable. */
int64_t *sf_infer_ints (const SfInfer *infer, const char *name, size_t *n);
void sf_infer_set_ints (const SfInfer *infer, const char *name, const int64_t *ints, size_t n);
/* An INTS attribute with exactly `n` entries, each within min..max. */
bool sf_infer_want_ints (const SfInfer *infer, const char *name, size_t n, int64_t min, int64_t max,
                         GError **error);
/* Attribute `name` as an axis of `rank`, made non-negative. */
bool sf_infer_axis (const SfInfer *infer, const char *name, int rank, int *axis, GError **error);
/* INTS attribute as distinct axes, made non-negative and ascending; `is_axis` has SF_MAX_RANK
 * entries. */
bool sf_infer_axes (const SfInfer *infer, const char *name, int rank, bool *is_axis,
                    GError **error);

void sf_infer_set (SfInfer *infer, size_t output, SfDtype dtype, SfShape shape);

#endif
