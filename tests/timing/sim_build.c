/* SPDX-License-Identifier: Apache-2.0 */
/* T2 is built: units from places, transfers from how units of one group feed those of another. */
#include "tests/timing/sim.h"

/* ---- parts and their ends ---- */

static void
inbox_free (void *data)
{
  Inbox *inbox = data;
  g_ptr_array_unref (inbox->arrivals);
  g_free (inbox);
}

static Inbox *
inbox_new (void)
{
  Inbox *inbox = g_new0 (Inbox, 1);
  inbox->arrivals = g_ptr_array_new_with_free_func (g_free);
  return inbox;
}

static void
pmu_free (void *data)
{
  Pmu *pmu = data;
  g_ptr_array_unref (pmu->feeds);
  g_ptr_array_unref (pmu->inboxes);
  g_free (pmu);
}

static void
buffer_free (void *data)
{
  Buffer *buffer = data;
  g_ptr_array_unref (buffer->pmus);
  g_ptr_array_unref (buffer->readers);
  g_ptr_array_unref (buffer->writers);
  g_free (buffer);
}

static void
reader_free (void *data)
{
  Reader *reader = data;
  g_free (reader->flow.vectors);
  g_ptr_array_unref (reader->feeds);
  g_free (reader);
}

static void
writer_free (void *data)
{
  Writer *writer = data;
  g_free (writer->flow.vectors);
  g_ptr_array_unref (writer->feeds);
  g_ptr_array_unref (writer->arrivals);
  g_free (writer);
}

static void
outlet_free (void *data)
{
  g_queue_clear (&((Outlet *) data)->pipe);
  g_free (data);
}

static void
pcu_free (void *data)
{
  Pcu *pcu = data;
  g_ptr_array_unref (pcu->inboxes);
  g_ptr_array_unref (pcu->outlets);
  g_free (pcu);
}

static void
stage_free (void *data)
{
  Stage *stage = data;
  work_free (stage->work);
  g_free (stage->pace);
  g_ptr_array_unref (stage->readers);
  g_ptr_array_unref (stage->writers);
  g_ptr_array_unref (stage->pcus);
  g_free (stage);
}

static void
stream_free (void *data)
{
  Stream *stream = data;
  g_free (stream->flow.vectors);
  g_clear_pointer (&stream->reader, reader_free);
  g_clear_pointer (&stream->writer, writer_free);
  g_clear_pointer (&stream->inbox, inbox_free);
  g_queue_clear (&stream->loaded);
  g_free (stream);
}

static void
level_free (void *data)
{
  g_ptr_array_unref (((Level *) data)->streams);
  g_free (data);
}

static void
agcu_free (void *data)
{
  g_ptr_array_unref (((Agcu *) data)->streams);
  g_free (data);
}

void
sim_free (Sim *sim)
{
  g_ptr_array_unref (sim->agcus);
  g_ptr_array_unref (sim->levels);
  g_ptr_array_unref (sim->streams);
  g_ptr_array_unref (sim->stages);
  g_ptr_array_unref (sim->buffers);
  network_free (sim->network);
  g_free (sim);
}

/* ---- who feeds whom ---- */

/* Place of unit `unit` of an owner. */
static uint32_t
place_of (const Sim *sim, SfUnitKind kind, uint32_t owner, size_t unit)
{
  for (uint32_t p = 0; p < sf_config_n_places (sim->program, sim->config); p++)
    {
      SfPlace place = sf_config_place (sim->program, sim->config, p);
      if (place.kind == kind && place.owner == owner && unit-- == 0)
        return p;
    }
  return SF_NONE;
}

/* Units of m that unit i of n feeds. */
static GArray *
fed_units (int64_t i, int64_t n, int64_t m)
{
  GArray *units = g_array_new (FALSE, FALSE, sizeof (int64_t));
  int64_t one = i * m / n;
  if (n > m)
    g_array_append_val (units, one);
  for (int64_t j = 0; n <= m && j < m; j++)
    if (j * n / m == i)
      g_array_append_val (units, j);
  return units;
}

/* A group of sinks: place and inbox of each. */
typedef struct
{
  GArray *places;     /* uint32_t */
  GPtrArray *inboxes; /* Inbox */
} Sinks;

