/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the memory plan: every tensor inside its level, and no two that live at the same time
 * in the same place.
 *
 * Time is the index of the launch in its entry. A sweep over time keeps the living tensors in order
 * of address; as long as they are disjoint, a new one can only meet its two neighbours. */
#include "core/program/check.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))
#define BEFORE_ALL             (-1)
#define AFTER_ALL              INT64_MAX

/* The life of a tensor in one entry: from the launch that first touches it to the last. */
typedef struct
{
  uint32_t tensor;
  int64_t born, dead;
} Life;

typedef struct
{
  const SfProgram *program;
  const char *entry;
  GError **error;
} MemoryCheck;

static const SfProgramTensor *
tensor_at (const SfProgram *program, uint32_t tensor)
{
  return &AT (program->tensors, SfProgramTensor, tensor);
}

static int64_t
tensor_bytes (const SfProgramTensor *t)
{
  return sf_shape_n_elems (&t->shape) * (int64_t) sf_dtype_bytes (t->dtype);
}

static const char *
tensor_name (const SfProgramTensor *t)
{
  return t->name != NULL ? t->name : "unnamed";
}

static bool
check_bounds (const SfProgram *program, const SfArch *arch, GError **error)
{
  for (uint32_t i = 0; i < program->tensors->len; i++)
    {
      const SfProgramTensor *t = tensor_at (program, i);
      int64_t bytes = tensor_bytes (t);
      if (t->level >= sf_arch_info (arch).n_memory_levels)
        return sf_fail (
            error, SF_ERROR_CHECK_FAILED,
            "program: tensor %u (%s): memory level %u, wanted one below %zu; plan memory anew", i,
            tensor_name (t), t->level, sf_arch_info (arch).n_memory_levels);
      int64_t room = sf_arch_memory_level (arch, t->level).bytes;
      if (t->offset_bytes < 0 || t->offset_bytes % (int64_t) sf_dtype_bytes (t->dtype) != 0
          || bytes > room || t->offset_bytes > room - bytes)
        return sf_fail (error, SF_ERROR_CHECK_FAILED,
                        "program: tensor %u (%s): %" PRId64 " bytes at offset %" PRId64
                        ", wanted an aligned place within the %" PRId64
                        " bytes of level %s; plan memory anew",
                        i, tensor_name (t), bytes, t->offset_bytes, room,
                        sf_arch_memory_level (arch, t->level).name);
    }
  return true;
}

/* ---- lives ---- */

static void
touch (Life *life, int64_t time)
{
  life->born = MIN (life->born, time);
  life->dead = MAX (life->dead, time);
}

/* What lives longer than from its first to its last launch. */
static void
extend_lives (const SfProgram *program, const SfEntryStore *entry, Life *lives)
{
  int64_t last_gradient = BEFORE_ALL;
  for (guint l = 0; l < entry->launches->len; l++)
    if (AT (entry->launches, SfLaunchStore, l).launch.phase != SF_PHASE_OPT)
      last_gradient = l;
  for (guint i = 0; i < entry->grads->len; i++)
    touch (&lives[AT (entry->grads, SfEntryGrad, i).grad], last_gradient);
  for (guint i = 0; i < entry->outputs->len; i++)
    touch (&lives[AT (entry->outputs, SfEntryOutput, i).tensor], AFTER_ALL);
  for (guint i = 0; i < entry->inputs->len; i++)
    touch (&lives[AT (entry->inputs, uint32_t, i)], BEFORE_ALL);
  for (uint32_t i = 0; i < program->tensors->len; i++)
    {
      SfTensorRole role = tensor_at (program, i)->role;
      bool touched = lives[i].born != AFTER_ALL || lives[i].dead != BEFORE_ALL;
      if (role == SF_TENSOR_STATE || role == SF_TENSOR_CONST || role == SF_TENSOR_SCALAR)
        lives[i] = (Life){ i, BEFORE_ALL, AFTER_ALL };
      else if (role == SF_TENSOR_NEXT && touched)
        touch (&lives[i], AFTER_ALL);
    }
}

/* Lives of all tensors in `entry`; those that it does not touch have dead < born. */
static Life *
find_lives (const SfProgram *program, const SfEntryStore *entry)
{
  Life *lives = g_new (Life, program->tensors->len + 1);
  for (uint32_t i = 0; i < program->tensors->len; i++)
    lives[i] = (Life){ i, AFTER_ALL, BEFORE_ALL };
  for (guint l = 0; l < entry->launches->len; l++)
    {
      const SfLaunch *launch = &AT (entry->launches, SfLaunchStore, l).launch;
      for (size_t b = 0; b < launch->n_bindings; b++)
        touch (&lives[launch->bindings[b].tensor], l);
    }
  extend_lives (program, entry, lives);
  return lives;
}

