/* SPDX-License-Identifier: Apache-2.0 */
/* Large pieces of memory: zeroed, on huge pages where the system has them, and taken from it only
 * as they are touched. */
#ifndef SF_RDU_MEMORY_H
#define SF_RDU_MEMORY_H

#include <sf/error.h>

/* `elems` of 4 bytes, on a cache line at least; what: for the message. */
void *rdu_memory_new (int64_t elems, const char *what, GError **error);
/* NULL: nothing to do. elems: as it was asked for. */
void rdu_memory_free (void *memory, int64_t elems);

#endif
