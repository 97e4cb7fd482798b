/* SPDX-License-Identifier: Apache-2.0 */
/* What the workers of a backend did and when, and what the host could have done: the raw material
 * of profiles and of real timelines. */
#ifndef SF_PLUGIN_RECORD_H
#define SF_PLUGIN_RECORD_H

#include <sf/error.h>

SF_BEGIN_DECLS

/* ---- records ---- */

typedef enum
{
  SF_RECORD_STAGE,  /* firings of a stage */
  SF_RECORD_PACK,   /* operands of a stage are brought into its kernels' own layout */
  SF_RECORD_ROUND,  /* results of a stage are brought to the dtype of their buffer */
  SF_RECORD_MOVE,   /* between tensors and the buffers of a launch */
  SF_RECORD_HOST,   /* a launch on the host */
  SF_RECORD_FEED,   /* inputs and scalars in */
  SF_RECORD_FETCH,  /* outputs out */
  SF_RECORD_COMMIT, /* next contents become states */
  SF_N_RECORDS,
} SfRecordKind;

/* One piece of a worker's work. */
typedef struct
{
  SfRecordKind kind;
  uint32_t launch;          /* of the entry; SF_NONE: none */
  uint32_t stage;           /* of the launch's config; SF_NONE: none */
  int64_t begin_ns, end_ns; /* CLOCK_MONOTONIC */
} SfRecord;

/* Of one worker, in order and without overlap. */
typedef struct
{
  SfRecord *records; /* `capacity` of the recorder */
  size_t n;          /* of which those beyond the capacity are lost */
  char padding[48];  /* lanes are written at the same time: no two share a cache line */
} SfRecordLane;

/* Memory for records, owned by whoever wants them; read and emptied (n = 0) between steps. */
typedef struct
{
  size_t n_lanes, capacity;
  SfRecordLane *lanes; /* 64-byte aligned; lane 0 is that of the thread that calls `step` */
} SfRecorder;

static inline void
sf_recorder_add (SfRecorder *recorder, int worker, const SfRecord *record)
{
  SfRecordLane *lane = &recorder->lanes[worker];
  if (lane->n < recorder->capacity)
    lane->records[lane->n] = *record;
  lane->n++;
}

/* ---- what the host can do ---- */

#define SF_MAX_PEAK_LEVELS 4

/* Bytes per second over data of a size: a level of the host's memory, which holds `bytes` for all
 * the threads together (the last one: INT64_MAX). */
typedef struct
{
  const char *name; /* "L2", "L3", "memory"; static */
  int64_t bytes;
  double read, triad;
} SfPeakLevel;

/* Measured, with a number of threads and one instruction set. */
typedef struct
{
  size_t elem_bytes; /* the backend stores an element in so many bytes at least */
  double f32_flops;  /* per second, multiply-adds counted as two */
  double bf16_flops; /* of dot products; 0: the instruction set has none */
  size_t n_levels;   /* smallest first */
  SfPeakLevel level[SF_MAX_PEAK_LEVELS];
} SfPeak;

SF_END_DECLS
#endif