/* ---- the sweep ---- */

typedef struct
{
  int64_t time;
  bool birth;
  uint32_t tensor;
} Event;

static int
compare_events (const void *a, const void *b)
{
  const Event *x = a, *y = b;
  if (x->time != y->time)
    return x->time < y->time ? -1 : 1;
  if (x->birth != y->birth)
    return x->birth ? 1 : -1;
  return x->tensor < y->tensor ? -1 : x->tensor > y->tensor;
}

static GArray *
list_events (const SfProgram *program, const Life *lives)
{
  GArray *events = g_array_new (FALSE, FALSE, sizeof (Event));
  for (uint32_t i = 0; i < program->tensors->len; i++)
    {
      if (lives[i].dead < lives[i].born || tensor_bytes (tensor_at (program, i)) == 0)
        continue;
      Event birth = { lives[i].born, true, i };
      g_array_append_val (events, birth);
      if (lives[i].dead != AFTER_ALL)
        {
          Event death = { lives[i].dead + 1, false, i };
          g_array_append_val (events, death);
        }
    }
  g_array_sort (events, compare_events);
  return events;
}

static int
compare_address (const void *a, const void *b, void *data)
{
  const SfProgramTensor *x = tensor_at (data, GPOINTER_TO_UINT (a)),
                        *y = tensor_at (data, GPOINTER_TO_UINT (b));
  if (x->level != y->level)
    return x->level < y->level ? -1 : 1;
  if (x->offset_bytes != y->offset_bytes)
    return x->offset_bytes < y->offset_bytes ? -1 : 1;
  return GPOINTER_TO_UINT (a) < GPOINTER_TO_UINT (b) ? -1
                                                     : GPOINTER_TO_UINT (a) > GPOINTER_TO_UINT (b);
}

static bool
check_apart (const MemoryCheck *c, GSequenceIter *low, GSequenceIter *high)
{
  if (g_sequence_iter_is_end (low) || g_sequence_iter_is_end (high) || low == high)
    return true;
  uint32_t a = GPOINTER_TO_UINT (g_sequence_get (low)),
           b = GPOINTER_TO_UINT (g_sequence_get (high));
  const SfProgramTensor *x = tensor_at (c->program, a), *y = tensor_at (c->program, b);
  if (x->level != y->level || x->offset_bytes + tensor_bytes (x) <= y->offset_bytes)
    return true;
  return sf_fail (
      c->error, SF_ERROR_CHECK_FAILED,
      "program: entry %s: tensors %u (%s) and %u (%s) live at the same time and overlap at offset %" PRId64
      ", wanted them apart; plan memory anew",
      c->entry, a, tensor_name (x), b, tensor_name (y), y->offset_bytes);
}

static bool
sweep (const MemoryCheck *c, const GArray *events)
{
  g_autoptr (GSequence) living = g_sequence_new (NULL);
  g_autofree GSequenceIter **at = g_new0 (GSequenceIter *, c->program->tensors->len + 1);
  for (guint i = 0; i < events->len; i++)
    {
      const Event *event = &AT (events, Event, i);
      if (!event->birth)
        {
          g_sequence_remove (at[event->tensor]);
          continue;
        }
      GSequenceIter *iter = g_sequence_insert_sorted (living, GUINT_TO_POINTER (event->tensor),
                                                      compare_address, (void *) c->program);
      at[event->tensor] = iter;
      if (!check_apart (c, g_sequence_iter_prev (iter), iter)
          || !check_apart (c, iter, g_sequence_iter_next (iter)))
        return false;
    }
  return true;
}

bool
sf_check_memory (const SfProgram *program, const SfArch *arch, GError **error)
{
  if (!check_bounds (program, arch, error))
    return false;
  for (uint32_t e = 0; e < program->entries->len; e++)
    {
      const SfEntryStore *entry = sf_program_entry (program, e);
      MemoryCheck c = { program, entry->name, error };
      g_autofree Life *lives = find_lives (program, entry);
      g_autoptr (GArray) events = list_events (program, lives);
      if (!sweep (&c, events))
        return false;
    }
  return true;
}
