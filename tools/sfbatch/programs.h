/* SPDX-License-Identifier: Apache-2.0 */
/* Where the programs are that a job needs. */
#ifndef TOOLS_SFBATCH_PROGRAMS_H
#define TOOLS_SFBATCH_PROGRAMS_H

#include <sf/error.h>

/* $SF_PROGRAM, else the sf beside this program, else the one in PATH. Absolute, owned; NULL with an
 * error. */
char *sf_batch_find_sf (GError **error);
/* In $SF_LIBEXEC_DIR, else where it is installed. Absolute, owned; NULL with an error. */
char *sf_batch_find_shepherd (GError **error);

#endif
