/* SPDX-License-Identifier: Apache-2.0 */
/* From sectioned graphs to a program: tensors, configs, launches, entries, debug map. */
#include "core/program/lower.h"

typedef struct
{
  const SfModule *module, *source;
  const SfArch *arch;
  const SfLowerLimits *limits;
  SfProgram *program;
  GHashTable *states; /* name -> tensor id + 1 */
} Module;

/* One entry while it is built. */
typedef struct
{
  Module *module;
  const char *name;
  const SfGraph *graph;
  SfLowering *low;
  uint32_t entry;
  uint32_t *tensor;    /* per root: SF_NONE until it has memory */
  uint32_t *launch;    /* per root: launch that makes it */
  GArray *grad_states; /* SfValue: parameters with a gradient, and the gradients */
  GArray *grads;
} Entry;

/* ---- tensors ---- */

static uint32_t
state_tensor (Module *m, const SfGraph *graph, SfValue state)
{
  const char *name = sf_value_name (graph, state);
  uint32_t known = GPOINTER_TO_UINT (g_hash_table_lookup (m->states, name));
  if (known != 0)
    return known - 1;
  SfProgramTensor t = { .name = name,
                        .role = SF_TENSOR_STATE,
                        .dtype = sf_value_dtype (graph, state),
                        .shape = *sf_value_shape (graph, state),
                        .offset_bytes = -1,
                        .state = SF_NONE,
                        .data = sf_value_data (graph, state) };
  if (t.data != NULL)
    t.data_bytes = (size_t) sf_shape_n_elems (&t.shape) * sf_dtype_bytes (t.dtype);
  uint32_t id = sf_program_add_tensor (m->program, &t);
  g_hash_table_insert (m->states, g_strdup (name), GUINT_TO_POINTER (id + 1));
  return id;
}

static uint32_t
add_tensor (Entry *e, SfValue value, const char *name, SfTensorRole role, uint32_t state)
{
  SfProgramTensor t = { .name = name,
                        .role = role,
                        .dtype = sf_value_dtype (e->graph, value),
                        .shape = *sf_value_shape (e->graph, value),
                        .offset_bytes = -1,
                        .state = state };
  if (role == SF_TENSOR_CONST)
    {
      t.data = sf_value_data (e->graph, value);
      t.data_bytes = (size_t) sf_shape_n_elems (&t.shape) * sf_dtype_bytes (t.dtype);
    }
  return sf_program_add_tensor (e->module->program, &t);
}

static void
declare_interface (Entry *e)
{
  SfProgram *program = e->module->program;
  for (size_t i = 0; i < sf_graph_n_states (e->graph); i++)
    {
      SfValue v = sf_graph_state_at (e->graph, i);
      e->tensor[v] = state_tensor (e->module, e->graph, v);
    }
  for (size_t i = 0; i < sf_graph_n_inputs (e->graph); i++)
    {
      SfValue v = sf_graph_input_at (e->graph, i);
      e->tensor[v] = add_tensor (e, v, sf_value_name (e->graph, v), SF_TENSOR_INPUT, SF_NONE);
      sf_entry_add_input (program, e->entry, e->tensor[v]);
    }
  for (size_t i = 0; i < sf_graph_n_scalars (e->graph); i++)
    {
      SfValue v = sf_graph_scalar_at (e->graph, i);
      e->tensor[v] = add_tensor (e, v, sf_value_name (e->graph, v), SF_TENSOR_SCALAR, SF_NONE);
      sf_entry_add_scalar (program, e->entry, e->tensor[v]);
    }
}

static bool
fresh_root (Entry *e, SfValue value, const char *what, GError **error)
{
  SfValue root = sf_lowering_root (e->low, value);
  if (sf_value_kind (e->graph, root) == SF_VALUE_RESULT && e->tensor[root] == SF_NONE)
    return true;
  return sf_fail (
      error, SF_ERROR_INTERNAL,
      "%s of %s: found memory shared with another value, wanted its own; the pass legalise makes copies",
      what, e->name);
}

