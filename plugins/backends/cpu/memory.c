/* SPDX-License-Identifier: Apache-2.0 */
/* Recycling of buffers. */
#include "memory.h"

#include <string.h>
#include <sys/mman.h>

/* Idle memory that is kept for the next node of the same size. */
#define IDLE_BYTES_MAX ((size_t) 256 << 20)

/* Buffers from this size on are mappings of their own, which are zero without being written. */
#define MAP_BYTES_MIN ((size_t) 4 << 20)

static size_t
bytes_of (const CpuBuffer *buffer)
{
  return buffer->n * 8;
}

static void *
allocate (size_t n, const char *what, GError **error)
{
  if (n < MAP_BYTES_MIN / 8 || n > PTRDIFF_MAX / 8)
    return sf_aligned_alloc (n, 8, what, error);
  void *data = mmap (NULL, n * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED)
    {
      sf_fail (error, SF_ERROR_NO_RESOURCE,
               "%s: no memory for %zu elements of 8 bytes; free some or ask for less", what, n);
      return NULL;
    }
  return data;
}

void
cpu_memory_init (CpuMemory *memory)
{
  *memory = (CpuMemory){ .idle = g_ptr_array_new () };
}

static void
free_buffer (CpuMemory *memory, CpuBuffer *buffer)
{
  memory->held_bytes -= bytes_of (buffer);
  if (bytes_of (buffer) < MAP_BYTES_MIN)
    sf_aligned_free (buffer->data);
  else
    munmap (buffer->data, bytes_of (buffer));
  g_free (buffer);
}

void
cpu_memory_clear (CpuMemory *memory)
{
  for (guint i = 0; memory->idle != NULL && i < memory->idle->len; i++)
    free_buffer (memory, memory->idle->pdata[i]);
  g_clear_pointer (&memory->idle, g_ptr_array_unref);
}

static CpuBuffer *
take_idle (CpuMemory *memory, size_t n)
{
  for (guint i = memory->idle->len; i > 0; i--)
    {
      CpuBuffer *buffer = memory->idle->pdata[i - 1];
      if (buffer->n != n)
        continue;
      g_ptr_array_remove_index_fast (memory->idle, i - 1);
      memory->idle_bytes -= bytes_of (buffer);
      buffer->refs = 1;
      return buffer;
    }
  return NULL;
}

CpuBuffer *
cpu_memory_take (CpuMemory *memory, int64_t n, bool zeroed, const char *what, GError **error)
{
  CpuBuffer *buffer = take_idle (memory, (size_t) n);
  if (buffer != NULL)
    {
      if (zeroed)
        memset (buffer->data, 0, bytes_of (buffer));
      return buffer;
    }
  void *data = allocate ((size_t) n, what, error);
  if (data == NULL)
    return NULL;
  buffer = g_new (CpuBuffer, 1);
  *buffer = (CpuBuffer){ .refs = 1, .n = (size_t) n, .data = data };
  memory->held_bytes += bytes_of (buffer);
  memory->peak_bytes = MAX (memory->peak_bytes, memory->held_bytes);
  return buffer;
}

CpuBuffer *
cpu_buffer_ref (CpuBuffer *buffer)
{
  buffer->refs++;
  return buffer;
}

void
cpu_buffer_drop (CpuMemory *memory, CpuBuffer *buffer)
{
  if (buffer == NULL || --buffer->refs > 0)
    return;
  if (memory->idle_bytes + bytes_of (buffer) > IDLE_BYTES_MAX)
    {
      free_buffer (memory, buffer);
      return;
    }
  memory->idle_bytes += bytes_of (buffer);
  g_ptr_array_add (memory->idle, buffer);
}
