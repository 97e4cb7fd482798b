/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of entries: bindings in range and of the right dtype, and that dependencies order every
 * write before the reads that need it. */
#include "core/program/check.h"

#include <string.h>

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* Elements [first, end) of a tensor that a launch reads or writes. */
typedef struct
{
  uint32_t launch, tensor;
  int64_t first, end;
} Touch;

typedef struct
{
  const SfProgram *program;
  uint32_t entry;
  GError **error;
  GArray *reads, *writes; /* Touch, by launch; writes sorted by tensor before they are looked up */
  uint32_t *replaced; /* per tensor: the launch of the earliest phase that writes its next content;
                         SF_NONE */
  uint64_t *before;   /* bit b of row l: launch b has ended when l begins */
  size_t row_words;
} EntryCheck;

static bool fail_launch (const EntryCheck *c, uint32_t launch, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static bool
fail_launch (const EntryCheck *c, uint32_t launch, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  const SfEntryStore *entry = sf_program_entry (c->program, c->entry);
  if (launch == SF_NONE)
    return sf_fail (c->error, SF_ERROR_CHECK_FAILED, "program: entry %s: %s", entry->name, text);
  const char *name = AT (entry->launches, SfLaunchStore, launch).launch.name;
  return sf_fail (c->error, SF_ERROR_CHECK_FAILED, "program: entry %s, launch %u (%s): %s",
                  entry->name, launch, name != NULL ? name : "unnamed", text);
}

static const SfProgramTensor *
tensor_at (const EntryCheck *c, uint32_t tensor)
{
  return &AT (c->program->tensors, SfProgramTensor, tensor);
}

static const SfLaunch *
launch_at (const EntryCheck *c, uint32_t launch)
{
  return &AT (sf_program_entry (c->program, c->entry)->launches, SfLaunchStore, launch).launch;
}

static const char *
name_of (const EntryCheck *c, uint32_t tensor)
{
  const char *name = tensor_at (c, tensor)->name;
  return name != NULL ? name : "unnamed";
}

/* ---- bindings ---- */

static bool
check_binding (EntryCheck *c, uint32_t launch, size_t slot, SfDtype dtype, int64_t n_elems,
               bool out)
{
  const SfLaunch *l = launch_at (c, launch);
  if (slot >= l->n_bindings)
    return fail_launch (c, launch, "binding %zu is missing, found %zu; bind every slot", slot,
                        l->n_bindings);
  const SfBinding *binding = &l->bindings[slot];
  if (binding->tensor >= c->program->tensors->len)
    return fail_launch (c, launch,
                        "binding %zu: tensor %u does not exist, wanted one of %u; correct the pass",
                        slot, binding->tensor, c->program->tensors->len);
  const SfProgramTensor *t = tensor_at (c, binding->tensor);
  if (t->dtype != dtype)
    return fail_launch (c, launch, "binding %zu: tensor %u (%s) is %s, wanted %s; correct the pass",
                        slot, binding->tensor, name_of (c, binding->tensor),
                        sf_dtype_name (t->dtype), sf_dtype_name (dtype));
  int64_t has = sf_shape_n_elems (&t->shape);
  if (binding->offset_elems < 0 || binding->offset_elems > has
      || n_elems > has - binding->offset_elems)
    return fail_launch (
        c, launch,
        "binding %zu: %" PRId64 " elements from %" PRId64 " of tensor %u (%s), which has %" PRId64
        "; wanted all inside; correct offset or slot",
        slot, n_elems, binding->offset_elems, binding->tensor, name_of (c, binding->tensor), has);
  if (out && t->role != SF_TENSOR_OUTPUT && t->role != SF_TENSOR_NEXT && t->role != SF_TENSOR_TEMP)
    return fail_launch (
        c, launch,
        "binding %zu writes tensor %u (%s), which is not written by launches; write its next "
        "content or a temporary",
        slot, binding->tensor, name_of (c, binding->tensor));
  Touch touch = { launch, binding->tensor, binding->offset_elems, binding->offset_elems + n_elems };
  g_array_append_val (out ? c->writes : c->reads, touch);
  return true;
}

static bool
check_rdu_bindings (EntryCheck *c, uint32_t launch)
{
  const SfLaunch *l = launch_at (c, launch);
  if (l->config >= c->program->configs->len)
    return fail_launch (c, launch, "config %u does not exist, wanted one of %u; correct the pass",
                        l->config, c->program->configs->len);
  const SfConfigStore *config = sf_program_config (c->program, l->config);
  for (guint i = 0; i < config->streams->len; i++)
    {
      const SfStream *s = &AT (config->streams, SfStream, i);
      const SfBuffer *b = &AT (config->buffers, SfBuffer, s->buffer);
      if (!check_binding (c, launch, s->slot, b->dtype, sf_shape_n_elems (&b->shape), s->out))
        return false;
    }
  if (l->n_bindings != sf_config_n_slots (c->program, l->config))
    return fail_launch (
        c, launch, "%zu bindings, wanted %zu, one for each slot of the config; correct the pass",
        l->n_bindings, sf_config_n_slots (c->program, l->config));
  return true;
}

static bool
check_host_bindings (EntryCheck *c, uint32_t launch)
{
  const SfLaunch *l = launch_at (c, launch);
  if (l->config >= c->program->host_graphs->len)
    return fail_launch (c, launch,
                        "host graph %u does not exist, wanted one of %u; correct the pass",
                        l->config, c->program->host_graphs->len);
  const SfGraph *graph = c->program->host_graphs->pdata[l->config];
  size_t n_in = sf_graph_n_inputs (graph), n = n_in + sf_graph_n_outputs (graph);
  if (l->n_bindings != n)
    return fail_launch (
        c, launch,
        "%zu bindings, wanted %zu, the host graph's inputs and outputs; correct the pass",
        l->n_bindings, n);
  for (size_t i = 0; i < n; i++)
    {
      SfValue v = i < n_in ? sf_graph_input_at (graph, i)
                           : sf_graph_output_at (graph, i - n_in, NULL, NULL);
      if (!check_binding (c, launch, i, sf_value_dtype (graph, v),
                          sf_shape_n_elems (sf_value_shape (graph, v)), i >= n_in))
        return false;
    }
  return true;
}

/* ---- order ---- */

static uint64_t *
before_row (const EntryCheck *c, uint32_t launch)
{
  return c->before + (size_t) launch * c->row_words;
}

static bool
is_before (const EntryCheck *c, uint32_t earlier, uint32_t launch)
{
  return (before_row (c, launch)[earlier / 64] >> (earlier % 64) & 1) != 0;
}

static bool
check_deps (EntryCheck *c, uint32_t launch)
{
  const SfLaunch *l = launch_at (c, launch);
  uint64_t *row = before_row (c, launch);
  for (size_t i = 0; i < l->n_deps; i++)
    {
      uint32_t dep = l->deps[i];
      if (dep >= launch)
        return fail_launch (
            c, launch,
            "depends on launch %u, wanted an earlier one; order the launches, break the cycle",
            dep);
      if (launch_at (c, dep)->phase > l->phase)
        return fail_launch (c, launch, "depends on launch %u of a later phase; correct the phases",
                            dep);
      for (size_t w = 0; w < c->row_words; w++)
        row[w] |= before_row (c, dep)[w];
      row[dep / 64] |= (uint64_t) 1 << (dep % 64);
    }
  return true;
}

static int
compare_touch (const void *a, const void *b)
{
  const Touch *x = a, *y = b;
  if (x->tensor != y->tensor)
    return x->tensor < y->tensor ? -1 : 1;
  if (x->first != y->first)
    return x->first < y->first ? -1 : 1;
  return x->launch < y->launch ? -1 : x->launch > y->launch;
}

/* Index of the first write of `tensor`, or of where it would be. */
static guint
first_write (const EntryCheck *c, uint32_t tensor)
{
  guint low = 0, high = c->writes->len;
  while (low < high)
    {
      guint mid = (low + high) / 2;
      if (AT (c->writes, Touch, mid).tensor < tensor)
        low = mid + 1;
      else
        high = mid;
    }
  return low;
}

static bool
check_writes_apart (EntryCheck *c)
{
  for (guint i = 1; i < c->writes->len; i++)
    {
      const Touch *a = &AT (c->writes, Touch, i - 1), *b = &AT (c->writes, Touch, i);
      if (a->tensor == b->tensor && b->first < a->end && b->end > b->first)
        return fail_launch (
            c, MAX (a->launch, b->launch),
            "writes elements of tensor %u (%s) that launch %u writes too, wanted one writer; use another "
            "temporary",
            a->tensor, name_of (c, a->tensor), MIN (a->launch, b->launch));
    }
  return true;
}

static bool
check_declared (EntryCheck *c, const Touch *read, const GArray *declared, const char *what)
{
  for (guint i = 0; i < declared->len; i++)
    if (AT (declared, uint32_t, i) == read->tensor)
      return true;
  return fail_launch (c, read->launch, "reads %s %s, which the entry does not declare; declare it",
                      what, name_of (c, read->tensor));
}

/* A tensor made by launches: all that is read has been written by launches that are known to have
 * ended. */
static bool
check_made (EntryCheck *c, const Touch *read)
{
  int64_t covered = read->first;
  for (guint i = first_write (c, read->tensor); i < c->writes->len; i++)
    {
      const Touch *write = &AT (c->writes, Touch, i);
      if (write->tensor != read->tensor)
        break;
      if (write->end <= read->first || write->first >= read->end)
        continue;
      if (!is_before (c, write->launch, read->launch))
        return fail_launch (
            c, read->launch,
            "reads tensor %u (%s) that launch %u writes, but does not depend on it; add the "
            "dependency",
            read->tensor, name_of (c, read->tensor), write->launch);
      if (write->first <= covered)
        covered = MAX (covered, write->end);
    }
  if (covered < read->end)
    return fail_launch (c, read->launch,
                        "reads elements %" PRId64 " to %" PRId64
                        " of tensor %u (%s), which no launch writes; "
                        "correct the pass",
                        covered, read->end - 1, read->tensor, name_of (c, read->tensor));
  return true;
}

/* Which launch makes each state's next content first. */
static void
note_replacements (EntryCheck *c)
{
  for (guint i = 0; i < c->writes->len; i++)
    {
      const Touch *write = &AT (c->writes, Touch, i);
      const SfProgramTensor *t = tensor_at (c, write->tensor);
      if (t->role != SF_TENSOR_NEXT)
        continue;
      uint32_t *launch = &c->replaced[t->state];
      if (*launch == SF_NONE || launch_at (c, write->launch)->phase < launch_at (c, *launch)->phase)
        *launch = write->launch;
    }
}

/* A state is read before its next content takes its place at the end of the phase that made it. */
static bool
check_state_read (EntryCheck *c, const Touch *read)
{
  uint32_t replaced = c->replaced[read->tensor];
  if (replaced == SF_NONE || launch_at (c, replaced)->phase >= launch_at (c, read->launch)->phase)
    return true;
  return fail_launch (c, read->launch,
                      "reads state %s after launch %u of an earlier phase replaced it; keep a copy",
                      name_of (c, read->tensor), replaced);
}

static bool
check_read (EntryCheck *c, const Touch *read)
{
  const SfEntryStore *entry = sf_program_entry (c->program, c->entry);
  switch (tensor_at (c, read->tensor)->role)
    {
    case SF_TENSOR_INPUT:
      return check_declared (c, read, entry->inputs, "input");
    case SF_TENSOR_SCALAR:
      return check_declared (c, read, entry->scalars, "scalar");
    case SF_TENSOR_STATE:
      return check_state_read (c, read);
    case SF_TENSOR_CONST:
      return true;
    default:
      return check_made (c, read);
    }
}

/* ---- interface ---- */

static bool
check_interface (EntryCheck *c, const GArray *tensors, SfTensorRole role, const char *what)
{
  for (guint i = 0; i < tensors->len; i++)
    {
      uint32_t tensor = AT (tensors, uint32_t, i);
      if (tensor >= c->program->tensors->len || tensor_at (c, tensor)->role != role)
        return fail_launch (c, SF_NONE,
                            "%s %u is tensor %u, wanted one of that role; correct the pass", what,
                            i, tensor);
    }
  return true;
}

static bool
is_made_or_kept (EntryCheck *c, uint32_t tensor)
{
  SfTensorRole role = tensor_at (c, tensor)->role;
  if (role != SF_TENSOR_OUTPUT && role != SF_TENSOR_TEMP && role != SF_TENSOR_NEXT)
    return true;
  guint i = first_write (c, tensor);
  return i < c->writes->len && AT (c->writes, Touch, i).tensor == tensor;
}

static bool
check_results (EntryCheck *c)
{
  const SfEntryStore *entry = sf_program_entry (c->program, c->entry);
  for (guint i = 0; i < entry->outputs->len; i++)
    {
      const SfEntryOutput *output = &AT (entry->outputs, SfEntryOutput, i);
      if (output->name == NULL || (unsigned) output->role > SF_OUTPUT_OTHER
          || output->tensor >= c->program->tensors->len || !is_made_or_kept (c, output->tensor))
        return fail_launch (c, SF_NONE,
                            "output %u (%s) is tensor %u, which no launch writes; correct the pass",
                            i, output->name != NULL ? output->name : "unnamed", output->tensor);
    }
  for (guint i = 0; i < entry->grads->len; i++)
    {
      const SfEntryGrad *pair = &AT (entry->grads, SfEntryGrad, i);
      guint n = c->program->tensors->len;
      if (pair->state >= n || pair->grad >= n || tensor_at (c, pair->state)->role != SF_TENSOR_STATE
          || !is_made_or_kept (c, pair->grad)
          || sf_shape_n_elems (&tensor_at (c, pair->state)->shape)
                 != sf_shape_n_elems (&tensor_at (c, pair->grad)->shape))
        return fail_launch (
            c, SF_NONE,
            "gradient %u pairs tensors %u and %u, wanted a state and its gradient of as many "
            "elements; correct the pass",
            i, pair->state, pair->grad);
    }
  return true;
}

/* A next content is written whole, or not at all by this entry. */
static bool
check_next_whole (EntryCheck *c)
{
  int64_t covered = 0;
  for (guint i = 0; i < c->writes->len; i++)
    {
      const Touch *write = &AT (c->writes, Touch, i);
      bool first = i == 0 || AT (c->writes, Touch, i - 1).tensor != write->tensor;
      bool last = i + 1 == c->writes->len || AT (c->writes, Touch, i + 1).tensor != write->tensor;
      covered = (first ? 0 : covered) + write->end - write->first;
      const SfProgramTensor *t = tensor_at (c, write->tensor);
      if (last && t->role == SF_TENSOR_NEXT && covered != sf_shape_n_elems (&t->shape))
        return fail_launch (
            c, SF_NONE,
            "writes %" PRId64 " of %" PRId64 " elements of tensor %u (%s), wanted all of a state's "
            "next content; correct the pass",
            covered, sf_shape_n_elems (&t->shape), write->tensor, name_of (c, write->tensor));
    }
  return true;
}

static bool
check_launch (EntryCheck *c, uint32_t launch)
{
  const SfLaunch *l = launch_at (c, launch);
  if ((unsigned) l->target > SF_TARGET_HOST || (unsigned) l->phase >= SF_N_PHASES || l->repeat < 1)
    return fail_launch (c, launch,
                        "target %d, phase %d or repeat %u is out of range; correct the pass",
                        (int) l->target, (int) l->phase, l->repeat);
  if (!check_deps (c, launch))
    return false;
  return l->target == SF_TARGET_RDU ? check_rdu_bindings (c, launch)
                                    : check_host_bindings (c, launch);
}

static bool
check_entry (EntryCheck *c)
{
  const SfEntryStore *entry = sf_program_entry (c->program, c->entry);
  for (guint i = 0; i < entry->launches->len; i++)
    if (!check_launch (c, i))
      return false;
  g_array_sort (c->writes, compare_touch);
  if (!check_writes_apart (c) || !check_interface (c, entry->inputs, SF_TENSOR_INPUT, "input")
      || !check_interface (c, entry->scalars, SF_TENSOR_SCALAR, "scalar"))
    return false;
  note_replacements (c);
  for (guint i = 0; i < c->reads->len; i++)
    if (!check_read (c, &AT (c->reads, Touch, i)))
      return false;
  return check_results (c) && check_next_whole (c);
}

bool
sf_check_launches (const SfProgram *program, GError **error)
{
  for (uint32_t e = 0; e < program->entries->len; e++)
    {
      const SfEntryStore *entry = sf_program_entry (program, e);
      size_t n = entry->launches->len;
      if (entry->name == NULL || n > SF_CAP_LAUNCHES)
        return sf_fail (
            error, SF_ERROR_CHECK_FAILED,
            "program: entry %u has no name or %zu launches, wanted at most %d; merge sections", e,
            n, SF_CAP_LAUNCHES);
      EntryCheck c = { .program = program,
                       .entry = e,
                       .error = error,
                       .reads = g_array_new (FALSE, FALSE, sizeof (Touch)),
                       .writes = g_array_new (FALSE, FALSE, sizeof (Touch)),
                       .row_words = (n + 63) / 64 };
      c.before = g_new0 (uint64_t, n * c.row_words + 1);
      c.replaced = g_new (uint32_t, program->tensors->len + 1);
      memset (c.replaced, 0xff, program->tensors->len * sizeof (uint32_t));
      bool ok = check_entry (&c);
      g_array_unref (c.reads);
      g_array_unref (c.writes);
      g_free (c.replaced);
      g_free (c.before);
      if (!ok)
        return false;
    }
  return true;
}
