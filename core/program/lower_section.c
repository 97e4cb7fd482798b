/* SPDX-License-Identifier: Apache-2.0 */
/* Sections: groups joined by buffers, tokens sized, units counted. */
#include "core/program/lower.h"

/* Streams that an address generator can interleave before it becomes the bottleneck of most
 * sections. */
#define STREAMS_PER_AGCU 4

/* Where a section is being built. */
typedef struct
{
  SfLowSection *section;
  SfLowering *low;
  const SfArch *arch;
  const SfLowerLimits *limits;
  int32_t first, n;
  int64_t token_elems, depth;
  int restream;   /* of a lone stage that does not fit: other axes taken for its tokens */
  int *component; /* per group: groups whose tokens run together have one */
  int64_t *units; /* per component: slices a stream can be cut into */
  int64_t *block; /* per component: slices of one token */
  GArray *specs;  /* BufferSpec */
  SfProgram *program;
  int64_t least_pmus; /* that tokens of any size leave in need */
} Builder;

/* A buffer to be, with its streams. */
typedef struct
{
  SfValue root;
  int component; /* whose tokens it carries; -1: resident, one token */
  bool in, out;  /* filled from, drained to memory */
} BufferSpec;

static SfLowGroup *
group_at (const Builder *b, size_t index)
{
  return &g_array_index (b->section->groups, SfLowGroup, index);
}

static SfLowOperand *
operand_at (const SfLowGroup *group, guint index)
{
  return &g_array_index (group->operands, SfLowOperand, index);
}

/* ---- groups ---- */

static bool
collect_groups (Builder *b, GError **error)
{
  const SfGraph *graph = b->low->graph;
  for (int32_t i = 0; i < b->n; i++)
    {
      size_t n;
      const SfNode *nodes = sf_lowering_group_nodes (b->low, b->first + i, &n);
      if (n == 0)
        return sf_fail (error, SF_ERROR_INTERNAL,
                        "group %d: found no node, wanted at least one; groups are dense",
                        b->first + i);
      SfLowGroup group;
      bool ok = sf_low_group_init (&group, b->low, nodes, n);
      g_array_append_val (b->section->groups, group);
      if (!ok)
        return sf_fail (error, SF_ERROR_INTERNAL,
                        "%s: cannot be one stage with its group: %s; report this with the model",
                        sf_node_name (graph, nodes[0]), group.reason);
    }
  unsigned tried = 0;
  for (int i = 0; i < b->restream; i++)
    if (!sf_low_restream (group_at (b, 0), &tried))
      return sf_fail (error, SF_ERROR_NOT_FOUND, "%s: found no other axis to stream along",
                      sf_node_name (graph, group_at (b, 0)->anchor));
  return true;
}

/* Index of the section's group that makes `root`; -1: it comes from memory. */
static int
maker_of (const Builder *b, SfValue root)
{
  SfNode producer = sf_value_producer (b->low->graph, root);
  if (producer == SF_NONE)
    return -1;
  int32_t group = sf_node_group (b->low->graph, producer);
  return group >= b->first && group < b->first + b->n ? group - b->first : -1;
}

static bool
made_as_stream (const Builder *b, int maker, SfValue root)
{
  const SfLowGroup *group = group_at (b, (size_t) maker);
  for (guint i = 0; i < group->operands->len; i++)
    {
      const SfLowOperand *o = operand_at (group, i);
      if (o->kind == SF_OPERAND_OUT && o->value == root && !o->stream)
        return false;
    }
  return true;
}

/* ---- components ---- */

static int
find (int *parent, int i)
{
  while (parent[i] != i)
    i = parent[i] = parent[parent[i]];
  return i;
}

static void
join (int *parent, int a, int b)
{
  a = find (parent, a);
  b = find (parent, b);
  parent[MAX (a, b)] = MIN (a, b);
}

/* Streams between two groups tie their tokens together; so does one tensor that both stream from
 * memory. */
