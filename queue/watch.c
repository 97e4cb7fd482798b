/* SPDX-License-Identifier: Apache-2.0 */
/* SfWatch. */
#include "queue/watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <sf/log.h>

struct SfWatch
{
  int fd;
  guint source;
  SfWatchEvent event;
  void *data;
  GHashTable *ids;    /* watch descriptor to id (int64_t, owned) */
  GHashTable *places; /* id (owned) to watch descriptor */
};

static gboolean
on_events (gint fd, GIOCondition condition, gpointer data)
{
  SfWatch *self = data;
  char buffer[16384] __attribute__ ((aligned (8)));
  ssize_t n = read (fd, buffer, sizeof buffer);
  for (ssize_t at = 0; at < n;)
    {
      const struct inotify_event *event = (const void *) (buffer + at);
      at += (ssize_t) (sizeof *event + event->len);
      const int64_t *id = g_hash_table_lookup (self->ids, GINT_TO_POINTER (event->wd));
      if (id != NULL && event->len > 0)
        self->event (self->data, *id, event->name);
    }
  return G_SOURCE_CONTINUE;
}

SfWatch *
sf_watch_new (SfWatchEvent event, void *data, GError **error)
{
  int fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  if (fd < 0)
    {
      sf_fail_errno (error, errno, "inotify: cannot be used; see /proc/sys/fs/inotify");
      return NULL;
    }
  SfWatch *self = g_new0 (SfWatch, 1);
  self->fd = fd;
  self->event = event;
  self->data = data;
  self->ids = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->places = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->source = g_unix_fd_add (fd, G_IO_IN, on_events, self);
  return self;
}

void
sf_watch_free (SfWatch *self)
{
  if (self == NULL)
    return;
  g_source_remove (self->source);
  close (self->fd);
  g_hash_table_unref (self->ids);
  g_hash_table_unref (self->places);
  g_free (self);
}

void
sf_watch_add (SfWatch *self, int64_t id, const char *folder)
{
  int place = inotify_add_watch (self->fd, folder, IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
  if (place < 0)
    {
      sf_log (SF_LOG_INFO, "%s: not watched: %s", folder, g_strerror (errno));
      return;
    }
  g_hash_table_insert (self->ids, GINT_TO_POINTER (place), g_memdup2 (&id, sizeof id));
  g_hash_table_insert (self->places, g_memdup2 (&id, sizeof id), GINT_TO_POINTER (place));
}

void
sf_watch_remove (SfWatch *self, int64_t id)
{
  int place = GPOINTER_TO_INT (g_hash_table_lookup (self->places, &id));
  if (place == 0)
    return;
  inotify_rm_watch (self->fd, place);
  g_hash_table_remove (self->ids, GINT_TO_POINTER (place));
  g_hash_table_remove (self->places, &id);
}
