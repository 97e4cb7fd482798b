/* SPDX-License-Identifier: Apache-2.0 */
/* T0: how long a stage's iterations take on given units. */
#include "core/program/estimate.h"

int64_t
sf_estimate_way (const SfArchInfo *info, int64_t units)
{
  /* The side of a square that holds the units, which annealing brings together. */
  int64_t side = 1;
  while (side * side < units)
    side++;
  return MIN (side, info->columns + info->rows) * info->hop_cycles;
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

/* The slowest operand of either kind; operands of one buffer share its ports. */
static int64_t
flow_cycles (const SfStageWork *work, const SfArchInfo *info, const GArray *buffers, int kind,
             int64_t n_pcus, bool out, uint32_t *slowest)
{
  int64_t most = 0, ports = out ? info->pmu_write_ports : info->pmu_read_ports;
  for (guint i = 0; i < work->flows->len; i++)
    {
      const SfWorkFlow *flow = &g_array_index (work->flows, SfWorkFlow, i);
      if (flow->out != out || flow->vectors[kind] == 0)
        continue;
      int64_t n_pmus = MAX (g_array_index (buffers, SfBuffer, flow->buffer).n_pmus, 1), sum = 0;
      for (guint k = 0; k < work->flows->len; k++)
        {
          const SfWorkFlow *other = &g_array_index (work->flows, SfWorkFlow, k);
          if (other->out == out && other->buffer == flow->buffer)
            sum += other->vectors[kind];
        }
      int64_t cycles = MAX (sf_div_up (flow->vectors[kind], MIN (n_pmus, n_pcus)),
                            sf_div_up (sum, n_pmus * ports));
      if (cycles > most)
        {
          most = cycles;
          *slowest = flow->buffer;
        }
    }
  return most;
}

SfStagePace
sf_stage_pace (const SfStageWork *work, const SfArchInfo *info, const GArray *buffers,
               int64_t n_pcus)
{
  SfStagePace pace = { .read_buffer = SF_NONE, .write_buffer = SF_NONE };
  int64_t sum = 0, compute = 0, read = 0, write = 0, slowest_read = 0, slowest_write = 0;
  n_pcus = MAX (n_pcus, 1);
  for (int kind = 0; kind < work->n_kinds; kind++)
    {
      uint32_t reads = SF_NONE, writes = SF_NONE;
      int64_t c = compute_cycles (work, info, kind, n_pcus), n = work->count[kind];
      int64_t r = flow_cycles (work, info, buffers, kind, n_pcus, false, &reads);
      int64_t w = flow_cycles (work, info, buffers, kind, n_pcus, true, &writes);
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
sf_estimate_latency (const SfStageWork *work, const SfArchInfo *info, const GArray *buffers,
                     int64_t n_pcus)
{
  int64_t units[2] = { 0, 0 };
  for (guint i = 0; i < work->flows->len; i++)
    {
      const SfWorkFlow *flow = &g_array_index (work->flows, SfWorkFlow, i);
      units[flow->out] = MAX (units[flow->out],
                              n_pcus + g_array_index (buffers, SfBuffer, flow->buffer).n_pmus);
    }
  return info->pcu_latency_cycles + sf_estimate_way (info, units[0])
         + sf_estimate_way (info, units[1]);
}

SfStageEstimate
sf_estimate_stage (const SfProgram *program, uint32_t config, uint32_t stage, const SfArch *arch)
{
  const SfConfigStore *store = sf_program_config (program, config);
  const SfStage *s = sf_config_stage_at (program, config, stage);
  SfArchInfo info = sf_arch_info (arch);
  SfStageWork work;
  sf_stage_work_init (&work, store, s, arch);
  SfStagePace pace = sf_stage_pace (&work, &info, store->buffers, s->n_pcus);
  SfStageEstimate estimate = { .iterations = work.iterations,
                               .compute_cycles = pace.compute_cycles,
                               .read_cycles = pace.read_cycles,
                               .write_cycles = pace.write_cycles,
                               .widest = work.widest,
                               .bound = SF_BOUND_COMPUTE,
                               .buffer = SF_NONE };
  estimate.interval_cycles = MAX (MAX (pace.compute_cycles, pace.read_cycles), pace.write_cycles);
  estimate.latency_cycles = sf_estimate_latency (&work, &info, store->buffers, MAX (s->n_pcus, 1));
  if (pace.compute_cycles < estimate.interval_cycles)
    {
      bool reads = pace.read_cycles == estimate.interval_cycles;
      estimate.bound = reads ? SF_BOUND_READ : SF_BOUND_WRITE;
      estimate.buffer = reads ? pace.read_buffer : pace.write_buffer;
    }
  sf_stage_work_clear (&work);
  return estimate;
}