static void
tie_groups (Builder *b)
{
  for (int32_t i = 0; i < b->n; i++)
    b->component[i] = i;
  g_autoptr (GHashTable) reader = g_hash_table_new (NULL, NULL);
  for (int32_t i = 0; i < b->n; i++)
    for (guint k = 0; k < group_at (b, (size_t) i)->operands->len; k++)
      {
        SfLowOperand *o = operand_at (group_at (b, (size_t) i), k);
        if (o->kind != SF_OPERAND_IN || !o->stream)
          continue;
        SfValue root = b->low->root[o->value];
        int maker = maker_of (b, root);
        if (maker >= 0 && !made_as_stream (b, maker, root))
          o->stream = false;
        else if (maker >= 0)
          join (b->component, maker, i);
        else if (g_hash_table_contains (reader, GUINT_TO_POINTER (root)))
          join (b->component,
                GPOINTER_TO_INT (g_hash_table_lookup (reader, GUINT_TO_POINTER (root))), i);
        else
          g_hash_table_insert (reader, GUINT_TO_POINTER (root), GINT_TO_POINTER (i));
      }
  for (int32_t i = 0; i < b->n; i++)
    b->component[i] = find (b->component, i);
}

static int64_t
gcd (int64_t a, int64_t b)
{
  while (b != 0)
    {
      int64_t r = a % b;
      a = b;
      b = r;
    }
  return a;
}

/* Largest divisor of `n` up to `most`, if it is not much smaller; else `most` itself, with a short
 * last token. */
static int64_t
even_block (int64_t n, int64_t most)
{
  for (int64_t block = most; block > most / 2; block--)
    if (n % block == 0)
      return block;
  return most;
}

static void
size_tokens (Builder *b)
{
  for (int32_t i = 0; i < b->n; i++)
    {
      const SfLowGroup *group = group_at (b, (size_t) i);
      if (group->stream >= 0)
        b->units[b->component[i]] = gcd (b->units[b->component[i]],
                                         group->axis[group->stream].extent);
    }
  g_autofree int64_t *widest = g_new0 (int64_t, b->n);
  for (int32_t i = 0; i < b->n; i++)
    for (guint k = 0; k < group_at (b, (size_t) i)->operands->len; k++)
      {
        const SfLowOperand *o = operand_at (group_at (b, (size_t) i), k);
        int c = b->component[i];
        if (o->stream)
          widest[c] = MAX (widest[c], sf_shape_n_elems (&o->shape) / MAX (b->units[c], 1));
      }
  for (int32_t c = 0; c < b->n; c++)
    {
      int64_t units = MAX (b->units[c], 1);
      b->block[c] = even_block (units, CLAMP (b->token_elems / MAX (widest[c], 1), 1, units));
    }
  for (int32_t i = 0; i < b->n; i++)
    {
      SfLowGroup *group = group_at (b, (size_t) i);
      int c = b->component[i];
      if (group->stream >= 0)
        group->axis[group->stream].step = b->block[c]
                                          * (group->axis[group->stream].extent / b->units[c]);
      sf_low_block (group, b->limits);
    }
}

/* ---- buffers ---- */

static uint32_t
spec_of (Builder *b, SfValue root, int component, bool in)
{
  for (guint i = 0; i < b->specs->len; i++)
    {
      const BufferSpec *spec = &g_array_index (b->specs, BufferSpec, i);
      if (spec->root == root && (!in || spec->component == component))
        return i;
    }
  BufferSpec spec = { .root = root, .component = component, .in = in };
  g_array_append_val (b->specs, spec);
  return b->specs->len - 1;
}

static bool
needed_in_memory (const Builder *b, SfValue root)
{
  const SfLowering *low = b->low;
  if (low->kept[root])
    return true;
  for (uint32_t i = low->user_first[root]; i < low->user_first[root + 1]; i++)
    {
      int32_t group = sf_node_group (low->graph, low->user[i]);
      if (group < b->first || group >= b->first + b->n)
        return true;
    }
  return false;
}

/* What groups make first, so that their readers find it; then what comes from memory. */
static void
assign_buffers (Builder *b)
{
  for (int pass = 0; pass < 2; pass++)
    for (int32_t i = 0; i < b->n; i++)
      for (guint k = 0; k < group_at (b, (size_t) i)->operands->len; k++)
        {
          SfLowOperand *o = operand_at (group_at (b, (size_t) i), k);
          if (o->kind != (pass == 0 ? SF_OPERAND_OUT : SF_OPERAND_IN))
            continue;
          SfValue root = b->low->root[o->value];
          bool in = pass == 1 && maker_of (b, root) < 0;
          if (pass == 0 && !made_as_stream (b, i, root))
            o->stream = false;
          o->buffer = spec_of (b, root, o->stream ? b->component[i] : -1, in);
          if (pass == 0)
            g_array_index (b->specs, BufferSpec, o->buffer).out = needed_in_memory (b, root);
        }
}

