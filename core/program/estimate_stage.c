/* SPDX-License-Identifier: Apache-2.0 */
/* T0: how long a stage's iterations take on given units. */
#include "core/program/estimate.h"

/* Of what a PMU's net carries to several readers, what goes over the busiest hop on an average:
 * some part ways at once. Results of PCUs rarely do, those of a lone one more often. */
#define READ_APART(vectors) (2 * (vectors) / 3)

static int64_t
side_of (int64_t units)
{
  int64_t side = 0;
  while ((side + 1) * (side + 1) <= units)
    side++;
  return side;
}

int64_t
sf_estimate_way (const SfArchInfo *info, int64_t units, int64_t section)
{
  /* Along the squares that hold the units that are joined and, in part, all of the section: what
   * annealing brings together for some it takes apart for others. */
  return MAX (side_of (units) - 1 + side_of (section) / 2, 1) * info->hop_cycles;
}

int64_t
sf_estimate_units (const SfConfigStore *config)
{
  int64_t n = 0;
  for (guint i = 0; i < config->stages->len; i++)
    n += g_array_index (config->stages, SfStage, i).n_pcus;
  for (guint i = 0; i < config->buffers->len; i++)
    n += g_array_index (config->buffers, SfBuffer, i).n_pmus;
  return n;
}

static int64_t
compute_cycles (const SfStageWork *work, const SfArchInfo *info, int kind, int64_t n_pcus)
{
  int64_t matrix = 0, body = 0, tail = 0;
  for (uint32_t i = work->first[kind]; i < work->first[kind + 1]; i++)
    {
      const SfWorkPiece *piece = &g_array_index (work->pieces, SfWorkPiece, i);
      int64_t blocks = sf_div_up (piece->blocks, n_pcus);
      matrix += blocks * piece->matrix;
      body += blocks * piece->body;
      tail += blocks * piece->tail;
    }
  return MAX (MAX (matrix + sf_div_up (body, info->pcu_stages), tail), 1);
}

/* The slowest operand of either kind. Operands of one buffer share its ports and, reading, the nets
 * out of its PMUs, and so do stages that read it in step (`crowd`); results share those of a PCU.
 */
static int64_t
flow_cycles (const SfStageWork *work, const SfStagePlan *plan, int kind, bool out,
             uint32_t *slowest)
{
  int64_t most = 0, all = 0;
  const SfArchInfo *info = plan->info;
  for (guint i = 0; i < work->flows->len; i++)
    {
      const SfWorkFlow *flow = &g_array_index (work->flows, SfWorkFlow, i);
      if (flow->out != out || flow->vectors[kind] == 0)
        continue;
      int64_t n = MAX (g_array_index (plan->buffers, SfBuffer, flow->buffer).n_pmus, 1), sum = 0;
      for (guint k = 0; k < work->flows->len; k++)
        {
          const SfWorkFlow *other = &g_array_index (work->flows, SfWorkFlow, k);
          if (other->out == out && other->buffer == flow->buffer)
            sum += other->vectors[kind];
        }
      int64_t sources = out ? plan->n_pcus : n, sinks = out ? n : plan->n_pcus;
      int64_t cycles = MAX (
          sf_div_up (flow->vectors[kind], sources) * sf_div_up (sources, sinks),
          sf_div_up (out ? sum : READ_APART (sum), n * (out ? info->pmu_write_ports : 1)));
      if (!out && plan->crowd != NULL)
        cycles = MAX (cycles, READ_APART (plan->crowd[flow->buffer]) / (n * work->iterations));
      all += sf_div_up (flow->vectors[kind], MAX (plan->n_pcus, 2));
      if (MAX (cycles, out ? all : 0) > most)
        {
          most = MAX (cycles, out ? all : 0);
          *slowest = flow->buffer;
        }
    }
  return most;
}

