/* SPDX-License-Identifier: Apache-2.0 */
/* T0: a section as agents that pass tokens on through buffers. Stages and streams are agents; when
 * they do what they do is the longest path over their iterations, reckoned forwards. */
#ifndef SF_CORE_PROGRAM_ESTIMATE_RUN_H
#define SF_CORE_PROGRAM_ESTIMATE_RUN_H

#include "core/program/estimate.h"

/* Parts of a cycle that work of memory is counted in. */
#define SF_RUN_FINE 1024

/* One way in which an agent touches a buffer. */
typedef struct
{
  uint32_t buffer, agent;
  bool out, resident;
  int64_t rate;
} SfRunPort;

/* Goes through its iterations in chunks, of each of which the ends of the first and the last are
 * known and what lies between is a straight line. */
typedef struct
{
  bool is_stream, out, queued;
  int64_t iterations, chunks;
  int64_t done;                     /* chunks */
  int64_t cycles, last_cycles;      /* of an iteration; streams: of a token on its nets */
  int64_t agcu_cycles;              /* streams: that a token takes of its AGCU */
  int64_t latency;                  /* from the end of an iteration to its result */
  int64_t end;                      /* of the last iteration so far */
  int64_t *first, *last;            /* per chunk: end of its first and last iteration */
  uint32_t port, n_moving, n_ports; /* ports: those that move with the iterations, then others */
  uint32_t blocked;                 /* moving port that was last not ready */
  /* of streams */
  uint32_t level, agcu;
  int64_t fine, fine_total; /* work of a token at the memory, of all */
  int64_t target;           /* share of its level when the chunk under way is through */
  int64_t asked;            /* since when it is under way */
  int64_t served;           /* in: when memory has served what was asked for so far */
} SfRunAgent;

/* Agents by a key, the least on top. */
typedef struct
{
  uint32_t *agents;
  uint32_t n;
} SfRunHeap;

/* A memory level, whose streams under way have equal shares of its bandwidth. */
typedef struct
{
  SfRunHeap active; /* by target */
  int64_t share;    /* work that each active stream would have had done since the beginning */
  int64_t now;      /* to which `share` belongs */
} SfRunLevel;

typedef struct
{
  const SfConfigStore *config;
  SfRunAgent *agents; /* streams, then stages */
  uint32_t n_agents;
  SfRunPort *ports;
  uint32_t n_ports;
  uint32_t *writer; /* per buffer: port; SF_NONE */
  uint32_t *reader; /* ports that read buffer b: reader[first_reader[b] .. [b + 1]) */
  uint32_t *first_reader;
  uint32_t *todo; /* stack of agents that may go on */
  uint32_t n_todo;
  SfRunHeap asking; /* streams that will ask for memory, by when */
  SfRunLevel *levels;
  size_t n_levels;
  int64_t *agcu; /* per AGCU: when it has done what it accepted */
} SfEstimateRun;

/* From the beginning to the end; agents, ports and levels are set. */
void sf_estimate_run (SfEstimateRun *run);

#endif