static SfBuffer
buffer_of (const Builder *b, const BufferSpec *spec)
{
  const SfGraph *graph = b->low->graph;
  SfBuffer buffer = { .name = sf_value_name (graph, spec->root),
                      .dtype = sf_value_dtype (graph, spec->root),
                      .shape = *sf_value_shape (graph, spec->root),
                      .tokens = 1,
                      .depth = 1,
                      .n_pmus = 1 };
  buffer.token_elems = sf_shape_n_elems (&buffer.shape);
  if (spec->component >= 0)
    {
      int64_t units = MAX (b->units[spec->component], 1), block = b->block[spec->component];
      buffer.token_elems = buffer.token_elems / units * block;
      buffer.tokens = (units + block - 1) / block;
    }
  buffer.depth = MIN (buffer.tokens, MAX (b->depth, 1));
  return buffer;
}

static void
add_slot (Builder *b, uint32_t buffer, SfValue root, bool out)
{
  SfStream stream = { .buffer = buffer, .out = out, .slot = b->section->slots->len };
  sf_config_add_stream (b->program, b->section->config, &stream);
  g_array_append_val (b->section->slots, root);
  g_array_append_val (b->section->slot_out, out);
}

static void
add_body (Builder *b)
{
  b->section->config = sf_program_add_config (b->program);
  for (guint i = 0; i < b->specs->len; i++)
    {
      const BufferSpec *spec = &g_array_index (b->specs, BufferSpec, i);
      SfBuffer buffer = buffer_of (b, spec);
      sf_config_add_buffer (b->program, b->section->config, &buffer);
      g_array_append_val (b->section->buffers, spec->root);
    }
  for (int out = 0; out < 2; out++)
    for (guint i = 0; i < b->specs->len; i++)
      {
        const BufferSpec *spec = &g_array_index (b->specs, BufferSpec, i);
        if (out == 1 ? spec->out : spec->in)
          add_slot (b, i, spec->root, out == 1);
      }
  for (int32_t i = 0; i < b->n; i++)
    sf_low_add_stage (group_at (b, (size_t) i), b->program, b->section->config);
}

/* ---- units ---- */

/* A stage on its own may have the whole tile, several together only what `fill` leaves them. */
static int64_t
share (int64_t units, const SfLowerLimits *limits, int64_t n_stages)
{
  return n_stages > 1 ? units * limits->fill / 100 : units;
}

/* `*least` becomes what no smaller token can save. */
static bool
size_buffers (Builder *b, SfLowerNeed *need, int64_t *least, GError **error)
{
  uint32_t config = b->section->config;
  guint n = b->specs->len;
  g_autofree int64_t *depth = g_new0 (int64_t, n + 1);
  for (guint i = 0; i < n; i++)
    depth[i] = sf_config_buffer (b->program, config, i).depth;
  if (!sf_config_min_depths (b->program, config, depth, error))
    return false;
  for (guint i = 0; i < n; i++)
    {
      SfBuffer buffer = sf_config_buffer (b->program, config, i);
      int64_t bytes = depth[i] * buffer.token_elems * (int64_t) sf_dtype_bytes (buffer.dtype);
      int64_t pmus = MAX ((bytes + b->limits->pmu_bytes - 1) / b->limits->pmu_bytes, 1);
      sf_config_set_buffer (b->program, config, i, depth[i], pmus);
      need->pmus += pmus;
      *least += g_array_index (b->specs, BufferSpec, i).component < 0 ? pmus : 1;
    }
  need->agcus = b->section->slots->len;
  need->stages = b->n;
  return true;
}

/* Spreads over stages and buffers what `fill` leaves of the tile. */
static void
share_units (Builder *b, SfLowerNeed *need)
{
  uint32_t config = b->section->config;
  SfSectionEstimate estimate = sf_low_share_units (b->program, config, b->arch, b->limits);
  need->cycles = estimate.cycles;
  need->memory_bytes = estimate.memory_bytes;
  need->pmus = 0;
  for (uint32_t i = 0; i < (uint32_t) b->n; i++)
    need->pcus += sf_config_stage (b->program, config, i).n_pcus;
  for (uint32_t i = 0; i < b->specs->len; i++)
    need->pmus += sf_config_buffer (b->program, config, i).n_pmus;
}

