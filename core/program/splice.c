/* SPDX-License-Identifier: Apache-2.0 */
/* One program from entries of several: everything that an entry needs is copied once. */
#include "core/program/splice.h"

#include "core/program/lower.h"

/* What has been copied of one program. */
typedef struct
{
  const SfProgram *from;
  uint32_t *tensor, *config, *host; /* new ids; SF_NONE: not yet */
} Source;

typedef struct
{
  SfProgram *to;
  GHashTable *states; /* name -> new id + 1 */
  GPtrArray *sources; /* Source */
} Splice;

static uint32_t *
no_ids (size_t n)
{
  uint32_t *ids = g_new (uint32_t, n + 1);
  memset (ids, 0xff, (n + 1) * sizeof *ids);
  return ids;
}

static void
source_free (gpointer data)
{
  Source *source = data;
  g_free (source->tensor);
  g_free (source->config);
  g_free (source->host);
  g_free (source);
}

static Source *
source_of (Splice *s, const SfProgram *from)
{
  for (guint i = 0; i < s->sources->len; i++)
    if (((Source *) s->sources->pdata[i])->from == from)
      return s->sources->pdata[i];
  Source *source = g_new0 (Source, 1);
  source->from = from;
  source->tensor = no_ids (sf_program_n_tensors (from));
  source->config = no_ids (sf_program_n_configs (from));
  source->host = no_ids (sf_program_n_host_graphs (from));
  g_ptr_array_add (s->sources, source);
  return source;
}

/* ---- parts ---- */

static uint32_t
tensor (Splice *s, Source *source, uint32_t id)
{
  if (source->tensor[id] != SF_NONE)
    return source->tensor[id];
  SfProgramTensor t = sf_program_tensor (source->from, id);
  uint32_t known = t.role == SF_TENSOR_STATE
                       ? GPOINTER_TO_UINT (g_hash_table_lookup (s->states, t.name))
                       : 0;
  if (known != 0)
    return source->tensor[id] = known - 1;
  if (t.state != SF_NONE)
    t.state = tensor (s, source, t.state);
  t.level = 0;
  t.offset_bytes = -1;
  uint32_t made = source->tensor[id] = sf_program_add_tensor (s->to, &t);
  if (t.role == SF_TENSOR_STATE)
    g_hash_table_insert (s->states, g_strdup (t.name), GUINT_TO_POINTER (made + 1));
  return made;
}

static uint32_t
config (Splice *s, Source *source, uint32_t id)
{
  const SfProgram *from = source->from;
  if (source->config[id] != SF_NONE)
    return source->config[id];
  uint32_t made = source->config[id] = sf_program_add_config (s->to);
  for (uint32_t i = 0; i < sf_config_n_buffers (from, id); i++)
    {
      SfBuffer buffer = sf_config_buffer (from, id, i);
      sf_config_add_buffer (s->to, made, &buffer);
    }
  for (uint32_t i = 0; i < sf_config_n_streams (from, id); i++)
    {
      SfStream stream = sf_config_stream (from, id, i);
      sf_config_add_stream (s->to, made, &stream);
    }
  for (uint32_t i = 0; i < sf_config_n_stages (from, id); i++)
    {
      SfStage stage = sf_config_stage (from, id, i);
      sf_config_add_stage (s->to, made, &stage);
    }
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (SfPlace));
  for (uint32_t i = 0; i < sf_config_n_places (from, id); i++)
    {
      SfPlace place = sf_config_place (from, id, i);
      g_array_append_val (places, place);
    }
  sf_config_set_places (s->to, made, (const SfPlace *) (gpointer) places->data, places->len);
  g_autoptr (GArray) routes = g_array_new (FALSE, FALSE, sizeof (SfRoute));
  for (uint32_t i = 0; i < sf_config_n_routes (from, id); i++)
    {
      SfRoute route = sf_config_route (from, id, i);
      g_array_append_val (routes, route);
    }
  sf_config_set_routes (s->to, made, (const SfRoute *) (gpointer) routes->data, routes->len);
  return made;
}

