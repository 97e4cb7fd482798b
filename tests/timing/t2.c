/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of T2. */
#include "tests/timing/t2.h"

#include <inttypes.h>

#include "tests/timing/sim.h"

static void
for_each (Sim *sim, const GPtrArray *parts, void (*step) (Sim *sim, void *part))
{
  for (guint i = 0; i < parts->len; i++)
    step (sim, g_ptr_array_index (parts, i));
}

#define STEP(name, Type, func)            \
  static void name (Sim *sim, void *part) \
  {                                       \
    func (sim, (Type *) part);            \
  }

STEP (end_stage, Stage, stage_end)
STEP (end_stream, Stream, stream_end)
STEP (begin_stage, Stage, stage_begin)
STEP (begin_stream, Stream, stream_begin)
STEP (serve_level, Level, level_serve)
STEP (step_agcu, Agcu, agcu_step)
STEP (take_pmu, Pmu, pmu_take)
STEP (send_pmu, Pmu, pmu_send)
STEP (compute_stage, Stage, stage_compute)
STEP (send_stage, Stage, stage_send)

static void
take_buffer (Sim *sim, void *part)
{
  for_each (sim, ((Buffer *) part)->pmus, take_pmu);
}

static void
send_buffer (Sim *sim, void *part)
{
  for_each (sim, ((Buffer *) part)->pmus, send_pmu);
}

/* Once around the phases that sim.h tells of. */
static void
cycle (Sim *sim)
{
  for_each (sim, sim->stages, end_stage);
  for_each (sim, sim->streams, end_stream);
  for_each (sim, sim->stages, begin_stage);
  for_each (sim, sim->streams, begin_stream);
  for_each (sim, sim->levels, serve_level);
  for_each (sim, sim->agcus, step_agcu);
  for_each (sim, sim->buffers, take_buffer);
  for_each (sim, sim->stages, compute_stage);
  for_each (sim, sim->buffers, send_buffer);
  for_each (sim, sim->stages, send_stage);
  network_step (sim->network, sim->now);
}

/* With the last byte in memory. */
static bool
has_ended (const Sim *sim)
{
  for (guint i = 0; i < sim->streams->len; i++)
    {
      const Stream *stream = g_ptr_array_index (sim->streams, i);
      if (stream->stream.out && !stream_has_ended (stream))
        return false;
    }
  return true;
}

int64_t
t2_section_cycles (const SfProgram *program, uint32_t config, const SfArch *arch,
                   const uint32_t *levels, int64_t max_cycles, char **why)
{
  g_autoptr (Sim) sim = sim_new (program, config, arch, levels, why);
  if (sim == NULL)
    return -1;
  for (; !has_ended (sim); sim->now++)
    {
      if (sim->now == max_cycles)
        {
          if (why != NULL)
            *why = g_strdup_printf ("config %u: has not ended after %" PRId64 " cycles", config,
                                    max_cycles);
          return -1;
        }
      cycle (sim);
    }
  return sim->now;
}
