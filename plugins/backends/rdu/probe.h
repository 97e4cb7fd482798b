/* SPDX-License-Identifier: Apache-2.0 */
/* Where the workers leave records of what they do; a branch that is always taken when nobody asks.
 */
#ifndef SF_RDU_PROBE_H
#define SF_RDU_PROBE_H

#include <sf/plugin/record.h>
#include <time.h>

typedef struct
{
  SfRecorder *recorder; /* NULL: nobody asks */
  uint32_t launch;      /* in work; SF_NONE: none */
} RduProbe;

static inline int64_t
rdu_probe_clock (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* A piece of work begins: what rdu_probe_end wants to know. */
static inline int64_t
rdu_probe_begin (const RduProbe *probe)
{
  return G_LIKELY (probe->recorder == NULL) ? 0 : rdu_probe_clock ();
}

/* The piece has ended; stage SF_NONE: it is of no stage. */
static inline void
rdu_probe_end (const RduProbe *probe, int worker, SfRecordKind kind, uint32_t stage, int64_t begin)
{
  if (G_LIKELY (probe->recorder == NULL))
    return;
  const SfRecord record = { .kind = kind,
                            .launch = probe->launch,
                            .stage = stage,
                            .begin_ns = begin,
                            .end_ns = rdu_probe_clock () };
  sf_recorder_add (probe->recorder, worker, &record);
}

#endif