/* Outputs and new states have tensors of their role and their own shape. */
static bool
declare_results (Entry *e, GError **error)
{
  for (size_t i = 0; i < sf_graph_n_outputs (e->graph); i++)
    {
      const char *name;
      SfOutputRole role;
      SfValue v = sf_graph_output_at (e->graph, i, &name, &role);
      if (!fresh_root (e, v, name, error))
        return false;
      uint32_t id = add_tensor (e, v, name, SF_TENSOR_OUTPUT, SF_NONE);
      e->tensor[sf_lowering_root (e->low, v)] = id;
      sf_entry_add_output (e->module->program, e->entry, id, name, role);
    }
  for (size_t i = 0; i < sf_graph_n_states (e->graph); i++)
    {
      SfValue state = sf_graph_state_at (e->graph, i), next = sf_value_update (e->graph, state);
      if (next == SF_NONE)
        continue;
      const char *name = sf_value_name (e->graph, state);
      if (!fresh_root (e, next, name, error))
        return false;
      e->tensor[sf_lowering_root (e->low, next)] = add_tensor (e, next, name, SF_TENSOR_NEXT,
                                                               e->tensor[state]);
    }
  for (guint i = 0; i < e->grads->len; i++)
    {
      SfValue grad = g_array_index (e->grads, SfValue, i),
              state = g_array_index (e->grad_states, SfValue, i);
      SfValue root = sf_lowering_root (e->low, grad);
      if (e->tensor[root] == SF_NONE)
        {
          g_autofree char *name = g_strconcat ("grad:", sf_value_name (e->graph, state), NULL);
          e->tensor[root] = add_tensor (e, grad, name, SF_TENSOR_TEMP, SF_NONE);
        }
      sf_entry_add_grad (e->module->program, e->entry, e->tensor[state], e->tensor[root]);
    }
  return true;
}

static uint32_t
tensor_of (Entry *e, SfValue root)
{
  if (e->tensor[root] == SF_NONE)
    {
      bool constant = sf_value_kind (e->graph, root) == SF_VALUE_CONSTANT;
      e->tensor[root] = add_tensor (e, root, sf_value_name (e->graph, root),
                                    constant ? SF_TENSOR_CONST : SF_TENSOR_TEMP, SF_NONE);
    }
  return e->tensor[root];
}

/* ---- launches ---- */

static void
add_dep (Entry *e, GArray *deps, SfValue root)
{
  uint32_t maker = e->launch[root];
  for (guint i = 0; i < deps->len; i++)
    if (g_array_index (deps, uint32_t, i) == maker)
      return;
  if (maker != SF_NONE)
    g_array_append_val (deps, maker);
}

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
  return x < y ? -1 : x > y;
}

static uint32_t
add_launch (Entry *e, SfLaunch *launch, GArray *bindings, GArray *deps)
{
  g_array_sort (deps, compare_ids);
  launch->repeat = 1;
  launch->n_bindings = bindings->len;
  launch->bindings = (const SfBinding *) (gpointer) bindings->data;
  launch->n_deps = deps->len;
  launch->deps = (const uint32_t *) (gpointer) deps->data;
  return sf_entry_add_launch (e->module->program, e->entry, launch);
}

/* "conv1+relu": names of the source's nodes, each once. */
static char *
stage_name (const SfLowGroup *group)
{
  GString *name = g_string_new (NULL);
  const char *last = "";
  for (size_t i = 0; i < group->n_nodes && name->len < 80; i++)
    {
      const char *node = sf_node_name (group->graph, group->nodes[i]);
      if (g_str_equal (node, last))
        continue;
      g_string_append_printf (name, "%s%s", name->len > 0 ? "+" : "", node);
      last = node;
    }
  return g_string_free (name, FALSE);
}

/* The source's value that `root` holds, itself or through a view. */
static SfValue
origin_of (const Entry *e, SfValue root)
{
  SfValue origin = sf_value_origin (e->graph, root);
  for (SfValue v = root + 1; origin == SF_NONE && v < sf_graph_n_values (e->graph); v++)
    if (sf_lowering_root (e->low, v) == root)
      origin = sf_value_origin (e->graph, v);
  return origin;
}

static void
add_debug (Entry *e, uint32_t launch, const SfLowSection *section)
{
  SfProgram *program = e->module->program;
  for (guint i = 0; i < section->buffers->len; i++)
    {
      SfValue origin = origin_of (e, g_array_index (section->buffers, SfValue, i));
      if (origin != SF_NONE)
        sf_launch_set_origin (program, e->entry, launch, i, origin);
    }
  for (guint i = 0; i < section->groups->len; i++)
    {
      g_autofree char *name = stage_name (&g_array_index (section->groups, SfLowGroup, i));
      sf_launch_set_stage_name (program, e->entry, launch, i, name);
    }
}

