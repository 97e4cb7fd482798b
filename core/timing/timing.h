/* SPDX-License-Identifier: Apache-2.0 */
/* Inner types of T1: work of a stage by classes of iterations, resources that several users share,
 * a section as agents and buffers, and what a run of it found. */
#ifndef SF_CORE_TIMING_TIMING_H
#define SF_CORE_TIMING_TIMING_H

#include <inttypes.h>

#include <sf/plugin/timing.h>

/* Times and sums stop here; a section that reaches it is refused. */
#define SF_TIME_LIMIT ((int64_t) 1 << 62)

static inline int64_t
sf_time_add (int64_t a, int64_t b)
{
  return a > SF_TIME_LIMIT - b ? SF_TIME_LIMIT : a + b;
}

static inline int64_t
sf_time_mul (int64_t a, int64_t b)
{
  int64_t product;
  return __builtin_mul_overflow (a, b, &product) || product > SF_TIME_LIMIT ? SF_TIME_LIMIT
                                                                            : product;
}

static inline int64_t
sf_ceil_div (int64_t a, int64_t b)
{
  return a / b + (a % b != 0);
}

/* ---- work of a stage (work.c) ---- */

/* Of one operand in one iteration. */
typedef struct
{
  int64_t vectors;
  int64_t elems;
} SfTraffic;

typedef struct
{
  int64_t compute_cycles;
  int64_t pcus; /* that have something to do */
} SfTimingIteration;

/* Iterations alike_from .. alike_to - 1 are one class; each of the others is a class of its own, in
 * order. */
typedef struct
{
  int64_t iterations, alike_from, alike_to;
  size_t n_classes;
  size_t n_flows;
  uint32_t *operands;      /* per flow: of the stage, IN or OUT */
  SfTimingIteration *work; /* per class */
  SfTraffic *traffic;      /* n_flows for each class */
} SfTimingWork;

/* Clear with sf_timing_work_clear, also after failure. */
bool sf_timing_work (const SfProgram *program, uint32_t config, uint32_t stage, const SfArch *arch,
                     SfTimingWork *work, GError **error);
void sf_timing_work_clear (SfTimingWork *work);

static inline size_t
sf_class_of (int64_t index, int64_t alike_from, int64_t alike_to)
{
  if (index < alike_from)
    return (size_t) index;
  return (size_t) (index < alike_to ? alike_from : index - MAX (alike_to - alike_from - 1, 0));
}

/* ---- a section as it is run (section.c, nets.c, share.c) ---- */

typedef enum
{
  SF_RESOURCE_MEMORY,
  SF_RESOURCE_AGCU,
  SF_RESOURCE_READ_PORT,
  SF_RESOURCE_WRITE_PORT,
  SF_RESOURCE_LINK,
  SF_RESOURCE_NET,
} SfResourceKind;

/* Something that several flows share: n parts of work take n num / den cycles of it. */
typedef struct
{
  SfResourceKind kind;
  int64_t num, den;
  bool contended; /* its users may ask for more than it gives */
} SfResource;

/* `parts` of work for a resource. An iteration has two tracks: what frees its tokens when it is
 * done (stage: computing and reading; stream in: memory; stream out: leaving the PMUs), and behind
 * it, `late`, what makes its results complete (writing; AGCU and nets; nets, AGCU and memory). */
typedef struct
{
  uint32_t resource;
  bool late;
  int64_t parts;
} SfUse;

/* A way of data between the PMUs of a buffer and the units of an agent. */
typedef struct
{
  uint32_t agent, buffer;
  bool write;  /* into the PMUs */
  bool scalar; /* moves elements, not vectors */
  int64_t pmus, sources;
  int64_t sinks; /* units that take a vector a cycle; an AGCU counts as those that it takes */
  int64_t hops;  /* longest way from a source to a sink */
  int64_t way; /* of what is written: longest way to a unit that has some of it and from there on */
  int64_t total; /* vectors (elements) of a run of the section */
  int64_t total_per_source;
  int64_t peak, peak_per_source, peak_per_pmu; /* a cycle, in 1 / SF_PEAK_ONE */
} SfFlow;

#define SF_PEAK_ONE ((int64_t) 1 << 20)

/* How an agent touches a buffer. */
typedef struct
{
  uint32_t buffer;
  bool out, resident;
  int64_t rate;
  int64_t latency_cycles; /* out: from the end of an iteration until its results are complete */
} SfPort;

/* What an iteration, or a token, of one class takes. */
typedef struct
{
  int64_t cycles;                    /* when nothing else is under way */
  int64_t compute_cycles;            /* of these */
  int64_t early_cycles, late_cycles; /* that the slowest flow of either track takes */
  int64_t vectors;                   /* of its widest flow over something contended: cut by them */
  int64_t late_vectors;              /* of its widest late flow, for one source */
  int64_t tail_cycles; /* that the last vectors take behind one another where several sources feed
                          one sink: all come at the end of the iteration */
  SfBound bound;
  size_t first_use, n_uses;
  bool early_uses, late_uses;
} SfClass;