static Sinks
sinks_new (void)
{
  return (Sinks){ g_array_new (FALSE, FALSE, sizeof (uint32_t)), g_ptr_array_new () };
}

static void
sinks_add (Sinks *sinks, uint32_t place, Inbox *inbox)
{
  g_array_append_val (sinks->places, place);
  g_ptr_array_add (sinks->inboxes, inbox);
}

static void
sinks_clear (Sinks *sinks)
{
  g_array_unref (sinks->places);
  g_ptr_array_unref (sinks->inboxes);
}

/* Makes unit `unit` of `n_units`, at `place`, feed its share of the sinks. NULL: its net does not.
 */
static Feed *
connect_unit (Sim *sim, const Flow *flow, uint32_t place, int64_t unit, int64_t n_units,
              const Sinks *sinks)
{
  g_autoptr (GArray) units = fed_units (unit, n_units, sinks->places->len);
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  for (guint k = 0; k < units->len; k++)
    g_array_append_val (places,
                        g_array_index (sinks->places, uint32_t, g_array_index (units, int64_t, k)));
  uint32_t transfer;
  if (!network_add_transfer (sim->network, place, &g_array_index (places, uint32_t, 0), places->len,
                             &transfer))
    return NULL;
  for (guint k = 0; k < units->len; k++)
    {
      Arrival arrival = { .flow = flow,
                          .unit = unit,
                          .n_units = n_units,
                          .transfer = transfer,
                          .sink = k,
                          .stored = k,
                          .n_stored = units->len };
      Inbox *inbox = g_ptr_array_index (sinks->inboxes, g_array_index (units, int64_t, k));
      g_ptr_array_add (inbox->arrivals, g_memdup2 (&arrival, sizeof arrival));
    }
  Feed feed = { .flow = flow, .unit = unit, .n_units = n_units, .transfer = transfer };
  return g_memdup2 (&feed, sizeof feed);
}

/* ---- readers and writers ---- */

static Reader *
reader_new (Port port, uint32_t operand)
{
  Reader *reader = g_new0 (Reader, 1);
  *reader = (Reader){ .port = port, .operand = operand };
  reader->feeds = g_ptr_array_new_with_free_func (g_free);
  return reader;
}

static Writer *
writer_new (Port port, uint32_t operand, const Stage *stage)
{
  Writer *writer = g_new0 (Writer, 1);
  *writer = (Writer){ .port = port, .operand = operand, .stage = stage };
  writer->feeds = g_ptr_array_new_with_free_func (g_free);
  writer->arrivals = g_ptr_array_new ();
  return writer;
}

/* The buffer's PMUs feed the sinks of a reader. */
static bool
connect_reader (Sim *sim, Reader *reader, const Sinks *sinks)
{
  Buffer *buffer = g_ptr_array_index (sim->buffers, reader->port.buffer);
  g_ptr_array_add (buffer->readers, reader);
  for (guint u = 0; u < buffer->pmus->len; u++)
    {
      Pmu *pmu = g_ptr_array_index (buffer->pmus, u);
      Feed *feed = connect_unit (sim, &reader->flow, pmu->place, u, buffer->pmus->len, sinks);
      if (feed == NULL)
        return false;
      g_ptr_array_add (reader->feeds, feed);
      g_ptr_array_add (pmu->feeds, feed);
    }
  return true;
}

/* The units of a writer feed the buffer's PMUs. */
static bool
connect_writer (Sim *sim, Writer *writer, const GArray *places)
{
  Buffer *buffer = g_ptr_array_index (sim->buffers, writer->port.buffer);
  Sinks sinks = sinks_new ();
  bool ok = true;
  g_ptr_array_add (buffer->writers, writer);
  for (guint u = 0; u < buffer->pmus->len; u++)
    {
      Pmu *pmu = g_ptr_array_index (buffer->pmus, u);
      g_ptr_array_add (pmu->inboxes, inbox_new ());
      sinks_add (&sinks, pmu->place, g_ptr_array_index (pmu->inboxes, pmu->inboxes->len - 1));
    }
  for (guint u = 0; u < places->len && ok; u++)
    {
      Feed *feed = connect_unit (sim, &writer->flow, g_array_index (places, uint32_t, u), u,
                                 places->len, &sinks);
      ok = feed != NULL;
      if (ok)
        g_ptr_array_add (writer->feeds, feed);
    }
  for (guint i = 0; i < sinks.inboxes->len; i++)
    {
      const Inbox *inbox = g_ptr_array_index (sinks.inboxes, i);
      for (guint k = 0; k < inbox->arrivals->len; k++)
        g_ptr_array_add (writer->arrivals, g_ptr_array_index (inbox->arrivals, k));
    }
  sinks_clear (&sinks);
  return ok;
}