static bool
launch_section (Entry *e, int32_t first, int32_t n, SfPhase phase, GError **error)
{
  SfLowSection section = { 0 };
  SfLowerNeed need;
  bool ok = sf_low_section_build (&section, e->low, e->module->arch, e->module->limits, first, n,
                                  e->module->program, &need, error);
  g_autoptr (GArray) bindings = g_array_new (FALSE, FALSE, sizeof (SfBinding));
  g_autoptr (GArray) deps = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  for (guint i = 0; ok && i < section.slots->len; i++)
    {
      SfValue root = g_array_index (section.slots, SfValue, i);
      SfBinding binding = { .tensor = tensor_of (e, root) };
      g_array_append_val (bindings, binding);
      if (!g_array_index (section.slot_out, bool, i))
        add_dep (e, deps, root);
    }
  if (ok)
    {
      g_autofree char *name = stage_name (&g_array_index (section.groups, SfLowGroup, 0));
      SfLaunch launch
          = { .name = name, .target = SF_TARGET_RDU, .phase = phase, .config = section.config };
      uint32_t id = add_launch (e, &launch, bindings, deps);
      for (guint i = 0; i < section.slots->len; i++)
        if (g_array_index (section.slot_out, bool, i))
          e->launch[g_array_index (section.slots, SfValue, i)] = id;
      add_debug (e, id, &section);
    }
  sf_low_section_clear (&section);
  return ok;
}

/* ---- host launches ---- */

/* Inputs of the small graph are the node's operands as the node sees them. */
static bool
host_inputs (Entry *e, SfNode node, SfGraph *host, SfValue *map, GArray *bindings, GArray *deps,
             GError **error)
{
  for (size_t i = 0; i < sf_node_n_inputs (e->graph, node); i++)
    {
      SfValue v = sf_node_input (e->graph, node, i);
      if (v == SF_NONE || map[v] != SF_NONE)
        continue;
      g_autofree char *name = g_strdup_printf ("in%zu", i);
      map[v] = sf_graph_input (host, name, sf_value_dtype (e->graph, v),
                               *sf_value_shape (e->graph, v), error);
      if (map[v] == SF_NONE)
        return false;
      SfValue root = sf_lowering_root (e->low, v);
      SfBinding binding = { .tensor = tensor_of (e, root) };
      g_array_append_val (bindings, binding);
      add_dep (e, deps, root);
    }
  return true;
}

static bool
launch_host (Entry *e, SfNode node, GError **error)
{
  g_autoptr (SfGraph) host = sf_graph_new (sf_node_name (e->graph, node));
  size_t n_values = sf_graph_n_values (e->graph);
  g_autofree SfValue *map = g_new (SfValue, n_values + 1);
  g_autoptr (GArray) bindings = g_array_new (FALSE, FALSE, sizeof (SfBinding));
  g_autoptr (GArray) deps = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  for (SfValue v = 0; v < n_values; v++)
    map[v] = SF_NONE;
  if (!host_inputs (e, node, host, map, bindings, deps, error)
      || !sf_graph_copy_node (host, e->graph, node, map, error))
    return false;
  for (size_t i = 0; i < sf_node_n_outputs (e->graph, node); i++)
    {
      SfValue y = sf_node_output (e->graph, node, i);
      g_autofree char *name = g_strdup_printf ("out%zu", i);
      if (!sf_graph_output (host, name, SF_OUTPUT_OTHER, map[y], error))
        return false;
      SfBinding binding = { .tensor = tensor_of (e, y) };
      g_array_append_val (bindings, binding);
    }
  SfLaunch launch = { .name = sf_node_name (e->graph, node),
                      .target = SF_TARGET_HOST,
                      .phase = sf_node_phase (e->graph, node),
                      .config = sf_program_add_host_graph (e->module->program, host) };
  uint32_t id = add_launch (e, &launch, bindings, deps);
  for (size_t i = 0; i < sf_node_n_outputs (e->graph, node); i++)
    e->launch[sf_node_output (e->graph, node, i)] = id;
  return true;
}

/* ---- entries ---- */

/* What the passes left on the nodes: the first group, group count and a node of each section. */
typedef struct
{
  int32_t first, last;
  SfNode node;
} Section;