static uint32_t
host_graph (Splice *s, Source *source, uint32_t id)
{
  if (source->host[id] == SF_NONE)
    source->host[id] = sf_program_add_host_graph (
        s->to, (SfGraph *) sf_program_host_graph (source->from, id));
  return source->host[id];
}

/* ---- entries ---- */

static void
launch (Splice *s, Source *source, uint32_t entry, uint32_t index)
{
  SfLaunch copy = sf_entry_launch (source->from, entry, index);
  g_autofree SfBinding *bindings = g_memdup2 (copy.bindings,
                                              copy.n_bindings * sizeof *copy.bindings);
  uint32_t old = copy.config;
  for (size_t i = 0; i < copy.n_bindings; i++)
    bindings[i].tensor = tensor (s, source, bindings[i].tensor);
  copy.bindings = bindings;
  copy.config = copy.target == SF_TARGET_RDU ? config (s, source, old)
                                             : host_graph (s, source, old);
  sf_entry_add_launch (s->to, entry, &copy);
  if (copy.target != SF_TARGET_RDU)
    return;
  for (uint32_t b = 0; b < sf_config_n_buffers (source->from, old); b++)
    {
      SfValue origin = sf_launch_origin (source->from, entry, index, b);
      if (origin != SF_NONE)
        sf_launch_set_origin (s->to, entry, index, b, origin);
    }
  for (uint32_t i = 0; i < sf_config_n_stages (source->from, old); i++)
    {
      const char *name = sf_launch_stage_name (source->from, entry, index, i);
      if (name != NULL)
        sf_launch_set_stage_name (s->to, entry, index, i, name);
    }
}

static void
entry_of (Splice *s, const SfProgram *from, uint32_t entry)
{
  Source *source = source_of (s, from);
  sf_program_add_entry (s->to, sf_entry_name (from, entry));
  for (size_t i = 0; i < sf_entry_n_inputs (from, entry); i++)
    sf_entry_add_input (s->to, entry, tensor (s, source, sf_entry_input (from, entry, i)));
  for (size_t i = 0; i < sf_entry_n_scalars (from, entry); i++)
    sf_entry_add_scalar (s->to, entry, tensor (s, source, sf_entry_scalar (from, entry, i)));
  for (size_t i = 0; i < sf_entry_n_outputs (from, entry); i++)
    sf_entry_add_output (s->to, entry, tensor (s, source, sf_entry_output (from, entry, i)),
                         sf_entry_output_name (from, entry, i),
                         sf_entry_output_role (from, entry, i));
  for (size_t i = 0; i < sf_entry_n_grads (from, entry); i++)
    {
      uint32_t state, grad;
      sf_entry_grad (from, entry, i, &state, &grad);
      sf_entry_add_grad (s->to, entry, tensor (s, source, state), tensor (s, source, grad));
    }
  for (uint32_t i = 0; i < sf_entry_n_launches (from, entry); i++)
    launch (s, source, entry, i);
}

SfProgram *
sf_program_splice (SfProgram *const *programs, size_t n, const SfArch *arch, GError **error)
{
  g_autoptr (SfProgram) to = sf_program_new ();
  g_autoptr (GHashTable) states = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) sources = g_ptr_array_new_with_free_func (source_free);
  Splice s = { .to = to, .states = states, .sources = sources };
  /* All states, in the order of the first program: those that no entry touches are kept as well. */
  for (uint32_t t = 0; n > 0 && t < sf_program_n_tensors (programs[0]); t++)
    if (sf_program_tensor (programs[0], t).role == SF_TENSOR_STATE)
      tensor (&s, source_of (&s, programs[0]), t);
  for (uint32_t e = 0; e < n; e++)
    entry_of (&s, programs[e], e);
  return sf_memory_plan (to, arch, error) ? g_steal_pointer (&to) : NULL;
}