/* ---- stages ---- */

static Flow
operand_flow (const Work *work, uint32_t operand)
{
  Flow flow = { work->iterations, g_new0 (int64_t, (size_t) work->iterations + 1) };
  for (int64_t i = 0; i < work->iterations; i++)
    flow.vectors[i] = work_vectors (work, i, operand);
  return flow;
}

static Port
operand_port (const Stage *stage, const SfOperand *operand)
{
  return (Port){ .buffer = operand->buffer,
                 .resident = operand->counter < 0,
                 .rate = operand->rate,
                 .iterations = stage->work->iterations };
}

static bool
add_reading (Sim *sim, Stage *stage, uint32_t operand)
{
  Reader *reader = reader_new (operand_port (stage, &stage->stage.operands[operand]), operand);
  reader->flow = operand_flow (stage->work, operand);
  g_ptr_array_add (stage->readers, reader);
  Sinks sinks = sinks_new ();
  for (guint j = 0; j < stage->pcus->len; j++)
    {
      Pcu *pcu = g_ptr_array_index (stage->pcus, j);
      Inbox *inbox = inbox_new ();
      g_ptr_array_add (pcu->inboxes, inbox);
      sinks_add (&sinks, pcu->place, inbox);
    }
  bool ok = connect_reader (sim, reader, &sinks);
  sinks_clear (&sinks);
  return ok;
}

static bool
add_writing (Sim *sim, Stage *stage, uint32_t operand)
{
  Port port = operand_port (stage, &stage->stage.operands[operand]);
  Writer *writer = writer_new (port, operand, stage);
  writer->flow = operand_flow (stage->work, operand);
  g_ptr_array_add (stage->writers, writer);
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  for (guint j = 0; j < stage->pcus->len; j++)
    g_array_append_val (places, ((Pcu *) g_ptr_array_index (stage->pcus, j))->place);
  if (!connect_writer (sim, writer, places))
    return false;
  for (guint j = 0; j < stage->pcus->len; j++)
    {
      Outlet *outlet = g_new0 (Outlet, 1);
      outlet->feed = g_ptr_array_index (writer->feeds, j);
      g_queue_init (&outlet->pipe);
      g_ptr_array_add (((Pcu *) g_ptr_array_index (stage->pcus, j))->outlets, outlet);
    }
  return true;
}

/* Cycles of an iteration alone: computing, or the slowest operand on its way; a unit sends, and the
 * one that takes from most others takes, a vector a cycle. */
static void
find_pace (const Sim *sim, Stage *stage)
{
  stage->pace = g_new0 (int64_t, (size_t) stage->work->iterations + 1);
  for (uint32_t o = 0; o < stage->stage.n_operands; o++)
    {
      const SfOperand *operand = &stage->stage.operands[o];
      if (operand->kind == SF_OPERAND_TEMP)
        continue;
      const Buffer *buffer = g_ptr_array_index (sim->buffers, operand->buffer);
      bool in = operand->kind == SF_OPERAND_IN;
      int64_t sources = in ? buffer->buffer.n_pmus : stage->stage.n_pcus;
      int64_t sinks = in ? stage->stage.n_pcus : buffer->buffer.n_pmus;
      for (int64_t i = 0; i < stage->work->iterations; i++)
        {
          int64_t each = every_nth (work_vectors (stage->work, i, o), 0, sources);
          stage->pace[i] = MAX (stage->pace[i], each * every_nth (sources, 0, sinks));
        }
    }
  for (int64_t i = 0; i < stage->work->iterations; i++)
    stage->pace[i] = MAX (stage->pace[i], stage->work->compute[i]);
}