static bool
find_sections (const Entry *e, GArray *sections, GError **error)
{
  for (SfNode node = 0; node < sf_graph_n_nodes (e->graph); node++)
    {
      if (sf_lowering_is_view (e->low, node))
        continue;
      int32_t index = sf_node_section (e->graph, node), group = sf_node_group (e->graph, node);
      if (index < 0 || group < 0 || (size_t) index >= sf_graph_n_nodes (e->graph))
        return sf_fail (
            error, SF_ERROR_INTERNAL,
            "%s of %s: found no group and section, wanted both; the pipeline needs the passes fuse and section before tile",
            sf_node_name (e->graph, node), e->name);
      while (sections->len <= (guint) index)
        {
          Section none = { .first = INT32_MAX, .last = -1, .node = SF_NONE };
          g_array_append_val (sections, none);
        }
      Section *section = &g_array_index (sections, Section, index);
      section->first = MIN (section->first, group);
      section->last = MAX (section->last, group);
      section->node = section->node == SF_NONE ? node : section->node;
    }
  return true;
}

static bool
add_launches (Entry *e, GError **error)
{
  g_autoptr (GArray) sections = g_array_new (FALSE, FALSE, sizeof (Section));
  if (!find_sections (e, sections, error))
    return false;
  for (guint i = 0; i < sections->len; i++)
    {
      const Section *section = &g_array_index (sections, Section, i);
      if (section->node == SF_NONE)
        return sf_fail (error, SF_ERROR_INTERNAL,
                        "section %u of %s: found no node, wanted sections numbered without gaps", i,
                        e->name);
      SfPhase phase = sf_node_phase (e->graph, section->node);
      bool ok = sf_node_on_host (e->graph, section->node)
                    ? launch_host (e, section->node, error)
                    : launch_section (e, section->first, section->last - section->first + 1, phase,
                                      error);
      if (!ok)
        return false;
    }
  return true;
}

/* The gradients that the source names, as values of this graph. */
static void
find_grads (Entry *e)
{
  g_autofree char *prefix = g_strdup_printf ("grad.%s.", e->name);
  for (size_t i = 0; i < sf_graph_n_states (e->graph); i++)
    {
      SfValue state = sf_graph_state_at (e->graph, i);
      g_autofree char *key = g_strconcat (prefix, sf_value_name (e->graph, state), NULL);
      const char *fact = sf_module_fact (e->module->source, key);
      SfValue wanted = fact == NULL ? SF_NONE : (SfValue) g_ascii_strtoull (fact, NULL, 10);
      for (SfValue v = 0; wanted != SF_NONE && v < sf_graph_n_values (e->graph); v++)
        if (sf_value_kind (e->graph, v) == SF_VALUE_RESULT
            && sf_value_origin (e->graph, v) == wanted)
          {
            g_array_append_val (e->grads, v);
            g_array_append_val (e->grad_states, state);
            break;
          }
    }
}

static bool
lower_entry (Module *m, const char *name, GError **error)
{
  const SfGraph *graph = sf_module_graph (m->module, name);
  size_t n = sf_graph_n_values (graph);
  g_autofree uint32_t *tensor = g_new (uint32_t, n + 1);
  g_autofree uint32_t *launch = g_new (uint32_t, n + 1);
  memset (tensor, 0xff, (n + 1) * sizeof *tensor);
  memset (launch, 0xff, (n + 1) * sizeof *launch);
  g_autoptr (GArray) grads = g_array_new (FALSE, FALSE, sizeof (SfValue));
  g_autoptr (GArray) grad_states = g_array_new (FALSE, FALSE, sizeof (SfValue));
  Entry e = { .module = m,
              .name = name,
              .graph = graph,
              .tensor = tensor,
              .launch = launch,
              .grads = grads,
              .grad_states = grad_states };
  find_grads (&e);
  g_autoptr (SfLowering) low = sf_lowering_new (graph, (const SfValue *) (gpointer) grads->data,
                                                grads->len);
  e.low = low;
  e.entry = sf_program_add_entry (m->program, name);
  declare_interface (&e);
  return declare_results (&e, error) && add_launches (&e, error);
}

bool
sf_lower_module (const SfModule *module, const SfModule *source, const SfArch *arch,
                 const SfLowerLimits *limits, SfProgram *program, GError **error)
{
  if (source == NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "module %s: found no source graphs, wanted those that autodiff makes; the "
                    "pipeline needs the pass autodiff before tile",
                    sf_module_name (module));
  g_autoptr (GHashTable) states = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Module m = { .module = module,
               .source = source,
               .arch = arch,
               .limits = limits,
               .program = program,
               .states = states };
  for (size_t i = 0; i < sf_module_n_entries (module); i++)
    if (!lower_entry (&m, sf_module_entry (module, i), error))
      return false;
  sf_program_share_configs (program);
  return sf_memory_plan (program, arch, error);
}
