/* SPDX-License-Identifier: Apache-2.0 */
/* Where this process is in the hierarchy of cgroup v2, and whether it may make groups there.
 *
 * A cgroup whose children count memory holds no processes itself. So sfd lives in a child named
 * "sfd" of the cgroup that was delegated to it, and the groups of attempts are beside that. */
#ifndef QUEUE_CGROUP_H
#define QUEUE_CGROUP_H

#include <sf/error.h>

#define SF_CGROUP_OF_SFD "sfd"

/* The folder of the cgroup that the texts of /proc/PID/cgroup and /proc/PID/mountinfo tell of;
 * NULL: in no hierarchy of version 2 that is mounted. Owned: g_free. */
char *sf_cgroup_folder (const char *cgroup, const char *mountinfo);
/* Of this process. */
char *sf_cgroup_own (void);

/* What sfd, in cgroup `own`, does at its beginning, so that sf_cgroup_for_groups gives something to
 * the shepherds that it starts: has children count memory, after it has gone into the child "sfd"
 * unless it is there. Started by a step, it goes from the group of that attempt into the "sfd"
 * beside it. Nothing happens where that is not allowed, or other processes live in `own`. */
void sf_cgroup_prepare (const char *own);

/* Where whoever is in `own` may make groups that count memory; NULL: nowhere. Owned: g_free. */
char *sf_cgroup_for_groups (const char *own);

/* One of the small files: "memory.max" and its kind. */
bool sf_cgroup_write (const char *folder, const char *name, const char *text);
/* The number that the file consists of, or that follows `key` in it; false: it cannot be read, or
 * says "max". */
bool sf_cgroup_read (const char *folder, const char *name, const char *key, uint64_t *value);

#endif
