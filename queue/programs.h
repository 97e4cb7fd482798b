/* SPDX-License-Identifier: Apache-2.0 */
/* Where the programs are that a queue needs. */
#ifndef QUEUE_PROGRAMS_H
#define QUEUE_PROGRAMS_H

#include <sf/error.h>

/* $SF_PROGRAM, else the sf beside this program, else the one in PATH. Absolute, owned; NULL with an
 * error. */
char *sf_program_sf (GError **error);
/* The shepherd and the daemon: in $SF_LIBEXEC_DIR, else where they are installed. Likewise. */
char *sf_program_shepherd (GError **error);
char *sf_program_sfd (GError **error);

#endif
