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

/* A dense tensor on its way in. */
typedef struct
{
  const SfTensor *from;
  CpuTensor *to;
  bool rounded;
} ReadJob;

/* Integers go through the value's own dtype, whose saturation and truth rules apply. */
static void
read_ints (const ReadJob *job, const char *from, int64_t begin, int64_t end)
{
  uint64_t block[256];
  size_t bytes = sf_dtype_bytes (job->from->dtype);
  for (int64_t e = begin; e < end; e += (int64_t) G_N_ELEMENTS (block))
    {
      size_t n = (size_t) MIN ((int64_t) G_N_ELEMENTS (block), end - e);
      sf_dtype_convert (job->from->dtype, from + bytes * (size_t) e, job->to->dtype, block, n);
      sf_dtype_convert (job->to->dtype, block, SF_I64, job->to->i + e, n);
    }
}

static void
read_range (void *data, int worker, int64_t begin, int64_t end)
{
  const ReadJob *job = data;
  const char *from = job->from->data;
  if (!sf_dtype_is_float (job->to->dtype))
    {
      read_ints (job, from, begin, end);
      return;
    }
  sf_dtype_convert (job->from->dtype, from + sf_dtype_bytes (job->from->dtype) * (size_t) begin,
                    SF_F64, job->to->f + begin, (size_t) (end - begin));
  if (job->rounded && job->from->dtype != job->to->dtype)
    store_range (job->to, worker, begin, end);
}

bool
cpu_value_read (CpuWorkers *workers, const SfTensor *from, bool rounded, CpuTensor *to,
                GError **error)
{
  if (sf_tensor_is_dense (from) && sf_shape_equal (&from->shape, &to->shape))
    {
      ReadJob job = { from, to, rounded };
      cpu_parallel (workers, to->n, 4, read_range, &job);
      return true;
    }
  SfTensor dense = { 0 };
  if (!sf_tensor_alloc (from->dtype, &to->shape, &dense, error))
    return false;
  bool ok = sf_tensor_copy (from, &dense, error)
            && cpu_value_read (workers, &dense, rounded, to, error);
  sf_tensor_clear (&dense);
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
