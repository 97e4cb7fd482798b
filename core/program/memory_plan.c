/* SPDX-License-Identifier: Apache-2.0 */
/* The memory plan: a linear scan over lifetimes, first fit, 64-byte aligned. States and constants
 * lie apart from what one entry needs for a step. */
#include "core/program/lower.h"

#define ALIGNMENT 64

/* Lifetime of a tensor in launches of one entry, both ends included. */
typedef struct
{
  uint32_t tensor;
  int64_t first, last;
  int64_t bytes, offset;
  uint32_t level;
} Range;

static int64_t
tensor_bytes (const SfProgram *program, uint32_t tensor)
{
  SfProgramTensor t = sf_program_tensor (program, tensor);
  int64_t bytes = sf_shape_n_elems (&t.shape) * (int64_t) sf_dtype_bytes (t.dtype);
  return (MAX (bytes, 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Lowest offset from `base` at which `range` touches no range of `placed`, which are in the order
 * of their offsets, that lives at the same time. */
static int64_t
first_fit (const GArray *placed, const Range *range, int64_t base)
{
  int64_t offset = base;
  for (guint i = 0; i < placed->len; i++)
    {
      const Range *other = &g_array_index (placed, Range, i);
      if (other->offset >= offset + range->bytes)
        break;
      if (other->first <= range->last && range->first <= other->last)
        offset = MAX (offset, other->offset + other->bytes);
    }
  return offset;
}

static void
keep_in_order (GArray *placed, const Range *range)
{
  guint at = placed->len;
  while (at > 0 && g_array_index (placed, Range, at - 1).offset > range->offset)
    at--;
  g_array_insert_val (placed, at, *range);
}

/* The fastest level that has room. */
static bool
place_range (SfProgram *program, const SfArch *arch, GPtrArray *placed, const int64_t *used,
             Range *range)
{
  for (uint32_t level = 0; level < placed->len; level++)
    {
      range->level = level;
      range->offset = first_fit (placed->pdata[level], range, used[level]);
      if (range->offset + range->bytes > sf_arch_memory_level (arch, level).bytes)
        continue;
      keep_in_order (placed->pdata[level], range);
      sf_program_set_memory (program, range->tensor, level, range->offset);
      return true;
    }
  return false;
}

static void
free_ranges (gpointer ranges)
{
  g_array_unref (ranges);
}

static bool
place (SfProgram *program, const SfArch *arch, GArray *ranges, int64_t *used, GError **error)
{
  size_t n_levels = sf_arch_info (arch).n_memory_levels;
  g_autofree int64_t *top = g_memdup2 (used, n_levels * sizeof *used);
  g_autoptr (GPtrArray) placed = g_ptr_array_new_with_free_func (free_ranges);
  for (size_t level = 0; level < n_levels; level++)
    g_ptr_array_add (placed, g_array_new (FALSE, FALSE, sizeof (Range)));
  for (guint i = 0; i < ranges->len; i++)
    {
      Range *range = &g_array_index (ranges, Range, i);
      if (!place_range (program, arch, placed, used, range))
        return sf_fail (error, SF_ERROR_NO_RESOURCE,
                        "memory of %s: found no room for %" G_GINT64_FORMAT
                        " bytes of %s, wanted all levels together to hold the model; "
                        "use a smaller --batch-size or a larger --arch",
                        sf_arch_info (arch).name, range->bytes,
                        sf_program_tensor (program, range->tensor).name);
      top[range->level] = MAX (top[range->level], range->offset + range->bytes);
    }
  memcpy (used, top, n_levels * sizeof *used);
  return true;
}

static void
touch (Range *ranges, uint32_t tensor, int64_t launch)
{
  Range *range = &ranges[tensor];
  range->first = MIN (range->first, launch);
  range->last = MAX (range->last, launch);
}

/* Interface tensors, new states and gradients live to the end: the host and the caller look at them
 * between phases. */
static GArray *
entry_ranges (const SfProgram *program, uint32_t entry, bool *done)
{
  size_t n = sf_program_n_tensors (program), n_launches = sf_entry_n_launches (program, entry);
  g_autofree Range *all = g_new0 (Range, n + 1);
  for (uint32_t t = 0; t < n; t++)
    all[t] = (Range){ .tensor = t, .first = INT64_MAX, .last = -1 };
  for (uint32_t l = 0; l < n_launches; l++)
    {
      SfLaunch launch = sf_entry_launch (program, entry, l);
      for (size_t i = 0; i < launch.n_bindings; i++)
        touch (all, launch.bindings[i].tensor, l);
    }
  for (size_t i = 0; i < sf_entry_n_inputs (program, entry); i++)
    touch (all, sf_entry_input (program, entry, i), 0);
  for (size_t i = 0; i < sf_entry_n_scalars (program, entry); i++)
    touch (all, sf_entry_scalar (program, entry, i), 0);
  for (size_t i = 0; i < sf_entry_n_outputs (program, entry); i++)
    touch (all, sf_entry_output (program, entry, i), (int64_t) n_launches);
  for (size_t i = 0; i < sf_entry_n_grads (program, entry); i++)
    {
      uint32_t state, grad;
      sf_entry_grad (program, entry, i, &state, &grad);
      touch (all, grad, (int64_t) n_launches);
    }
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (Range));
  for (uint32_t t = 0; t < n; t++)
    {
      SfTensorRole role = sf_program_tensor (program, t).role;
      if (done[t] || all[t].last < 0)
        continue;
      done[t] = true;
      if (role != SF_TENSOR_TEMP)
        {
          all[t].first = 0;
          all[t].last = (int64_t) n_launches;
        }
      all[t].bytes = tensor_bytes (program, t);
      g_array_append_val (ranges, all[t]);
    }
  return ranges;
}

bool
sf_memory_plan (SfProgram *program, const SfArch *arch, GError **error)
{
  size_t n = sf_program_n_tensors (program);
  g_autofree bool *done = g_new0 (bool, n + 1);
  g_autofree int64_t *used = g_new0 (int64_t, sf_arch_info (arch).n_memory_levels + 1);
  g_autoptr (GArray) kept = g_array_new (FALSE, FALSE, sizeof (Range));
  for (uint32_t t = 0; t < n; t++)
    {
      SfTensorRole role = sf_program_tensor (program, t).role;
      if (role != SF_TENSOR_STATE && role != SF_TENSOR_CONST)
        continue;
      Range range
          = { .tensor = t, .first = 0, .last = INT64_MAX, .bytes = tensor_bytes (program, t) };
      g_array_append_val (kept, range);
      done[t] = true;
    }
  if (!place (program, arch, kept, used, error))
    return false;
  for (uint32_t entry = 0; entry < sf_program_n_entries (program); entry++)
    {
      g_autoptr (GArray) ranges = entry_ranges (program, entry, done);
      if (!place (program, arch, ranges, used, error))
        return false;
    }
  return true;
}
