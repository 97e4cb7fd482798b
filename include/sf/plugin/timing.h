/* SPDX-License-Identifier: Apache-2.0 */
/* Emulated time. docs/timing.md defines it; two models compute it, which share no code beyond the
 * machine description.
 *
 * T0, `sf_estimate_*`: analytic, for optimisers; needs no places or routes. T1, `sf_timing_*`:
 * event by event over the placed and routed program, with credits, shared links and memory
 * bandwidth. Cycles are those of the machine's clock; no figure here is a measurement of the host.
 * All functions are pure and may be called from any thread. */
#ifndef SF_PLUGIN_TIMING_H
#define SF_PLUGIN_TIMING_H

#include <sf/plugin/program.h>

SF_BEGIN_DECLS

/* What holds a stage or a section back. */
typedef enum
{
  SF_BOUND_COMPUTE, /* the PCUs */
  SF_BOUND_READ,    /* an operand's way out of its PMUs: ports, or one vector a cycle and path */
  SF_BOUND_WRITE,   /* a result's way into its PMUs */
  SF_BOUND_LINK,    /* a link between switches that several nets share; T1 only */
  SF_BOUND_MEMORY,  /* device memory, or the address generators */
  SF_BOUND_WAIT,    /* latency and waiting: nothing is busy most of the time */
  SF_N_BOUNDS,
} SfBound;

SF_API const char *sf_bound_name (SfBound bound); /* "compute", "PMU reads", ... */

/* ---- T0 ---- */

/* An iteration is one step of counter 0: all firings of the inner counters. */
typedef struct
{
  int64_t iterations;
  int64_t compute_cycles; /* of an iteration on the stage's PCUs, mean over all iterations, rounded
                             up */
  int64_t read_cycles, write_cycles; /* of the slowest operand of each kind */
  int64_t
      interval_cycles;    /* greatest of these: from one iteration to the next when nothing waits */
  int64_t latency_cycles; /* from the last read to the result in its PMU */
  int64_t widest;         /* most PCUs that the stage can use: more change nothing */
  SfBound bound;          /* COMPUTE, READ or WRITE */
  uint32_t buffer;        /* READ, WRITE: of that operand; else SF_NONE */
} SfStageEstimate;

typedef struct
{
  int64_t cycles;        /* from the start of the loaded section to its last byte in memory */
  int64_t memory_bytes;  /* to and from device memory */
  int64_t memory_cycles; /* that these bytes need at least */
  uint32_t stage;        /* that sets the pace; SF_NONE: memory does */
  SfBound bound;
} SfSectionEstimate;

/* The stage as it stands in the config, with its n_pcus and the n_pmus of its buffers. */
SF_API SfStageEstimate sf_estimate_stage (const SfProgram *program, uint32_t config, uint32_t stage,
                                          const SfArch *arch);
/* `levels`: memory level of each slot, NULL: the fastest for all. */
SF_API SfSectionEstimate sf_estimate_section (const SfProgram *program, uint32_t config,
                                              const SfArch *arch, const uint32_t *levels);
/* The part of a net that leads to the units of one reader or writer: one multicast. */
typedef struct
{
  uint32_t net;      /* index in the array of nets */
  uint32_t first, n; /* sinks[first .. first + n) of the net */
  int64_t load; /* vectors in one run of the section; scalar network: elements; control: tokens */
} SfTransfer;

/* Transfers of `nets` (sf_config_nets of a config whose units have places, any places), in their
 * order: what wires are weighed by. Owned array of SfTransfer (g_array_unref). */
SF_API GArray *sf_estimate_transfers (const SfProgram *program, uint32_t config, const SfArch *arch,
                                      const GArray *nets);

/* Cycles to load a section that is not loaded; to hand a launch to the host and back, without the
 * host's own work, `bytes` being what goes over. */
SF_API int64_t sf_estimate_load (const SfArch *arch);
SF_API int64_t sf_estimate_host (const SfArch *arch, int64_t bytes);
/* Of the whole entry: loads, sections, host launches, one after the other. */
SF_API int64_t sf_estimate_entry (const SfProgram *program, uint32_t entry, const SfArch *arch);

