/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a queue: where it is, whose it is. */
#ifndef QUEUE_FOLDER_H
#define QUEUE_FOLDER_H

#include <sf/error.h>

/* $SF_QUEUE_DIR, else spatialflow/queue below $XDG_STATE_HOME (default ~/.local/state), created
 * with mode 0700. Refused when it belongs to another user, or holds things but no queue. Absolute;
 * owned: g_free. NULL with an error. */
char *sf_queue_folder (GError **error);

/* A file of a few KB can be written in the queue's folder now. */
bool sf_folder_has_room (const char *folder);

/* Removes `path` and all below it; symbolic links are not followed. */
void sf_remove_tree (const char *path);

/* The names in a folder are on the disk when this returns; those of others, and those of
 * filesystems that cannot do so, are not ours to sync. */
bool sf_folder_sync (const char *path, GError **error);

#endif
