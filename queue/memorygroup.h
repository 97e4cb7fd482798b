/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup of an attempt: the kernel counts the memory of all that is in it, whoever started it
 * and whatever it calls itself, and ends all of it when that is more than is allowed. */
#ifndef QUEUE_MEMORYGROUP_H
#define QUEUE_MEMORYGROUP_H

#include <sf/error.h>

typedef struct SfMemoryGroup SfMemoryGroup;

/* In a folder that sf_cgroup_for_groups gave. Owned: g_free. */
char *sf_memory_group_folder (const char *above, const char *token);
/* Whether this cgroup has the name of an attempt's. */
bool sf_memory_group_is_named (const char *folder);

/* Makes the folder. `limit_bytes`: 0: none. NULL: it cannot be made, or not be limited. */
SfMemoryGroup *sf_memory_group_new (const char *folder, int64_t limit_bytes);
void sf_memory_group_free (SfMemoryGroup *group); /* leaves the folder; NULL is fine */

/* A process that writes "0" there is in it. Borrowed. */
int sf_memory_group_fd (const SfMemoryGroup *group);
/* Notes what is used now. False: memory is not counted in it any more. */
bool sf_memory_group_look (SfMemoryGroup *group);
/* The kernel knows the peak; else it is the greatest that was seen by looking. */
bool sf_memory_group_knows_peak (const SfMemoryGroup *group);
uint64_t sf_memory_group_peak_bytes (SfMemoryGroup *group);

typedef enum
{
  SF_MEMORY_ENOUGH,
  SF_MEMORY_OVER_LIMIT, /* processes were ended because of the group's own limit */
  SF_MEMORY_NONE_LEFT,  /* ... because somebody else's, or the machine's, was reached */
} SfMemoryVerdict;

/* What happens from now on is the step's; one that got on without what was ended is not to blame.
 */
void sf_memory_group_begin_step (SfMemoryGroup *group);
/* Of the step; without one, of all that has happened in it. */
SfMemoryVerdict sf_memory_group_verdict (const SfMemoryGroup *group);

/* KILL to all that is in it: at once where the kernel can do that (5.14), else to one after the
 * other, so that what is started meanwhile is left. */
void sf_memory_group_kill (const char *folder);
/* Ends what is still in it, and removes it with what was made below. False when something lives on
 * in it after 10 s. True as well when it is not there, or not ours. */
bool sf_memory_group_remove (const char *folder);

#endif