/* ---- the section ---- */

void
sf_low_section_clear (SfLowSection *section)
{
  for (guint i = 0; section->groups != NULL && i < section->groups->len; i++)
    sf_low_group_clear (&g_array_index (section->groups, SfLowGroup, i));
  g_clear_pointer (&section->groups, g_array_unref);
  g_clear_pointer (&section->buffers, g_array_unref);
  g_clear_pointer (&section->slots, g_array_unref);
  g_clear_pointer (&section->slot_out, g_array_unref);
}

static bool
build_once (SfLowSection *section, Builder *b, SfProgram *program, SfLowerNeed *need,
            GError **error)
{
  b->least_pmus = 0;
  *need = (SfLowerNeed){ 0 };
  *section = (SfLowSection){ .groups = g_array_new (FALSE, FALSE, sizeof (SfLowGroup)),
                             .buffers = g_array_new (FALSE, FALSE, sizeof (SfValue)),
                             .slots = g_array_new (FALSE, FALSE, sizeof (SfValue)),
                             .slot_out = g_array_new (FALSE, FALSE, sizeof (bool)) };
  g_autofree int *component = g_new0 (int, b->n);
  g_autofree int64_t *units = g_new0 (int64_t, b->n);
  g_autofree int64_t *block = g_new0 (int64_t, b->n);
  g_autoptr (GArray) specs = g_array_new (FALSE, FALSE, sizeof (BufferSpec));
  b->section = section;
  b->component = component;
  b->units = units;
  b->block = block;
  b->specs = specs;
  b->program = program;
  if (!collect_groups (b, error))
    return false;
  tie_groups (b);
  size_tokens (b);
  assign_buffers (b);
  add_body (b);
  if (!size_buffers (b, need, &b->least_pmus, error))
    return false;
  share_units (b, need);
  return true;
}

static bool
within (const SfLowerNeed *need, const SfLowerLimits *limits)
{
  return need->stages <= share (limits->pcus, limits, need->stages)
         && need->pmus <= share (limits->pmus, limits, need->stages)
         && need->agcus <= limits->agcus;
}

static bool
fail_limits (const SfLowSection *section, const SfLowerNeed *need, const SfLowerLimits *limits,
             GError **error)
{
  const SfLowGroup *group = &g_array_index (section->groups, SfLowGroup, 0);
  const char *name = sf_node_name (group->graph, group->anchor);
  if (need->stages > limits->pcus)
    return sf_fail (error, SF_ERROR_NO_RESOURCE,
                    "section of %s: found %" G_GINT64_FORMAT
                    " stages, wanted at most %" G_GINT64_FORMAT
                    " (PCUs); use a lower level or a larger --arch",
                    name, need->stages, limits->pcus);
  if (need->agcus > limits->agcus)
    return sf_fail (error, SF_ERROR_NO_RESOURCE,
                    "section of %s: found %" G_GINT64_FORMAT
                    " streams, wanted at most %" G_GINT64_FORMAT
                    " (four for each AGCU); use a larger --arch",
                    name, need->agcus, limits->agcus);
  return sf_fail (error, SF_ERROR_NO_RESOURCE,
                  "section of %s: found a need of %" G_GINT64_FORMAT
                  " PMUs, wanted at most %" G_GINT64_FORMAT
                  "; use a smaller --batch-size or a larger --arch",
                  name, need->pmus, limits->pmus);
}

/* Builds aside with ever smaller tokens; leaves the size that fits in b->token_elems. */
static bool
shrink_until_it_fits (SfLowSection *section, Builder *b, SfLowerNeed *need, GError **error)
{
  for (;; b->token_elems /= 4)
    {
      g_autoptr (SfProgram) scratch = sf_program_new ();
      bool ok = build_once (section, b, scratch, need, error);
      bool fits = ok && within (need, b->limits);
      if (ok && !fits
          && (b->token_elems < 4 || need->agcus > b->limits->agcus
              || b->least_pmus > share (b->limits->pmus, b->limits, need->stages)
              || need->stages > b->limits->pcus))
        ok = fail_limits (section, need, b->limits, error);
      sf_low_section_clear (section);
      if (!ok || fits)
        return ok;
    }
}