/* A stage or a stream. */
typedef struct
{
  bool is_stream, out; /* out: of a stream */
  uint32_t index;
  int64_t iterations, alike_from, alike_to;
  int64_t hops, near_hops; /* longest way through one of its units, shortest */
  int64_t spread_cycles;   /* that results of the nearest unit come before those of the farthest */
  int64_t request_cycles;  /* from the early track to the late one: memory's latency */
  int64_t latency_cycles;  /* from the end of an iteration until its results are complete */
  int64_t end_cycles;      /* from the end of a stream out until the section may end */
  int64_t ahead_vectors;   /* by which the early track may be ahead of the late one; -1: any */
  size_t first_class, n_classes, first_port, n_ports, first_flow, n_flows;
  SfTraffic *traffic; /* n_flows for each class; owned */
} SfAgent;

typedef struct
{
  int64_t tokens, depth;
  size_t first_agent, n_agents;   /* in `touching` */
  size_t first_reader, n_readers; /* in `readers` */
} SfBufferModel;

typedef struct
{
  GArray *agents;    /* SfAgent: streams, then stages */
  GArray *ports;     /* SfPort */
  GArray *flows;     /* SfFlow */
  GArray *classes;   /* SfClass */
  GArray *uses;      /* SfUse */
  GArray *resources; /* SfResource */
  GArray *buffers;   /* SfBufferModel */
  GArray *touching;  /* uint32_t: agents by buffer */
  GArray *readers;   /* uint32_t: ports by buffer */
  GArray *links;     /* SfLinkTime; share: of one cycle, so many cycles of its channels */
  size_t n_streams, n_stages;
  int64_t memory_bytes;
  double memory_cycles; /* that the busiest level needs at least */
  int64_t agcu_cycles;  /* that the busiest address generator needs at least */
  int64_t port_vectors; /* through all PMU ports */
  int64_t pcu_cycles;   /* of all PCUs at work */
  int64_t quantum;      /* vectors that are booked at a time on something shared */
} SfSection;

/* `levels` as in sf_timing_section_cycles. Owned: sf_section_free. */
SfSection *sf_section_new (const SfProgram *program, uint32_t config, const SfArch *arch,
                           const uint32_t *levels, GError **error);
void sf_section_free (SfSection *section);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfSection, sf_section_free)

static inline size_t
sf_agent_class (const SfAgent *agent, int64_t iteration)
{
  return agent->first_class + sf_class_of (iteration, agent->alike_from, agent->alike_to);
}

/* Vectors (elements) of a flow in an iteration of a class. */
static inline int64_t
sf_flow_amount (const SfFlow *flow, const SfAgent *agent, size_t class_index, size_t flow_index)
{
  const SfTraffic *t = &agent->traffic[class_index * agent->n_flows + flow_index];
  return flow->scalar ? t->elems : t->vectors;
}

/* How many iterations of the agent are of a class. */
static inline int64_t
sf_class_count (const SfAgent *agent, size_t class_index)
{
  return (int64_t) class_index == agent->alike_from && agent->alike_to > agent->alike_from
             ? agent->alike_to - agent->alike_from
             : 1;
}

/* Which flows move over which network. */
void sf_section_networks (SfSection *section, const SfProgram *program, uint32_t config);

/* Flows that meet: a resource of `capacity` parts a cycle, or one of memory. */
typedef struct
{
  uint32_t flow;
  uint32_t times; /* nets of the flow that take it */
} SfShare;

/* Hops of the flows, loads of the links, and what several flows share on their ways: `meet` is
 * called for each such place. */
typedef void (*SfMeetFunc) (void *user_data, SfResourceKind kind, int64_t capacity,
                            const SfShare *shares, size_t n);
void sf_section_walk_routes (SfSection *section, const SfProgram *program, uint32_t config,
                             const SfArch *arch, SfMeetFunc meet, void *user_data);
/* Finds the resources that can be contended and enters their uses into the classes. */
void sf_section_share (SfSection *section, const SfProgram *program, uint32_t config,
                       const SfArch *arch, const uint32_t *levels);

/* ---- a run of it (clock.c, run.c) ---- */

/* The work that a resource has accepted. */
typedef struct
{
  int64_t cycle;    /* until which it is taken */
  int64_t fraction; /* and so many of its `den`ths */
} SfClock;

/* Accepts work that was asked for at `now`; the cycle at whose beginning it is done. What goes on
 * without a pause was asked for within the cycle before. */
int64_t sf_clock_book (SfClock *clock, const SfResource *resource, int64_t parts, int64_t now,
                       bool goes_on);

typedef struct
{
  int64_t cycles;
  int64_t busy_cycles; /* of the stage that sets the pace */
  SfStageTime *stages;
  uint32_t pace; /* stage; SF_NONE: memory */
  SfBound bound;
} SfRun;

/* Called at the end of each iteration or token. */
typedef void (*SfStepFunc) (void *user_data, const SfAgent *agent, int64_t index, int64_t start,
                            int64_t cycles);

/* CHECK_FAILED when it comes to a stop, UNSUPPORTED when it takes too long. `step` may be NULL.
 * Clear with sf_run_clear. */
bool sf_section_run (const SfSection *section, SfStepFunc step, void *user_data, SfRun *run,
                     GError **error);
void sf_run_clear (SfRun *run);

#endif
