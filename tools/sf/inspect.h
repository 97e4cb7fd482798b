/* SPDX-License-Identifier: Apache-2.0 */
/* What `sf inspect` can show: a row per sort of thing. */
#ifndef TOOLS_SF_INSPECT_H
#define TOOLS_SF_INSPECT_H

#include <sf/error.h>

typedef struct
{
  const char *what; /* "a plugin": for the message when nobody claims the subject */
  /* Whether `subject`, as typed, is of this sort, broken or not: by its form and a look at the
   * file, without opening a plugin. */
  bool (*claims) (const char *subject);
  /* Prints the subject to stdout, as one JSON object when `json`. */
  bool (*show) (const char *subject, bool json, GError **error);
} SfInspector;

extern const SfInspector sf_inspect_arch;
extern const SfInspector sf_inspect_pef;
extern const SfInspector sf_inspect_plugin;

#endif
