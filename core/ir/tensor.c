/* SPDX-License-Identifier: Apache-2.0 */
/* Views of memory: making, owning and copying them. */
#include <sf/checked.h>
#include <sf/tensor.h>

SfTensor
sf_tensor (SfDtype dtype, SfShape shape, void *data)
{
  SfTensor tensor = { .data = data, .dtype = dtype, .shape = shape };
  sf_shape_strides (&shape, tensor.strides);
  return tensor;
}

bool
sf_tensor_alloc (SfDtype dtype, const SfShape *shape, SfTensor *out, GError **error)
{
  if (!sf_shape_check (shape, "tensor", error))
    return false;
  void *data = sf_aligned_alloc ((size_t) sf_shape_n_elems (shape), sf_dtype_bytes (dtype),
                                 "tensor", error);
  if (data == NULL)
    return false;
  *out = sf_tensor (dtype, *shape, data);
  out->release = sf_aligned_free;
  out->user_data = data;
  return true;
}

void
sf_tensor_clear (SfTensor *tensor)
{
  if (tensor->release != NULL)
    tensor->release (tensor->user_data);
  *tensor = (SfTensor){ 0 };
}

size_t
sf_tensor_n_bytes (const SfTensor *tensor)
{
  return (size_t) sf_shape_n_elems (&tensor->shape) * sf_dtype_bytes (tensor->dtype);
}

bool
sf_tensor_is_dense (const SfTensor *tensor)
{
  int64_t dense[SF_MAX_RANK];
  sf_shape_strides (&tensor->shape, dense);
  if (sf_shape_n_elems (&tensor->shape) == 0)
    return true;
  for (int i = 0; i < tensor->shape.rank; i++)
    if (tensor->shape.dim[i] != 1 && tensor->strides[i] != dense[i])
      return false;
  return true;
}

/* Copies dimension `d` and those inside it; the innermost is one conversion when both sides are
 * contiguous. */
static void
copy_dim (const SfTensor *from, const uint8_t *p, const SfTensor *to, uint8_t *q, int d)
{
  if (d == from->shape.rank)
    {
      sf_dtype_convert (from->dtype, p, to->dtype, q, 1);
      return;
    }
  int64_t n = from->shape.dim[d];
  if (d == from->shape.rank - 1 && from->strides[d] == 1 && to->strides[d] == 1)
    {
      sf_dtype_convert (from->dtype, p, to->dtype, q, (size_t) n);
      return;
    }
  int64_t p_step = from->strides[d] * (int64_t) sf_dtype_bytes (from->dtype);
  int64_t q_step = to->strides[d] * (int64_t) sf_dtype_bytes (to->dtype);
  for (int64_t i = 0; i < n; i++)
    copy_dim (from, p + i * p_step, to, q + i * q_step, d + 1);
}

bool
sf_tensor_copy (const SfTensor *from, SfTensor *to, GError **error)
{
  if (!sf_shape_equal (&from->shape, &to->shape))
    {
      g_autofree char *a = sf_shape_text (&from->shape);
      g_autofree char *b = sf_shape_text (&to->shape);
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                      "tensor: shape %s, wanted %s; give both sides one shape", a, b);
    }
  int64_t n = sf_shape_n_elems (&from->shape);
  if (n == 0)
    return true;
  if (sf_tensor_is_dense (from) && sf_tensor_is_dense (to))
    sf_dtype_convert (from->dtype, from->data, to->dtype, to->data, (size_t) n);
  else
    copy_dim (from, from->data, to, to->data, 0);
  return true;
}
