/* SPDX-License-Identifier: Apache-2.0 */
/* What a report says, gathered once for the page and for the JSON. */
#ifndef SF_CORE_REPORT_FACTS_H
#define SF_CORE_REPORT_FACTS_H

#include <sf/plugin/timing.h>
#include <sf/report.h>

#include "core/report/text.h"

#define N_PHASES 3

typedef struct
{
  const char *name;
  SfTiming *timing; /* NULL: see why_no_timing */
  char *why_no_timing;
  int64_t t0_cycles, cycles; /* cycles: T1 */
  size_t n_launches, n_host, n_loads;
  int64_t load_cycles, host_cycles, memory_bytes;
  int64_t bound_cycles[SF_N_BOUNDS]; /* of sections, by what holds them back */
  int64_t phase_cycles[N_PHASES];
} EntryFacts;

/* A config, by its first launch. */
typedef struct
{
  uint32_t entry, launch; /* SF_NONE: nothing launches it */
  size_t n_launches;
  int64_t cycles; /* of all its launches in all entries; T1, or T0 without it */
  int64_t n_pcus, n_pmus, n_agcus;
  uint32_t *levels; /* memory level of each slot */
  SfSectionEstimate estimate;
} ConfigFacts;

typedef struct
{
  const SfPef *pef;
  const SfReportOptions *options;
  const SfProgram *program;
  const SfArch *arch;
  SfArchInfo info;
  int64_t batch;       /* rows; 0: not known */
  GArray *entries;     /* EntryFacts */
  GArray *configs;     /* ConfigFacts, by id */
  uint32_t *by_cycles; /* config ids, the one that takes most time first */
} Report;

/* Lifetime of a tensor in an entry, in launches, both ends included; docs/program.md has the rules.
 */
typedef struct
{
  uint32_t tensor;
  int64_t first, last;
  int64_t bytes;
} Lifetime;

void report_init (Report *report, const SfPef *pef, const SfReportOptions *options);
void report_clear (Report *report);
const EntryFacts *report_entry (const Report *report, uint32_t entry);
const ConfigFacts *report_config (const Report *report, uint32_t config);

extern const char *const report_phases[N_PHASES];
extern const char *const report_roles[]; /* by SfTensorRole */
extern const char *const report_networks[SF_N_NETWORKS];

const char *report_fact (const Report *report, const char *key); /* "" when it is not set */
double report_seconds (const Report *report, int64_t cycles);
double report_samples_per_s (const Report *report, const EntryFacts *entry); /* 0: not known */
/* Why a launch is on the host, as the passes noted it; borrowed, "" when none did. */
const char *report_host_reason (const Report *report, const char *launch);
/* T0 of one launch, its load not counted. */
int64_t report_launch_t0 (const Report *report, uint32_t entry, uint32_t launch);

/* Names for people; borrowed. Those of a config are those of its first launch. */
const char *report_stage_name (const Report *report, uint32_t entry, uint32_t launch,
                               uint32_t stage);
const char *report_buffer_name (const Report *report, uint32_t config, uint32_t buffer);
/* The stage that writes a buffer, or SF_NONE: memory does. */
uint32_t report_writer (const Report *report, uint32_t config, uint32_t buffer);
bool report_reads (const SfStage *stage, SfOperandKind kind, uint32_t buffer);
/* The stream in or out of a buffer; SF_NONE: none. */
uint32_t report_stream (const Report *report, uint32_t config, uint32_t buffer, bool out);
int64_t report_token_bytes (const SfBuffer *buffer);
int64_t report_tensor_bytes (const SfProgramTensor *tensor);
/* T1 of a config's stage, in its first launch; false without T1. */
bool report_stage_time (const Report *report, uint32_t config, uint32_t stage, SfStageTime *time,
                        int64_t *cycles);

/* Lifetimes of all tensors that live during the entry. Owned: g_array_unref. */
GArray *report_lifetimes (const Report *report, uint32_t entry);
/* Bytes of a memory level that the plan uses, up to the highest. */
int64_t report_used_bytes (const Report *report, uint32_t level);

/* ---- json.c ---- */

char *report_json (const Report *report); /* owned */

#endif
