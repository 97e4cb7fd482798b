/* SPDX-License-Identifier: Apache-2.0 */
/* The values of one graph while its nodes are run, each kept until its last use. */
#ifndef SF_CPU_FRAME_H
#define SF_CPU_FRAME_H

#include "memory.h"
#include "value.h"

/* Shown each value that a node has stored; may change it in place. */
typedef void (*CpuObserver) (void *user_data, SfNode node, SfValue value, SfTensor *tensor);

typedef struct
{
  const SfGraph *graph;
  CpuMemory *memory;   /* borrowed */
  CpuWorkers *workers; /* borrowed */
  bool f64;
  const uint8_t *stored; /* per value: rounded to its dtype; NULL: all */
  CpuObserver observe;
  void *user_data;
  /* Owned. */
  CpuBuffer **values;  /* NULL: not known yet, or no longer */
  uint32_t *uses;      /* reads still to come; what has none is not kept */
  size_t width;        /* room in the next three */
  CpuTensor *in, *out; /* of the node being run */
  bool *rounded;
} CpuFrame;

bool cpu_frame_init (CpuFrame *frame, const SfGraph *graph, CpuMemory *memory, CpuWorkers *workers,
                     GError **error);
void cpu_frame_clear (CpuFrame *frame);
/* Forgets all values and uses. */
void cpu_frame_reset (CpuFrame *frame);

bool cpu_frame_is_rounded (const CpuFrame *frame, SfValue value);
/* Announces the reads of a node, or one by the caller. */
void cpu_frame_use_node (CpuFrame *frame, SfNode node);
void cpu_frame_use (CpuFrame *frame, SfValue value);
/* Ends a use of the caller. */
void cpu_frame_release (CpuFrame *frame, SfValue value);

/* Makes `buffer` (reference taken over) the content of a value. */
void cpu_frame_bind (CpuFrame *frame, SfValue value, CpuBuffer *buffer);
/* Makes a converted copy of `tensor` the content of a value. */
bool cpu_frame_feed (CpuFrame *frame, SfValue value, const SfTensor *tensor, GError **error);
/* A value's content; constants and unbound states are made from the graph's data. INVALID_ARGUMENT
 * when it must be fed and is not. */
bool cpu_frame_get (CpuFrame *frame, SfValue value, CpuTensor *out, GError **error);
/* A tensor of a value's dtype and shape over `buffer`. */
CpuTensor cpu_frame_tensor (const CpuFrame *frame, SfValue value, const CpuBuffer *buffer);

/* Runs one node: its outputs are stored, its inputs released. */
bool cpu_frame_run (CpuFrame *frame, SfNode node, GError **error);

#endif
