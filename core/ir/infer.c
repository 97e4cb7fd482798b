/* SPDX-License-Identifier: Apache-2.0 */
/* What shape rules share: checks of inputs and attributes with one wording, and dtype promotion. */
#include "core/ir/infer.h"

#include <string.h>

#define I64 "%" G_GINT64_FORMAT

bool
sf_infer_has (const SfInfer *infer, size_t input)
{
  return input < infer->n_inputs && infer->dtype[input] != SF_N_DTYPES;
}

bool
sf_infer_want_float (const SfInfer *infer, size_t input, const char *name, GError **error)
{
  if (sf_dtype_is_float (infer->dtype[input]))
    return true;
  return sf_refuse (error, "%s is %s, wanted a float dtype; cast it", name,
                    sf_dtype_name (infer->dtype[input]));
}

bool
sf_infer_want_number (const SfInfer *infer, size_t input, const char *name, GError **error)
{
  if (infer->dtype[input] != SF_BOOL)
    return true;
  return sf_refuse (error, "%s is bool, wanted a float or integer dtype; cast it", name);
}

bool
sf_infer_want_int (const SfInfer *infer, size_t input, const char *name, GError **error)
{
  if (sf_dtype_is_int (infer->dtype[input]))
    return true;
  return sf_refuse (error, "%s is %s, wanted an integer dtype; cast it", name,
                    sf_dtype_name (infer->dtype[input]));
}

bool
sf_infer_want_dtype (const SfInfer *infer, size_t input, const char *name, SfDtype dtype,
                     GError **error)
{
  if (infer->dtype[input] == dtype)
    return true;
  return sf_refuse (error, "%s is %s, wanted %s; cast it", name,
                    sf_dtype_name (infer->dtype[input]), sf_dtype_name (dtype));
}

bool
sf_infer_want_rank (const SfInfer *infer, size_t input, const char *name, int rank,
                    const char *layout, GError **error)
{
  if (infer->shape[input]->rank == rank)
    return true;
  g_autofree char *text = sf_shape_text (infer->shape[input]);
  return sf_refuse (error, "%s has shape %s of rank %d, wanted rank %d %s", name, text,
                    infer->shape[input]->rank, rank, layout);
}

bool
sf_infer_want_min_rank (const SfInfer *infer, size_t input, const char *name, int rank,
                        GError **error)
{
  if (infer->shape[input]->rank >= rank)
    return true;
  g_autofree char *text = sf_shape_text (infer->shape[input]);
  return sf_refuse (error, "%s has shape %s of rank %d, wanted rank %d or more", name, text,
                    infer->shape[input]->rank, rank);
}

bool
sf_infer_want_shape (const SfInfer *infer, size_t input, const char *name, const SfShape *shape,
                     GError **error)
{
  if (sf_shape_equal (infer->shape[input], shape))
    return true;
  g_autofree char *found = sf_shape_text (infer->shape[input]);
  g_autofree char *wanted = sf_shape_text (shape);
  return sf_refuse (error, "%s has shape %s, wanted %s", name, found, wanted);
}

bool
sf_infer_want_image (const SfInfer *infer, size_t input, const char *name, const char *layout,
                     GError **error)
{
  return sf_infer_want_float (infer, input, name, error)
         && sf_infer_want_rank (infer, input, name, 4, layout, error);
}

SfDtype
sf_widest (SfDtype a, SfDtype b)
{
  if (a == b)
    return a;
  return a == SF_F64 || b == SF_F64 ? SF_F64 : SF_F32;
}

SfDtype
sf_at_least_f32 (SfDtype dtype)
{
  return sf_widest (dtype, SF_F32);
}