SfStagePace
sf_stage_pace (const SfStageWork *work, const SfStagePlan *plan)
{
  SfStagePace pace = { .read_buffer = SF_NONE, .write_buffer = SF_NONE };
  int64_t sum = 0, compute = 0, read = 0, write = 0, slowest_read = 0, slowest_write = 0;
  for (int kind = 0; kind < work->n_kinds; kind++)
    {
      uint32_t reads = SF_NONE, writes = SF_NONE;
      int64_t c = compute_cycles (work, plan->info, kind, plan->n_pcus), n = work->count[kind];
      int64_t r = flow_cycles (work, plan, kind, false, &reads);
      int64_t w = flow_cycles (work, plan, kind, true, &writes);
      compute += n * c;
      read += n * r;
      write += n * w;
      pace.last_cycles = MAX (MAX (c, r), w);
      if (kind + 1 < work->n_kinds)
        sum += n * pace.last_cycles;
      if (n * r > slowest_read)
        {
          slowest_read = n * r;
          pace.read_buffer = reads;
        }
      if (n * w > slowest_write)
        {
          slowest_write = n * w;
          pace.write_buffer = writes;
        }
    }
  int64_t n = MAX (work->iterations, 1);
  pace.cycles = n > 1 ? sf_div_up (sum, n - 1) : pace.last_cycles;
  pace.compute_cycles = sf_div_up (compute, n);
  pace.read_cycles = sf_div_up (read, n);
  pace.write_cycles = sf_div_up (write, n);
  return pace;
}

int64_t
sf_estimate_latency (const SfStageWork *work, const SfStagePlan *plan)
{
  int64_t units[2] = { 0, 0 };
  for (guint i = 0; i < work->flows->len; i++)
    {
      const SfWorkFlow *flow = &g_array_index (work->flows, SfWorkFlow, i);
      int64_t n = g_array_index (plan->buffers, SfBuffer, flow->buffer).n_pmus;
      units[flow->out] = MAX (units[flow->out], plan->n_pcus + n);
    }
  return plan->info->pcu_latency_cycles + sf_estimate_way (plan->info, units[0], plan->units)
         + sf_estimate_way (plan->info, units[1], plan->units);
}

int64_t *
sf_estimate_crowds (const SfConfigStore *config, const SfStageWork *work)
{
  int64_t *crowd = g_new0 (int64_t, config->buffers->len + 1);
  g_autofree uint32_t *readers = g_new0 (uint32_t, config->buffers->len + 1);
  for (guint i = 0; i < config->stages->len; i++)
    for (guint k = 0; k < work[i].flows->len; k++)
      {
        const SfWorkFlow *flow = &g_array_index (work[i].flows, SfWorkFlow, k);
        if (flow->out)
          continue;
        readers[flow->buffer]++;
        for (int kind = 0; kind < work[i].n_kinds; kind++)
          crowd[flow->buffer] += work[i].count[kind] * flow->vectors[kind];
      }
  for (guint b = 0; b < config->buffers->len; b++)
    {
      const SfBuffer *buffer = &g_array_index (config->buffers, SfBuffer, b);
      if (readers[b] < 2 || buffer->depth >= buffer->tokens)
        crowd[b] = 0;
    }
  return crowd;
}

SfStageEstimate
sf_estimate_stage (const SfProgram *program, uint32_t config, uint32_t stage, const SfArch *arch)
{
  const SfConfigStore *store = sf_program_config (program, config);
  const SfStage *s = sf_config_stage_at (program, config, stage);
  SfArchInfo info = sf_arch_info (arch);
  SfStageWork work;
  SfStagePlan plan = { &info, store->buffers, NULL, MAX (s->n_pcus, 1), sf_estimate_units (store) };
  sf_stage_work_init (&work, store, s, arch);
  SfStagePace pace = sf_stage_pace (&work, &plan);
  SfStageEstimate estimate = { .iterations = work.iterations,
                               .compute_cycles = pace.compute_cycles,
                               .read_cycles = pace.read_cycles,
                               .write_cycles = pace.write_cycles,
                               .widest = work.widest,
                               .bound = SF_BOUND_COMPUTE,
                               .buffer = SF_NONE };
  estimate.interval_cycles = MAX (MAX (pace.compute_cycles, pace.read_cycles), pace.write_cycles);
  estimate.latency_cycles = sf_estimate_latency (&work, &plan);
  if (pace.compute_cycles < estimate.interval_cycles)
    {
      bool reads = pace.read_cycles == estimate.interval_cycles;
      estimate.bound = reads ? SF_BOUND_READ : SF_BOUND_WRITE;
      estimate.buffer = reads ? pace.read_buffer : pace.write_buffer;
    }
  sf_stage_work_clear (&work);
  return estimate;
}
