/* SPDX-License-Identifier: Apache-2.0 */
/* Counted buffers of 8-byte elements, recycled by size from node to node and step to step. */
#ifndef SF_CPU_MEMORY_H
#define SF_CPU_MEMORY_H

#include <sf/checked.h>

typedef struct
{
  unsigned refs;
  size_t n;
  void *data;
} CpuBuffer;

/* Used by one thread at a time. */
typedef struct
{
  GPtrArray *idle; /* buffers with no reference */
  size_t idle_bytes, held_bytes, peak_bytes;
} CpuMemory;

void cpu_memory_init (CpuMemory *memory);
void cpu_memory_clear (CpuMemory *memory);
/* A buffer of `n` elements with one reference, or NULL with NO_RESOURCE naming `what`. Without
 * `zeroed` it may hold anything. */
CpuBuffer *cpu_memory_take (CpuMemory *memory, int64_t n, bool zeroed, const char *what,
                            GError **error);

CpuBuffer *cpu_buffer_ref (CpuBuffer *buffer);
/* Gives a reference back; NULL is nothing. */
void cpu_buffer_drop (CpuMemory *memory, CpuBuffer *buffer);

#endif
