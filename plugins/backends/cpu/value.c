/* SPDX-License-Identifier: Apache-2.0 */
/* Conversion of whole values. */
#include "value.h"

SfTensor
cpu_value_view (const CpuTensor *tensor)
{
  return sf_tensor (sf_dtype_is_float (tensor->dtype) ? SF_F64 : SF_I64, tensor->shape,
                    tensor->data);
}

static int64_t
wrapped (SfDtype dtype, int64_t x)
{
  switch (dtype)
    {
    case SF_I8:
      return (int8_t) x;
    case SF_I16:
      return (int16_t) x;
    case SF_I32:
      return (int32_t) x;
    case SF_U8:
      return (uint8_t) x;
    case SF_U16:
      return (uint16_t) x;
    case SF_U32:
      return (uint32_t) x;
    case SF_BOOL:
      return x != 0;
    default:
      return x;
    }
}

static void
store_range (void *data, int worker, int64_t begin, int64_t end)
{
  CpuTensor *tensor = data;
  if (tensor->dtype == SF_F32)
    for (int64_t e = begin; e < end; e++)
      tensor->f[e] = (double) (float) tensor->f[e];
  else if (sf_dtype_is_float (tensor->dtype))
    for (int64_t e = begin; e < end; e++)
      tensor->f[e] = sf_dtype_round (tensor->dtype, tensor->f[e]);
  else
    for (int64_t e = begin; e < end; e++)
      tensor->i[e] = wrapped (tensor->dtype, tensor->i[e]);
}

void
cpu_value_store (CpuWorkers *workers, CpuTensor *tensor, bool rounded)
{
  bool is_float = sf_dtype_is_float (tensor->dtype);
  bool exact = is_float ? !rounded || tensor->dtype == SF_F64
                        : tensor->dtype == SF_I64 || tensor->dtype == SF_U64;
  if (!exact)
    cpu_parallel (workers, tensor->n, 4, store_range, tensor);
}

bool
cpu_value_read (CpuWorkers *workers, const SfTensor *from, bool rounded, CpuTensor *to,
                GError **error)
{
  SfTensor view = cpu_value_view (to);
  if (sf_dtype_is_float (to->dtype))
    {
      if (!sf_tensor_copy (from, &view, error))
        return false;
      cpu_value_store (workers, to, rounded);
      return true;
    }
  /* Through the value's own dtype, whose saturation and truth rules apply. */
  SfTensor typed = { 0 };
  if (!sf_tensor_alloc (to->dtype, &to->shape, &typed, error))
    return false;
  bool ok = sf_tensor_copy (from, &typed, error) && sf_tensor_copy (&typed, &view, error);
  sf_tensor_clear (&typed);
  return ok;
}

bool
cpu_value_write (const CpuTensor *from, SfTensor *to, GError **error)
{
  SfTensor view = cpu_value_view (from);
  if (from->dtype == SF_U64)
    view.dtype = SF_U64;
  return sf_tensor_copy (&view, to, error);
}