/* Steps that are under way between PMUs and PCUs, and some. */
static void
find_reach (const Sim *sim, Stage *stage)
{
  int64_t way = 0;
  for (guint r = 0; r < stage->readers->len; r++)
    {
      const Reader *reader = g_ptr_array_index (stage->readers, r);
      for (guint u = 0; u < reader->feeds->len; u++)
        way = MAX (way, network_way (sim->network,
                                     ((Feed *) g_ptr_array_index (reader->feeds, u))->transfer));
    }
  stage->reach = way * sim->info.hop_cycles + 2;
}

static bool
add_stage (Sim *sim, uint32_t index)
{
  Stage *stage = g_new0 (Stage, 1);
  stage->stage = sf_config_stage (sim->program, sim->config, index);
  stage->work = work_new (sim->program, sim->config, index, sim->arch);
  stage->readers = g_ptr_array_new_with_free_func (reader_free);
  stage->writers = g_ptr_array_new_with_free_func (writer_free);
  stage->pcus = g_ptr_array_new_with_free_func (pcu_free);
  g_ptr_array_add (sim->stages, stage);
  for (int64_t j = 0; j < stage->stage.n_pcus; j++)
    {
      Pcu *pcu = g_new0 (Pcu, 1);
      pcu->place = place_of (sim, SF_UNIT_PCU, index, (size_t) j);
      pcu->inboxes = g_ptr_array_new_with_free_func (inbox_free);
      pcu->outlets = g_ptr_array_new_with_free_func (outlet_free);
      g_ptr_array_add (stage->pcus, pcu);
    }
  bool ok = true;
  for (uint32_t o = 0; o < stage->stage.n_operands && ok; o++)
    if (stage->stage.operands[o].kind == SF_OPERAND_IN)
      ok = add_reading (sim, stage, o);
    else if (stage->stage.operands[o].kind == SF_OPERAND_OUT)
      ok = add_writing (sim, stage, o);
  find_pace (sim, stage);
  find_reach (sim, stage);
  return ok;
}

/* ---- buffers, streams, memory ---- */

static void
add_buffer (Sim *sim, uint32_t index)
{
  Buffer *buffer = g_new0 (Buffer, 1);
  buffer->buffer = sf_config_buffer (sim->program, sim->config, index);
  buffer->pmus = g_ptr_array_new_with_free_func (pmu_free);
  buffer->readers = g_ptr_array_new ();
  buffer->writers = g_ptr_array_new ();
  for (int64_t u = 0; u < buffer->buffer.n_pmus; u++)
    {
      Pmu *pmu = g_new0 (Pmu, 1);
      pmu->place = place_of (sim, SF_UNIT_PMU, index, (size_t) u);
      pmu->feeds = g_ptr_array_new ();
      pmu->inboxes = g_ptr_array_new_with_free_func (inbox_free);
      g_ptr_array_add (buffer->pmus, pmu);
    }
  g_ptr_array_add (sim->buffers, buffer);
}

static void
find_tokens (Sim *sim, Stream *stream)
{
  SfBuffer buffer = sf_config_buffer (sim->program, sim->config, stream->stream.buffer);
  int64_t bytes = (int64_t) sf_dtype_bytes (buffer.dtype);
  int64_t elems = sf_shape_n_elems (&buffer.shape);
  stream->tokens = buffer.tokens;
  stream->token_bytes = buffer.token_elems * bytes;
  stream->last_bytes = elems * bytes - (buffer.tokens - 1) * stream->token_bytes;
  stream->unit_bytes = buffer.token_elems == 1 ? bytes : sim->info.vector_bytes;
  stream->flow = (Flow){ buffer.tokens, g_new0 (int64_t, (size_t) buffer.tokens + 1) };
  for (int64_t t = 0; t < buffer.tokens; t++)
    {
      int64_t n = t + 1 == buffer.tokens ? stream->last_bytes : stream->token_bytes;
      stream->flow.vectors[t] = (n + stream->unit_bytes - 1) / stream->unit_bytes;
    }
}

