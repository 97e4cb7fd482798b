/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of T2, seen by its own files.
 *
 * A cycle has four phases. What one phase does, the next ones see:
 *   1. control: iterations end and begin, streams ask for tokens (credits come back at once);
 *   2. arrival: memory serves, PMUs, PCUs and AGCUs take what has come, PCUs compute;
 *   3. departure: PMUs, PCUs and AGCUs send;
 *   4. the switches move. */
#ifndef SF_TESTS_TIMING_SIM_H
#define SF_TESTS_TIMING_SIM_H

#include "tests/timing/network.h"
#include "tests/timing/work.h"

/* What passes in each iteration of a stage, or for each token of a stream: vectors of all source
 * units together. Unit u of n has those numbered u, u + n, u + 2 n ... */
typedef struct
{
  int64_t n;
  int64_t *vectors;
} Flow;

/* One source unit at work. */
typedef struct
{
  const Flow *flow;
  int64_t unit, n_units;
  uint32_t transfer;
  int64_t asked, sent; /* of the iteration or token at work */
} Feed;

/* The same seen by one sink. A PMU that is one of several sinks of a multicast stores those of the
 * vectors that come whose number is `stored` modulo `n_stored`. */
typedef struct
{
  const Flow *flow;
  int64_t unit, n_units;
  uint32_t transfer;
  size_t sink;
  int64_t stored, n_stored;
  int64_t done;  /* iterations or tokens that have come in full */
  int64_t taken; /* vectors since */
  int64_t index; /* vectors since the beginning */
} Arrival;

/* What comes to one unit of one operand, result or stream, from all its sources: one vector a
 * cycle. */
typedef struct
{
  GPtrArray *arrivals; /* Arrival, owned */
  guint turn;
} Inbox;

/* How a stage or a stream goes through a buffer. */
typedef struct
{
  uint32_t buffer;
  bool resident;
  int64_t rate;
  int64_t iterations;
} Port;

typedef struct
{
  Port port;
  uint32_t operand;
  int64_t done; /* iterations */
  Flow flow;
  GPtrArray *feeds; /* Feed, by PMU */
} Reader;

typedef struct Stage Stage;

typedef struct
{
  Port port;
  uint32_t operand;
  Flow flow;
  GPtrArray *feeds;    /* Feed, by PCU or of the AGCU */
  GPtrArray *arrivals; /* Arrival at PMUs, borrowed from their inboxes */
  const Stage *stage;  /* NULL: a stream */
} Writer;

typedef struct
{
  uint32_t place;
  GPtrArray *feeds;   /* Feed that read from it */
  GPtrArray *inboxes; /* Inbox, owned: one for each writer */
  guint read_turn, write_turn;
} Pmu;

typedef struct
{
  SfBuffer buffer;
  GPtrArray *pmus;              /* Pmu, owned */
  GPtrArray *readers, *writers; /* borrowed */
} Buffer;

/* A result on its way through the pipeline of a PCU. */
typedef struct
{
  Feed *feed;
  int64_t produced; /* of the iteration at work */
  GQueue pipe;      /* cycles in which they come out */
} Outlet;

typedef struct
{
  uint32_t place;
  GPtrArray *inboxes; /* Inbox, owned, by reader */
  GPtrArray *outlets; /* Outlet, owned, by writer */
  int64_t iteration, step;
  int64_t n_steps; /* since the beginning */
} Pcu;

struct Stage
{
  SfStage stage;
  Work *work;
  GPtrArray *readers, *writers; /* owned */
  GPtrArray *pcus;              /* Pcu, owned */
  int64_t iteration;            /* at work, or the next to begin */
  bool at_work;
  int64_t *pace;   /* per iteration: steps, of a cycle each when nothing is in the way */
  int64_t step;    /* up to which the PMUs have been asked for vectors */
  int64_t n_steps; /* since the beginning */
  int64_t reach;   /* steps that PCUs may be behind */
};

