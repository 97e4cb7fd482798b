/* SPDX-License-Identifier: Apache-2.0 */
/* Indices outside their tables: workers note them, and the first one, in the order of the stages
 * and in theirs, is told. */
#include <stdatomic.h>

#include "plugins/backends/rdu/machine.h"

void
rdu_note_fault (RduMachine *machine, int worker, size_t position)
{
  RduWorker *self = &machine->workers[worker];
  if (G_LIKELY (!self->fault.is_set))
    return;
  if (!self->noted.is_set || position < self->noted_at
      || (position == self->noted_at && self->fault.position < self->noted.position))
    {
      self->noted = self->fault;
      self->noted_at = position;
    }
  self->fault.is_set = false;
  size_t first = atomic_load (&machine->first_fault);
  while (position < first
         && !atomic_compare_exchange_weak (&machine->first_fault, &first, position))
    ;
}

const char *
rdu_stage_name (const RduMachine *machine, const RduEntry *entry, const RduLaunch *launch,
                const RduStage *stage)
{
  const char *name = sf_launch_stage_name (machine->program, entry->index, launch->index,
                                           stage->id);
  return name != NULL && *name != '\0' ? name : stage->name;
}

bool
rdu_check_faults (RduMachine *machine, const RduEntry *entry, const RduLaunch *launch,
                  GError **error)
{
  size_t position = atomic_load (&machine->first_fault);
  RduFault fault = { 0 };
  if (G_LIKELY (position == SIZE_MAX))
    return true;
  for (int w = 0; w < machine->n_threads; w++)
    {
      RduWorker *worker = &machine->workers[w];
      if (worker->noted.is_set && worker->noted_at == position
          && (!fault.is_set || worker->noted.position < fault.position))
        fault = worker->noted;
      worker->noted.is_set = false;
    }
  atomic_store (&machine->first_fault, SIZE_MAX);
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "stage %s: index %" G_GINT64_FORMAT " at position %" G_GINT64_FORMAT
                  ", wanted 0 to %" G_GINT64_FORMAT "; correct the data that is fed",
                  rdu_stage_name (machine, entry, launch, &launch->config->stages[position]),
                  fault.value, fault.position, fault.bound - 1);
}