/* The AGCU at the stream's place passes vectors of all its streams. */
static void
join_agcu (Sim *sim, Stream *stream)
{
  SfPlace place = sf_config_place (sim->program, sim->config, stream->place);
  for (guint i = 0; i < sim->agcus->len; i++)
    {
      Agcu *agcu = g_ptr_array_index (sim->agcus, i);
      if (agcu->x == place.x && agcu->y == place.y && agcu->rdu_tile == place.rdu_tile)
        {
          g_ptr_array_add (agcu->streams, stream);
          return;
        }
    }
  Agcu *agcu = g_new0 (Agcu, 1);
  *agcu = (Agcu){ place.x, place.y, place.rdu_tile, 0, g_ptr_array_new () };
  g_ptr_array_add (agcu->streams, stream);
  g_ptr_array_add (sim->agcus, agcu);
}

static Flow
flow_copy (const Flow *flow)
{
  return (Flow){ flow->n, g_memdup2 (flow->vectors, ((size_t) flow->n + 1) * sizeof (int64_t)) };
}

static bool
connect_stream (Sim *sim, Stream *stream)
{
  Port port = { .buffer = stream->stream.buffer, .rate = 1, .iterations = stream->tokens };
  if (stream->stream.out)
    {
      stream->reader = reader_new (port, SF_NONE);
      stream->reader->flow = flow_copy (&stream->flow);
      stream->inbox = inbox_new ();
      Sinks sinks = sinks_new ();
      sinks_add (&sinks, stream->place, stream->inbox);
      bool ok = connect_reader (sim, stream->reader, &sinks);
      sinks_clear (&sinks);
      return ok;
    }
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (uint32_t));
  g_array_append_val (places, stream->place);
  stream->writer = writer_new (port, SF_NONE, NULL);
  stream->writer->flow = flow_copy (&stream->flow);
  return connect_writer (sim, stream->writer, places);
}

static bool
add_stream (Sim *sim, uint32_t index, const uint32_t *levels)
{
  Stream *stream = g_new0 (Stream, 1);
  stream->stream = sf_config_stream (sim->program, sim->config, index);
  stream->level = levels != NULL ? levels[stream->stream.slot] : 0;
  stream->place = place_of (sim, SF_UNIT_AGCU, index, 0);
  g_queue_init (&stream->loaded);
  g_ptr_array_add (sim->streams, stream);
  find_tokens (sim, stream);
  g_ptr_array_add (((Level *) g_ptr_array_index (sim->levels, stream->level))->streams, stream);
  join_agcu (sim, stream);
  return connect_stream (sim, stream);
}

static void
add_levels (Sim *sim)
{
  for (size_t i = 0; i < sim->info.n_memory_levels; i++)
    {
      Level *level = g_new0 (Level, 1);
      level->level = sf_arch_memory_level (sim->arch, i);
      level->latency_cycles = sf_arch_cycles (sim->arch, level->level.latency_ns);
      level->streams = g_ptr_array_new ();
      g_ptr_array_add (sim->levels, level);
    }
}

Sim *
sim_new (const SfProgram *program, uint32_t config, const SfArch *arch, const uint32_t *levels,
         char **why)
{
  g_autoptr (Sim) sim = g_new0 (Sim, 1);
  *sim = (Sim){ .program = program,
                .config = config,
                .arch = arch,
                .info = sf_arch_info (arch),
                .network = network_new (program, config, arch),
                .buffers = g_ptr_array_new_with_free_func (buffer_free),
                .stages = g_ptr_array_new_with_free_func (stage_free),
                .streams = g_ptr_array_new_with_free_func (stream_free),
                .levels = g_ptr_array_new_with_free_func (level_free),
                .agcus = g_ptr_array_new_with_free_func (agcu_free) };
  add_levels (sim);
  for (uint32_t b = 0; b < sf_config_n_buffers (program, config); b++)
    add_buffer (sim, b);
  bool ok = true;
  for (uint32_t s = 0; s < sf_config_n_streams (program, config) && ok; s++)
    ok = add_stream (sim, s, levels);
  for (uint32_t s = 0; s < sf_config_n_stages (program, config) && ok; s++)
    ok = add_stage (sim, s);
  if (!ok && why != NULL)
    *why = g_strdup_printf ("config %u: a net does not reach a unit that its source feeds", config);
  return ok ? g_steal_pointer (&sim) : NULL;
}