bool
sf_infer_meet (const SfInfer *infer, size_t a, const char *a_name, size_t b, const char *b_name,
               SfDtype *out, GError **error)
{
  SfDtype x = infer->dtype[a], y = infer->dtype[b];
  if (x != y && !(sf_dtype_is_float (x) && sf_dtype_is_float (y)))
    return sf_refuse (error, "%s is %s and %s is %s, wanted one dtype; cast one of them", a_name,
                      sf_dtype_name (x), b_name, sf_dtype_name (y));
  *out = x == y ? x : sf_widest (x, y);
  return true;
}

SfAttr *
sf_infer_attr (const SfInfer *infer, const char *name)
{
  for (size_t i = 0; infer->op->attrs[i].name != NULL; i++)
    if (strcmp (infer->op->attrs[i].name, name) == 0)
      return &infer->attrs[i];
  g_return_val_if_reached (NULL);
}

int64_t
sf_infer_int (const SfInfer *infer, const char *name)
{
  return sf_infer_attr (infer, name)->i;
}

int64_t *
sf_infer_ints (const SfInfer *infer, const char *name, size_t *n)
{
  const SfAttr *attr = sf_infer_attr (infer, name);
  if (n != NULL)
    *n = attr->n_ints;
  return infer->ints[attr - infer->attrs];
}

void
sf_infer_set_ints (const SfInfer *infer, const char *name, const int64_t *ints, size_t n)
{
  SfAttr *attr = sf_infer_attr (infer, name);
  memcpy (infer->ints[attr - infer->attrs], ints, n * sizeof *ints);
  attr->n_ints = n;
}

bool
sf_infer_want_ints (const SfInfer *infer, const char *name, size_t n, int64_t min, int64_t max,
                    GError **error)
{
  size_t found;
  const int64_t *ints = sf_infer_ints (infer, name, &found);
  if (found != n)
    return sf_refuse (error, "attribute %s has %zu entries, wanted %zu", name, found, n);
  for (size_t i = 0; i < n; i++)
    if (ints[i] < min || ints[i] > max)
      return sf_refuse (error, "attribute %s entry %zu is " I64 ", wanted " I64 " to " I64, name, i,
                        ints[i], min, max);
  return true;
}

static bool
wrap_axis (const char *name, int rank, int64_t *axis, GError **error)
{
  if (*axis < -rank || *axis >= rank)
    return sf_refuse (error, "attribute %s is " I64 ", wanted %d to %d for rank %d", name, *axis,
                      -rank, rank - 1, rank);
  *axis += *axis < 0 ? rank : 0;
  return true;
}

bool
sf_infer_axis (const SfInfer *infer, const char *name, int rank, int *axis, GError **error)
{
  SfAttr *attr = sf_infer_attr (infer, name);
  if (rank == 0)
    return sf_refuse (error, "input has rank 0, wanted rank 1 or more for attribute %s", name);
  if (!wrap_axis (name, rank, &attr->i, error))
    return false;
  *axis = (int) attr->i;
  return true;
}

bool
sf_infer_axes (const SfInfer *infer, const char *name, int rank, bool *is_axis, GError **error)
{
  size_t n, k = 0;
  int64_t *axes = sf_infer_ints (infer, name, &n);
  memset (is_axis, 0, SF_MAX_RANK * sizeof *is_axis);
  if (n > 0 && rank == 0)
    return sf_refuse (error, "input has rank 0, wanted rank 1 or more for attribute %s", name);
  for (size_t i = 0; i < n; i++)
    {
      if (!wrap_axis (name, rank, &axes[i], error))
        return false;
      if (is_axis[axes[i]])
        return sf_refuse (error, "attribute %s names axis " I64 " twice; name it once", name,
                          axes[i]);
      is_axis[axes[i]] = true;
    }
  for (int d = 0; d < rank; d++)
    if (is_axis[d])
      axes[k++] = d;
  return true;
}

void
sf_infer_set (SfInfer *infer, size_t output, SfDtype dtype, SfShape shape)
{
  infer->out_dtype[output] = dtype;
  infer->out_shape[output] = shape;
}