/* ---- T1 ---- */

typedef struct SfTiming SfTiming;

/* Shares are of `cycles`, 0 to 1. */
typedef struct
{
  const char *name; /* of the launch, borrowed from the program */
  SfTarget target;
  SfPhase phase;
  uint32_t config;
  int64_t start_cycles; /* since the beginning of the entry, its load included */
  int64_t load_cycles;  /* 0 when the section is loaded already */
  int64_t cycles;       /* of all repeats, without the load; HOST: the way there and back only */
  uint32_t stage;       /* that sets the pace; SF_NONE: memory, or a host launch */
  SfBound bound;
  int64_t memory_bytes;
  double memory_share;         /* of the bandwidth of the levels that it uses, the busiest one */
  double pcu_share, pmu_share; /* PCU cycles at work, PMU port cycles at work, over all units of the
                                  RDU tile */
  double link_share;           /* of the busiest link */
} SfLaunchTime;

typedef struct
{
  int64_t iterations;
  int64_t busy_cycles;               /* within iterations */
  int64_t wait_input_cycles;         /* ready but for tokens */
  int64_t wait_output_cycles;        /* ready but for room */
  int64_t first_cycles, last_cycles; /* start of the first, end of the last iteration, since the
                                        section began */
  SfBound bound;                     /* of most of its iterations */
} SfStageTime;

/* A directed link that nets of a section share. */
typedef struct
{
  SfNetwork network;
  int32_t x0, y0, x1, y1;
  uint32_t n_nets;
  int64_t vectors; /* that cross it in one run of the section */
  double share;    /* of its channels' cycles */
} SfLinkTime;

/* What stands on one row of the timeline for a while. */
typedef struct
{
  uint32_t launch;
  enum
  {
    SF_SPAN_LOAD,   /* a section is loaded */
    SF_SPAN_STAGE,  /* an iteration of stage `owner` */
    SF_SPAN_STREAM, /* a token of stream `owner` */
    SF_SPAN_HOST,
  } kind;
  uint32_t owner;
  int64_t index;                /* iteration, token */
  int64_t start_cycles, cycles; /* since the beginning of the entry */
} SfSpan;
typedef void (*SfSpanFunc) (void *user_data, const SfSpan *span);

/* One run of `entry`, launch after launch; equal sections are computed once. The program must have
 * passed sf_program_verify (..., SF_CHECK_ROUTE); fails with CHECK_FAILED when a section comes to
 * a stop (which the depth check excludes) and UNSUPPORTED beyond 2^62 cycles. Owned. */
SF_API SfTiming *sf_timing_new (const SfProgram *program, uint32_t entry, const SfArch *arch,
                                GError **error);
SF_API void sf_timing_free (SfTiming *timing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfTiming, sf_timing_free)

SF_API int64_t sf_timing_cycles (const SfTiming *timing); /* of the entry */
SF_API double sf_timing_seconds (const SfTiming *timing);
SF_API size_t sf_timing_n_launches (const SfTiming *timing);
SF_API SfLaunchTime sf_timing_launch (const SfTiming *timing, size_t launch);
SF_API SfStageTime sf_timing_stage (const SfTiming *timing, size_t launch, uint32_t stage);
/* Busiest first. */
SF_API size_t sf_timing_n_links (const SfTiming *timing, size_t launch);
SF_API SfLinkTime sf_timing_link (const SfTiming *timing, size_t launch, size_t index);
/* Every span of the entry, in the order of launches, then of start; sections with more than
 * `max_spans` spans give their first and last ones only (0: all). */
SF_API void sf_timing_spans (const SfTiming *timing, size_t max_spans, SfSpanFunc func,
                             void *user_data);
/* T1 of one section with the levels of its slots (NULL: the fastest), apart from any launch: for
 * tests and for passes that choose. -1 with an error as above. */
SF_API int64_t sf_timing_section_cycles (const SfProgram *program, uint32_t config,
                                         const SfArch *arch, const uint32_t *levels,
                                         GError **error);

SF_END_DECLS
#endif
