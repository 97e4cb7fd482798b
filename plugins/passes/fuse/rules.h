/* SPDX-License-Identifier: Apache-2.0 */
/* Fusion rules: which classes of nodes a stage grows over. */
#ifndef SF_PASS_FUSE_RULES_H
#define SF_PASS_FUSE_RULES_H

#include <sf/error.h>

/* Classes are sets of bits 1 << SfLowerClass. */
typedef struct
{
  unsigned anchor; /* a stage with one of these grows */
  unsigned after;  /* over readers that consist of these */
  unsigned before; /* and over what feeds it and consists of these */
  size_t max_nodes;
} FuseRule;

/* `path`: NULL for no rules; a name without '/' is looked for in etc/rules. Appends FuseRule in the
 * order of the file. */
bool sf_fuse_read_rules (const char *path, GArray *rules, GError **error);

#endif