typedef struct
{
  SfStream stream;
  uint32_t level;
  uint32_t place;
  int64_t tokens, token_bytes, last_bytes;
  int64_t unit_bytes; /* of a vector; on the scalar network, of an element */
  Flow flow;
  Reader *reader; /* out, owned */
  Writer *writer; /* in, owned */
  Inbox *inbox;   /* out, owned: what comes to the AGCU */
  int64_t token;  /* out: at work in the PMUs; in: asked for */
  bool at_work;
  int64_t asked;                       /* out: vectors of the token at work */
  int64_t served_token, served_vector; /* the next one that memory serves */
  int64_t landed;                      /* out: vectors at the AGCU that memory has not served */
  GQueue loaded;                       /* in: cycles in which vectors come from memory */
} Stream;

typedef struct
{
  int64_t budget; /* bytes x clock_hz */
  guint turn;
  GPtrArray *streams; /* borrowed */
  SfMemoryLevel level;
  int64_t latency_cycles;
} Level;

typedef struct
{
  int32_t x, y, rdu_tile;
  guint turn;
  GPtrArray *streams; /* borrowed */
} Agcu;

typedef struct
{
  const SfProgram *program;
  uint32_t config;
  const SfArch *arch;
  SfArchInfo info;
  Network *network;
  GPtrArray *buffers, *stages, *streams, *levels, *agcus;
  int64_t now;
} Sim;

/* Every n-th of `vectors`, beginning with number `unit`. */
static inline int64_t
every_nth (int64_t vectors, int64_t unit, int64_t n)
{
  return (vectors + n - 1 - unit) / n;
}

/* Vectors of an iteration (a token) that a source unit has. */
static inline int64_t
share_of (const Flow *flow, int64_t iteration, int64_t unit, int64_t n_units)
{
  return every_nth (flow->vectors[iteration], unit, n_units);
}

/* Units go in step: what has been asked of one of them by step `step` of `n_steps`. */
static inline int64_t
asked_until (const Flow *flow, int64_t iteration, int64_t unit, int64_t n_units, int64_t step,
             int64_t n_steps)
{
  return (share_of (flow, iteration, unit, n_units) * step + n_steps - 1) / n_steps;
}

/* What one of them has made by then. */
static inline int64_t
made_until (const Flow *flow, int64_t iteration, int64_t unit, int64_t n_units, int64_t step,
            int64_t n_steps)
{
  return share_of (flow, iteration, unit, n_units) * step / n_steps;
}

/* sim_build.c: NULL with a reason when a net does not reach a sink. */
Sim *sim_new (const SfProgram *program, uint32_t config, const SfArch *arch, const uint32_t *levels,
              char **why);
void sim_free (Sim *sim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Sim, sim_free)

/* sim_buffer.c */
int64_t buffer_written (const Buffer *buffer);
int64_t buffer_freed (const Buffer *buffer);
bool reader_has_tokens (const Sim *sim, const Port *port, int64_t iteration);
bool writer_has_room (const Sim *sim, const Port *port, int64_t iteration);
void pmu_take (Sim *sim, Pmu *pmu);
void pmu_send (Sim *sim, Pmu *pmu);
/* The next arrival of the inbox in turn whose vector has come, or NULL. */
Arrival *inbox_find (const Sim *sim, Inbox *inbox);
void arrival_take (const Sim *sim, Arrival *arrival);

/* sim_stage.c */
void stage_end (Sim *sim, Stage *stage);
void stage_begin (Sim *sim, Stage *stage);
void stage_compute (Sim *sim, Stage *stage);
void stage_send (Sim *sim, Stage *stage);

/* sim_stream.c */
void stream_end (Sim *sim, Stream *stream);
void stream_begin (Sim *sim, Stream *stream);
void level_serve (Sim *sim, Level *level);
void agcu_step (Sim *sim, Agcu *agcu);
bool stream_has_ended (const Stream *stream);

#endif
