/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of the tests that are known not to pass, with a reason each. */
#ifndef TOOLS_SF_EXPECTATIONS_H
#define TOOLS_SF_EXPECTATIONS_H

#include <sf/error.h>

/* Reads a list into `reasons` (name -> reason, both owned by the table). A line is a name, blanks,
 * and the reason; empty lines and those that begin with # say nothing. */
bool sf_expectations_read (const char *path, GHashTable *reasons, GError **error);

#endif
