/* SPDX-License-Identifier: Apache-2.0 */
/* The states that the entries of a module share, by name. */
#ifndef SF_CPU_STATES_H
#define SF_CPU_STATES_H

#include "memory.h"
#include "value.h"

typedef struct
{
  char *name;
  SfStateKind kind;
  SfDtype dtype;
  SfShape shape;
  CpuBuffer *buffer; /* owned reference */
} CpuState;

typedef struct
{
  CpuMemory *memory;   /* borrowed */
  CpuWorkers *workers; /* borrowed */
  bool f64;
  GHashTable *by_name; /* name of the state -> CpuState */
} CpuStates;

void cpu_states_init (CpuStates *states, CpuMemory *memory, CpuWorkers *workers, bool f64);
void cpu_states_clear (CpuStates *states);
/* Declares the states of `graph` with their initial values; those already known must agree. */
bool cpu_states_add (CpuStates *states, const SfGraph *graph, GError **error);
/* NOT_FOUND with the nearest name. */
CpuState *cpu_states_find (const CpuStates *states, const char *name, GError **error);
CpuTensor cpu_state_tensor (const CpuState *state, const CpuBuffer *buffer);
/* A converted copy of `tensor`, with one reference. */
CpuBuffer *cpu_states_copy (CpuStates *states, const CpuState *state, const SfTensor *tensor,
                            GError **error);
/* Makes `buffer` (reference taken over) the state's content. */
void cpu_states_set (CpuStates *states, CpuState *state, CpuBuffer *buffer);

#endif
