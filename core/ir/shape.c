/* SPDX-License-Identifier: Apache-2.0 */
/* Static shapes: checking, broadcasting, strides, text. */
#include <sf/shape.h>

#define MAX_ELEMS ((int64_t) 1 << 40)

SfShape
sf_shape (int rank, const int64_t *dims)
{
  SfShape shape = { .rank = rank };
  for (int i = 0; i < rank && i < SF_MAX_RANK; i++)
    shape.dim[i] = dims[i];
  return shape;
}

SfShape
sf_shape_scalar (void)
{
  return (SfShape){ 0 };
}

bool
sf_shape_check (const SfShape *shape, const char *what, GError **error)
{
  if (shape->rank < 0 || shape->rank > SF_MAX_RANK)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s: rank %d, wanted 0 to %d", what,
                    shape->rank, SF_MAX_RANK);
  int64_t n = 1; /* of the dimensions that are not zero, so that strides cannot overflow either */
  for (int i = 0; i < shape->rank; i++)
    {
      int64_t dim = shape->dim[i];
      if (dim < 0)
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "%s: dimension %d is %" G_GINT64_FORMAT ", wanted 0 or more", what, i, dim);
      if (dim > 0 && n > MAX_ELEMS / dim)
        {
          g_autofree char *text = sf_shape_text (shape);
          return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                          "%s: shape %s has more than 2^40 elements; make it smaller", what, text);
        }
      if (dim > 0)
        n *= dim;
    }
  return true;
}

int64_t
sf_shape_n_elems (const SfShape *shape)
{
  int64_t n = 1;
  for (int i = 0; i < shape->rank; i++)
    n *= shape->dim[i];
  return n;
}

bool
sf_shape_equal (const SfShape *a, const SfShape *b)
{
  if (a->rank != b->rank)
    return false;
  for (int i = 0; i < a->rank; i++)
    if (a->dim[i] != b->dim[i])
      return false;
  return true;
}

void
sf_shape_strides (const SfShape *shape, int64_t strides[SF_MAX_RANK])
{
  int64_t stride = 1;
  for (int i = SF_MAX_RANK - 1; i >= 0; i--)
    {
      strides[i] = i < shape->rank ? stride : 0;
      if (i < shape->rank && shape->dim[i] > 0)
        stride *= shape->dim[i];
    }
}

bool
sf_shape_broadcast (const SfShape *a, const SfShape *b, SfShape *out)
{
  SfShape r = { .rank = MAX (a->rank, b->rank) };
  for (int i = 1; i <= r.rank; i++)
    {
      int64_t x = i <= a->rank ? a->dim[a->rank - i] : 1;
      int64_t y = i <= b->rank ? b->dim[b->rank - i] : 1;
      if (x != y && x != 1 && y != 1)
        return false;
      r.dim[r.rank - i] = x == 1 ? y : x;
    }
  *out = r;
  return true;
}

char *
sf_shape_text (const SfShape *shape)
{
  GString *text = g_string_new ("[");
  for (int i = 0; i < shape->rank && i < SF_MAX_RANK; i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "", shape->dim[i]);
  return g_string_free (g_string_append_c (text, ']'), FALSE);
}
