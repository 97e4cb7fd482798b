/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of SfOptionValues, shared by the files that read and print option tables. */
#ifndef SF_CORE_BASE_OPTION_VALUES_H
#define SF_CORE_BASE_OPTION_VALUES_H

#include <sf/options.h>

typedef struct
{
  bool is_set;     /* explicitly */
  char *text;      /* as given; NULL: unset */
  int64_t integer; /* INT, BOOL, BYTES, SECONDS */
  double number;   /* FLOAT */
  GPtrArray *list; /* LIST: NULL-terminated strings */
} SfOptionValue;

struct SfOptionValues
{
  const SfOption *table;
  size_t n;
  SfOptionValue *values; /* one per row */
};

/* Row index of `name`; -1 when the table has none. */
int sf_option_find (const SfOption *table, const char *name);

/* Sets row `row` from text. `shown` opens the message: "--lr", "job.cfg:3: lr". */
bool sf_option_set_row (SfOptionValues *values, int row, const char *text, const char *shown,
                        SfErrorCode code, GError **error);

/* Placeholder of a row's value: its own, or one after its type. */
const char *sf_option_placeholder (const SfOption *option);

#endif