/* Of a lone stage tries one axis after the other, then the same without double buffering. The
 * failure of the first attempt is the one that helps. */
static bool
restream_until_it_fits (SfLowSection *section, Builder *b, SfLowerNeed *need, GError **error)
{
  g_autoptr (GError) first = NULL;
  for (b->depth = MAX (b->limits->depth, 1); b->depth > 0; b->depth /= 2)
    for (b->restream = 0;; b->restream++)
      {
        g_autoptr (GError) failure = NULL;
        b->token_elems = b->limits->token_elems;
        if (shrink_until_it_fits (section, b, need, &failure))
          return true;
        bool over = g_error_matches (failure, SF_ERROR, SF_ERROR_NO_RESOURCE);
        bool is_last = g_error_matches (failure, SF_ERROR, SF_ERROR_NOT_FOUND);
        if (first == NULL)
          first = g_steal_pointer (&failure);
        if (b->n == 1 && is_last)
          break;
        if (b->n == 1 && over)
          continue;
        g_propagate_error (error, g_steal_pointer (&first));
        return false;
      }
  g_propagate_error (error, g_steal_pointer (&first));
  return false;
}

/* Sizes of a token between which a section may choose: smaller ones only make the emulator slow. */
#define LEAST_TOKEN INT64_C (4096)
#define MOST_TOKEN  INT64_C (524288)
/* A size that gains less than one part in so many is not taken. */
#define LEAST_GAIN 64

/* Builds aside with tokens of `elems`; whether it fits and gains on `need`, which is then its. */
static bool
gains (SfLowSection *section, Builder *b, int64_t elems, SfLowerNeed *need)
{
  SfLowerNeed other;
  g_autoptr (SfProgram) scratch = sf_program_new ();
  int64_t before = b->token_elems;
  b->token_elems = elems;
  bool better = build_once (section, b, scratch, &other, NULL) && within (&other, b->limits)
                && other.cycles < need->cycles - need->cycles / LEAST_GAIN;
  sf_low_section_clear (section);
  if (better)
    *need = other;
  else
    b->token_elems = before;
  return better;
}

/* Small tokens fill a pipeline sooner, large ones have fewer iterations that read weights again:
 * goes on in the direction that gains. */
static void
choose_tokens (SfLowSection *section, Builder *b, SfLowerNeed *need)
{
  int64_t tries = b->limits->token_tries - 1, start = b->token_elems;
  for (; tries > 0 && b->token_elems / 4 >= LEAST_TOKEN; tries--)
    if (!gains (section, b, b->token_elems / 4, need))
      break;
  if (b->token_elems != start)
    return;
  for (; tries > 0 && b->token_elems * 4 <= MOST_TOKEN; tries--)
    if (!gains (section, b, b->token_elems * 4, need))
      break;
}

bool
sf_low_section_build (SfLowSection *section, SfLowering *low, const SfArch *arch,
                      const SfLowerLimits *limits, int32_t first, int32_t n, SfProgram *program,
                      SfLowerNeed *need, GError **error)
{
  Builder b = { .low = low, .arch = arch, .limits = limits, .first = first, .n = n };
  if (!restream_until_it_fits (section, &b, need, error))
    return false;
  choose_tokens (section, &b, need);
  return program == NULL || build_once (section, &b, program, need, error);
}

SfLowerLimits
sf_lower_limits (const SfArch *arch, int64_t fill)
{
  SfArchInfo info = sf_arch_info (arch);
  return (SfLowerLimits){ .pcus = info.pcus_per_tile,
                          .pmus = info.pmus_per_tile,
                          .agcus = info.agcus_per_tile * STREAMS_PER_AGCU,
                          .pmu_bytes = info.pmu_bytes,
                          .fill = fill,
                          .stage_tensors = MAX (3 * info.channels[SF_NETWORK_VECTOR], 4),
                          .stage_pcus = info.pcus_per_tile,
                          .token_elems = 32768,
                          .box_elems = 32768,
                          .firings = 8,
                          .depth = 2,
                          .token_tries = 1 };
}

bool
sf_lowering_section (SfLowering *low, const SfArch *arch, const SfLowerLimits *limits,
                     int32_t first, int32_t n, SfLowerNeed *need, GError **error)
{
  SfLowSection section;
  return sf_low_section_build (&section, low, arch, limits, first, n, NULL, need, error);
}
