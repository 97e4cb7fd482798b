/* SPDX-License-Identifier: Apache-2.0 */
/* What a sweep found, as a table for people, CSV or JSON. */
#ifndef TOOLS_SF_SWEEP_TABLE_H
#define TOOLS_SF_SWEEP_TABLE_H

#include <sf/error.h>

/* One combination. Figures are those of one step of `entry`, and none when it failed. */
typedef struct
{
  char **values; /* per axis; owned, as are the other texts */
  char *failure; /* one line; NULL: it compiled */
  char *entry;
  int64_t sections, stages, configs, host_launches; /* launches on the device and their stages */
  int64_t pcus, pmus;                               /* most of one section */
  int64_t cycles;
  double seconds, samples_per_s; /* emulated */
  double speedup;                /* over the baseline; 0: there is none */
  double compile_seconds;        /* of the host */
} SweepRow;

typedef struct
{
  GPtrArray *axes; /* names: "arch", "level", "section.max_groups" */
  GPtrArray *rows; /* SweepRow */
  bool has_baseline;
} SweepTable;

SweepTable *sweep_table_new (void);
void sweep_table_free (SweepTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SweepTable, sweep_table_free)

/* Texts end with a line feed. Owned. */
char *sweep_table_text (const SweepTable *table);
char *sweep_table_csv (const SweepTable *table);
char *sweep_table_json (const SweepTable *table);

#endif
