/* SPDX-License-Identifier: Apache-2.0 */
/* A loaded program: verified, lowered, with all its memory. */
#include <sf/checked.h>

#include "plugins/backends/rdu/machine.h"
#include "plugins/backends/rdu/memory.h"

static bool
lower_configs (RduMachine *machine, GError **error)
{
  RduHost host;
  if (!rdu_host_init (&host, machine->n_threads, error))
    return false;
  /* Exact firing moves tokens, and so takes the program's own blocks. */
  const RduHost *blocks_for = machine->exact_firing ? NULL : &host;
  size_t n = sf_program_n_configs (machine->program);
  machine->configs = g_new0 (RduConfig, n);
  while (machine->n_configs < n)
    {
      RduConfig *config = &machine->configs[machine->n_configs++];
      if (!rdu_lower_config (machine->program, (uint32_t) (machine->n_configs - 1), machine->isa,
                             blocks_for, machine->layouts, config, error))
        return false;
      for (size_t s = 0; s < config->n_stages; s++)
        {
          if (!config->stages[s].has_lanes)
            machine->temp_elems = MAX (machine->temp_elems, config->stages[s].temp_elems);
          machine->row_elems = MAX (machine->row_elems, config->stages[s].row_elems);
        }
      if (machine->exact_firing)
        machine->ring_elems = MAX (machine->ring_elems, rdu_exact_elems (config));
    }
  return true;
}

static int64_t
scratch_elems (const RduMachine *machine)
{
  return rdu_scratch_elems (machine->row_elems);
}

/* What is done of each launch, and room for it in the pool. */
static bool
make_sections (RduMachine *machine, GError **error)
{
  size_t n_tasks = 0;
  for (size_t e = 0; e < machine->n_entries; e++)
    for (size_t l = 0; l < machine->entries[e].n_launches && !machine->exact_firing; l++)
      {
        RduLaunch *launch = &machine->entries[e].launches[l];
        if (launch->config == NULL)
          continue;
        rdu_section_init (&launch->section, machine, launch, 0, launch->config->n_stages, true);
        n_tasks = MAX (n_tasks, launch->section.n_tasks);
      }
  return sf_thread_pool_reserve (machine->pool, n_tasks, error);
}

static bool
make_workers (RduMachine *machine, GError **error)
{
  machine->workers = g_new0 (RduWorker, machine->n_threads);
  for (int w = 0; w < machine->n_threads; w++)
    {
      machine->workers[w].temp = rdu_memory_new (machine->temp_elems, "scratch of a worker", error);
      machine->workers[w].scratch = rdu_memory_new (scratch_elems (machine), "scratch of a worker",
                                                    error);
      machine->workers[w].room = rdu_memory_new (machine->room_elems, "room of a worker", error);
      if (machine->workers[w].temp == NULL || machine->workers[w].scratch == NULL
          || machine->workers[w].room == NULL)
        return false;
    }
  machine->pool = sf_thread_pool_new (machine->n_threads, error);
  if (machine->pool == NULL || !make_sections (machine, error))
    return false;
  if (machine->exact_firing)
    machine->rings = rdu_memory_new (machine->ring_elems, "buffers of exact firing", error);
  return !machine->exact_firing || machine->rings != NULL;
}

RduMachine *
rdu_machine_open (const SfBackendLoad *load, GError **error)
{
  const RduIsa *isa = rdu_isa_choose (error);
  if (isa == NULL)
    return NULL;
  RduMachine *machine = g_new0 (RduMachine, 1);
  machine->program = load->program;
  machine->isa = isa;
  machine->n_threads = MAX (load->n_threads, 1);
  machine->exact_firing = load->exact_firing;
  machine->last_entry = SF_NONE;
  machine->first_fault = SIZE_MAX;
  machine->layouts = rdu_layouts_choose (load->program, error);
  if (machine->layouts == NULL || !lower_configs (machine, error)
      || !rdu_lower_entries (machine, error) || !make_workers (machine, error))
    {
      rdu_machine_close (machine);
      return NULL;
    }
  return machine;
}

void
rdu_machine_close (RduMachine *machine)
{
  for (int w = 0; machine->workers != NULL && w < machine->n_threads; w++)
    {
      rdu_memory_free (machine->workers[w].temp, machine->temp_elems);
      rdu_memory_free (machine->workers[w].scratch, scratch_elems (machine));
      rdu_memory_free (machine->workers[w].room, machine->room_elems);
    }
  if (machine->pool != NULL)
    sf_thread_pool_free (machine->pool);
  for (size_t c = 0; c < machine->n_configs; c++)
    rdu_config_clear (&machine->configs[c]);
  for (size_t e = 0; e < machine->n_entries; e++)
    rdu_entry_clear (&machine->entries[e]);
  for (size_t t = 0; t < machine->n_tensors; t++)
    {
      rdu_memory_free (machine->tensors[t].own, machine->tensors[t].n_elems);
      g_free (machine->tensors[t].name);
    }
  if (machine->layouts != NULL)
    rdu_layouts_free (machine->layouts);
  rdu_memory_free (machine->arena, machine->arena_elems);
  rdu_memory_free (machine->memory, machine->memory_elems);
  rdu_memory_free (machine->rings, machine->ring_elems);
  rdu_memory_free (machine->whole, machine->whole_elems);
  rdu_memory_free (machine->kept, machine->kept_elems);
  g_free (machine->workers);
  g_free (machine->configs);
  g_free (machine->entries);
  g_free (machine->tensors);
  g_free (machine->stands_for);
  g_free (machine);
}
