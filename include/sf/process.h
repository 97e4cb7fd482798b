/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of this machine, told apart for good: ids are used again, a start time within a boot is
 * not. */
#ifndef SF_PROCESS_H
#define SF_PROCESS_H

#include <sf/error.h>
#include <sys/types.h>

SF_BEGIN_DECLS

typedef struct
{
  pid_t parent;
  char state;           /* as in proc(5); 'Z', 'X': ended, not yet reaped */
  uint64_t start_ticks; /* start time in clock ticks since boot */
} SfProcess;

/* Id of this boot of the machine; "unknown" where the kernel does not tell. Owned: g_free. */
SF_API char *sf_boot_id (void);

/* False when there is no such process. */
SF_API bool sf_process_read (pid_t pid, SfProcess *out);

/* Start time of a process that lives; false when there is none or it has ended. */
SF_API bool sf_process_start_ticks (pid_t pid, uint64_t *ticks);

SF_END_DECLS
#endif
