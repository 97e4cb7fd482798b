/* SPDX-License-Identifier: Apache-2.0 */
/* One daemon for a queue: sfd.lock, with who has it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sf/log.h>

#include "queue/daemon_state.h"
#include "queue/socket.h"

enum
{
  LOCK_TRIES = 100,
  LOCK_RETRY_US = 10000,
  MAX_LOCK_BYTES = 4096,
};

/* Who has or had the lock. */
static bool
read_owner (int fd, char **host, char **boot_id)
{
  char text[MAX_LOCK_BYTES];
  ssize_t n = pread (fd, text, sizeof text, 0);
  g_autoptr (json_t) root = n > 0 ? sf_json_parse (text, (size_t) n, "sfd.lock", NULL) : NULL;
  *host = g_strdup (json_string_value (json_object_get (root, "host")));
  *boot_id = g_strdup (json_string_value (json_object_get (root, "boot_id")));
  return *host != NULL && *boot_id != NULL;
}

/* A free lock that another machine has not given back: it may well run there, since locks of
 * network filesystems do not always reach as far. */
static bool
check_owner (const SfDaemon *self, const char *path, GError **error)
{
  g_autofree char *host = NULL;
  g_autofree char *boot_id = NULL;
  if (!read_owner (self->lock_fd, &host, &boot_id) || strcmp (boot_id, self->boot_id) == 0
      || strcmp (host, g_get_host_name ()) == 0)
    return true;
  return sf_fail (error, SF_ERROR_EXISTS,
                  "%s: found the sfd of host %s, wanted none or one of this host; end it there, or "
                  "remove the file if that host is gone: a queue belongs to one host",
                  path, host);
}

static bool
write_owner (const SfDaemon *self, const char *path, GError **error)
{
  g_autofree char *host = g_utf8_make_valid (g_get_host_name (), -1);
  g_autofree char *text = g_strdup_printf ("{\"boot_id\":\"%s\",\"host\":\"%s\",\"pid\":%d}\n",
                                           self->boot_id, host, (int) getpid ());
  ssize_t n_bytes = (ssize_t) strlen (text);
  if (ftruncate (self->lock_fd, 0) == 0
      && pwrite (self->lock_fd, text, (size_t) n_bytes, 0) == n_bytes)
    return true;
  return sf_fail_errno (error, errno, "%s: cannot write", path);
}

static void
close_lock (SfDaemon *self)
{
  close (self->lock_fd);
  self->lock_fd = -1;
}

bool
sf_daemon_take_lock (SfDaemon *self, bool *taken, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, "sfd.lock", NULL);
  *taken = false;
  self->lock_fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (self->lock_fd < 0)
    return sf_fail_errno (error, errno, "%s: cannot open", path);
  for (int i = 0; flock (self->lock_fd, LOCK_EX | LOCK_NB) != 0; i++)
    {
      int fd = sf_socket_connect (self->folder, NULL);
      if (fd >= 0)
        {
          close (fd);
          close_lock (self);
          return true;
        }
      if (i == LOCK_TRIES)
        {
          close_lock (self);
          return sf_fail (error, SF_ERROR_EXISTS,
                          "%s: held by another sfd, which does not listen; end it", path);
        }
      g_usleep (LOCK_RETRY_US);
    }
  *taken = check_owner (self, path, error) && write_owner (self, path, error);
  if (!*taken)
    close_lock (self);
  return *taken;
}

bool
sf_daemon_is_orphaned (const SfDaemon *self)
{
  g_autofree char *path = g_build_filename (self->folder, "sfd.lock", NULL);
  struct stat now, ours;
  return stat (path, &now) != 0 || fstat (self->lock_fd, &ours) != 0 || now.st_ino != ours.st_ino
         || now.st_dev != ours.st_dev;
}

void
sf_daemon_give_back_lock (SfDaemon *self)
{
  if (self->lock_fd < 0)
    return;
  if (!sf_daemon_is_orphaned (self) && ftruncate (self->lock_fd, 0) != 0)
    sf_log (SF_LOG_INFO, "sfd.lock: cannot be emptied: %s", g_strerror (errno));
  close_lock (self);
}
