/* SPDX-License-Identifier: Apache-2.0 */
/* How values lie in host memory, and the way in and out. */
#include "plugins/backends/rdu/machine.h"

enum
{
  SETTLE_GRAIN = 16384,
  BLOCK_ELEMS = 4096
};

SfDtype
rdu_storage_dtype (SfDtype dtype)
{
  switch (dtype)
    {
    case SF_F64:
    case SF_I64:
    case SF_U64:
    case SF_U32:
      return dtype;
    default:
      return sf_dtype_is_float (dtype) ? SF_F32 : SF_I32;
    }
}

static void
wrap (SfDtype dtype, int32_t *x, int64_t n)
{
  for (int64_t i = 0; i < n; i++)
    switch (dtype)
      {
      case SF_I8:
        x[i] = (int8_t) x[i];
        break;
      case SF_U8:
        x[i] = (uint8_t) x[i];
        break;
      case SF_I16:
        x[i] = (int16_t) x[i];
        break;
      case SF_U16:
        x[i] = (uint16_t) x[i];
        break;
      case SF_BOOL:
        x[i] = x[i] != 0;
        break;
      default:
        return;
      }
}

void
rdu_settle (const RduIsa *isa, SfDtype dtype, void *data, int64_t n)
{
  if (dtype == SF_BF16 || dtype == SF_F16)
    isa->round (dtype, data, n);
  else if (rdu_storage_dtype (dtype) == SF_I32)
    wrap (dtype, data, n);
}

typedef struct
{
  const RduIsa *isa;
  SfDtype dtype;
  int32_t *data;
} Settle;

static void
settle_range (void *user_data, int worker, int64_t begin, int64_t end)
{
  const Settle *settle = user_data;
  rdu_settle (settle->isa, settle->dtype, settle->data + begin, end - begin);
}

void
rdu_settle_parallel (RduMachine *machine, SfDtype dtype, void *data, int64_t n)
{
  Settle settle = { .isa = machine->isa, .dtype = dtype, .data = data };
  if (dtype == SF_F32 || dtype == SF_I32)
    return;
  if (n <= SETTLE_GRAIN || machine->n_threads == 1)
    settle_range (&settle, 0, 0, n);
  else
    sf_thread_pool_run (machine->pool, n, SETTLE_GRAIN, settle_range, &settle);
}

/* The caller's tensor must have as many elements as ours. */
static bool
check_elems (const RduTensor *tensor, const SfTensor *other, const char *cure, GError **error)
{
  if (sf_shape_n_elems (&other->shape) == tensor->n_elems)
    return true;
  g_autofree char *found = sf_shape_text (&other->shape), *wanted = sf_shape_text (&tensor->shape);
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "%s: found shape %s, wanted %s; %s",
                  tensor->name, found, wanted, cure);
}

/* Whether the caller's memory is what ours would be row-major. */
static bool
is_alike (const RduTensor *tensor, const SfTensor *other)
{
  return other->dtype == tensor->storage && sf_tensor_is_dense (other);
}

/* Elements at a time that pass from another dtype into channels-last order, or back: whole images
 * where these are small. */
static int64_t
block_elems (const RduTensor *tensor)
{
  int64_t image = tensor->shape.dim[1] * tensor->shape.dim[2] * tensor->shape.dim[3];
  return image <= BLOCK_ELEMS ? BLOCK_ELEMS / image * image : BLOCK_ELEMS;
}

/* Dense tensors, row-major outside. */
static void
scatter_converted (const RduTensor *tensor, const SfTensor *from)
{
  int32_t block[BLOCK_ELEMS];
  const uint8_t *at = from->data;
  for (int64_t n, begin = 0; begin < tensor->n_elems; begin += n)
    {
      n = MIN (block_elems (tensor), tensor->n_elems - begin);
      sf_dtype_convert (from->dtype, at, tensor->storage, block, (size_t) n);
      rdu_layout_scatter (&tensor->shape, begin, n, block, tensor->data, 0);
      at += (size_t) n * sf_dtype_bytes (from->dtype);
    }
}

static void
gather_converted (const RduTensor *tensor, SfTensor *to)
{
  int32_t block[BLOCK_ELEMS];
  uint8_t *at = to->data;
  for (int64_t n, begin = 0; begin < tensor->n_elems; begin += n)
    {
      n = MIN (block_elems (tensor), tensor->n_elems - begin);
      rdu_layout_gather (&tensor->shape, begin, n, block, tensor->data, 0);
      sf_dtype_convert (tensor->storage, block, to->dtype, at, (size_t) n);
      at += (size_t) n * sf_dtype_bytes (to->dtype);
    }
}

bool
rdu_tensor_write (RduMachine *machine, uint32_t index, const SfTensor *from, GError **error)
{
  RduTensor *tensor = &machine->tensors[index];
  if (!check_elems (tensor, from, "feed what the model declares", error)
      || !rdu_tensor_own (tensor, error))
    return false;
  tensor->version++;
  SfTensor to = sf_tensor (tensor->storage, from->shape, tensor->data), rows = { 0 };
  if (!rdu_layout_permutes (&tensor->shape, tensor->channels_last))
    {
      if (!sf_tensor_copy (from, &to, error))
        return false;
    }
  else if (is_alike (tensor, from))
    rdu_layout_scatter (&tensor->shape, 0, tensor->n_elems, from->data, tensor->data, 0);
  else if (sf_tensor_is_dense (from))
    scatter_converted (tensor, from);
  else
    {
      if (!sf_tensor_alloc (from->dtype, &from->shape, &rows, error))
        return false;
      bool good = sf_tensor_copy (from, &rows, error);
      if (good)
        scatter_converted (tensor, &rows);
      sf_tensor_clear (&rows);
      if (!good)
        return false;
    }
  rdu_settle (machine->isa, tensor->dtype, tensor->data, tensor->n_elems);
  return true;
}

bool
rdu_tensor_read (const RduMachine *machine, uint32_t index, SfTensor *to, GError **error)
{
  const RduTensor *tensor = &machine->tensors[index];
  SfTensor from = sf_tensor (tensor->storage, to->shape, tensor->data), rows = { 0 };
  if (!check_elems (tensor, to, "ask for what the model declares", error)
      || (tensor->is_lent && !sf_program_check_file (machine->program, error)))
    return false;
  if (!rdu_layout_permutes (&tensor->shape, tensor->channels_last))
    return sf_tensor_copy (&from, to, error);
  if (is_alike (tensor, to))
    rdu_layout_gather (&tensor->shape, 0, tensor->n_elems, to->data, tensor->data, 0);
  else if (sf_tensor_is_dense (to))
    gather_converted (tensor, to);
  else
    {
      if (!sf_tensor_alloc (to->dtype, &to->shape, &rows, error))
        return false;
      gather_converted (tensor, &rows);
      bool good = sf_tensor_copy (&rows, to, error);
      sf_tensor_clear (&rows);
      return good;
    }
  return true;
}
