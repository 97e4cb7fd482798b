/* SPDX-License-Identifier: Apache-2.0 */
/* Watching the folders of live attempts, by inotify: what a shepherd writes is known at once, and
 * so is its death, since that closes its lock. Where watches run out, whoever sweeps sees it later.
 */
#ifndef QUEUE_WATCH_H
#define QUEUE_WATCH_H

#include <sf/error.h>

typedef struct SfWatch SfWatch;

/* Something has happened to the file `name` in the folder that was added as `id`. */
typedef void (*SfWatchEvent) (void *data, int64_t id, const char *name);

/* In the default main context. NULL with an error. */
SfWatch *sf_watch_new (SfWatchEvent event, void *data, GError **error);
void sf_watch_free (SfWatch *watch); /* NULL is fine */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfWatch, sf_watch_free)

/* From now on; `id` is watched once. */
void sf_watch_add (SfWatch *watch, int64_t id, const char *folder);
void sf_watch_remove (SfWatch *watch, int64_t id);

#endif
