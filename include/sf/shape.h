/* SPDX-License-Identifier: Apache-2.0 */
/* Static shapes of rank 0 to 8; dimensions may be zero. */
#ifndef SF_SHAPE_H
#define SF_SHAPE_H

#include <sf/error.h>

SF_BEGIN_DECLS

#define SF_MAX_RANK 8

typedef struct
{
  int32_t rank;
  int64_t dim[SF_MAX_RANK]; /* outermost first; entries from `rank` on are 0 */
} SfShape;

SF_API SfShape sf_shape (int rank, const int64_t *dims);
#define SF_SHAPE(...)                                                       \
  sf_shape ((int) (sizeof ((int64_t[]){ __VA_ARGS__ }) / sizeof (int64_t)), \
            (const int64_t[]){ __VA_ARGS__ })
SF_API SfShape sf_shape_scalar (void);

/* Rank, sign and product (at most 2^40 elements) of a shape that came from outside. */
SF_API bool sf_shape_check (const SfShape *shape, const char *what, GError **error);
SF_API int64_t sf_shape_n_elems (const SfShape *shape); /* scalar: 1 */
SF_API bool sf_shape_equal (const SfShape *a, const SfShape *b);
/* Row-major strides in elements. */
SF_API void sf_shape_strides (const SfShape *shape, int64_t strides[SF_MAX_RANK]);
/* NumPy broadcasting of two shapes; false when they do not broadcast. */
SF_API bool sf_shape_broadcast (const SfShape *a, const SfShape *b, SfShape *out);
/* "[32,1,8,8]"; owned. */
SF_API char *sf_shape_text (const SfShape *shape);

SF_END_DECLS
#endif
