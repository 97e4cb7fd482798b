/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a Unix socket has room for 107 bytes: the folder is named by a descriptor. */
#include "queue/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NAME "sfd.sock"

enum
{
  BACKLOG = 128
};

/* The address by way of `folder_fd`, which must stay open until it has been used. */
static struct sockaddr_un
address_in (int folder_fd)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" NAME, folder_fd);
  return address;
}

static int
open_folder (const char *folder, GError **error)
{
  int fd = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    sf_fail_errno (error, errno, "%s: cannot open the queue's folder", folder);
  return fd;
}

int
sf_socket_listen (const char *folder, GError **error)
{
  int folder_fd = open_folder (folder, error);
  if (folder_fd < 0)
    return -1;
  unlinkat (folder_fd, NAME, 0);
  struct sockaddr_un address = address_in (folder_fd);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  mode_t old = umask (0177);
  bool good = fd >= 0 && bind (fd, (const struct sockaddr *) &address, sizeof address) == 0
              && listen (fd, BACKLOG) == 0;
  int saved = errno;
  umask (old);
  close (folder_fd);
  if (good)
    return fd;
  if (fd >= 0)
    close (fd);
  sf_fail_errno (error, saved, "%s/" NAME ": cannot listen", folder);
  return -1;
}

void
sf_socket_remove (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, NAME, NULL);
  unlink (path);
}

int
sf_socket_connect (const char *folder, GError **error)
{
  int folder_fd = open_folder (folder, error);
  if (folder_fd < 0)
    return -1;
  struct sockaddr_un address = address_in (folder_fd);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool good = fd >= 0 && connect (fd, (const struct sockaddr *) &address, sizeof address) == 0;
  int saved = errno;
  close (folder_fd);
  if (good && sf_socket_peer_is_same_user (fd))
    return fd;
  if (good)
    sf_fail (error, SF_ERROR_IO, "%s/" NAME ": another user listens there, wanted user %u", folder,
             (unsigned) geteuid ());
  else if (saved == ECONNREFUSED || saved == ENOENT)
    sf_fail (error, SF_ERROR_NOT_FOUND, "%s/" NAME ": nobody listens", folder);
  else
    sf_fail_errno (error, saved, "%s/" NAME ": cannot connect", folder);
  if (fd >= 0)
    close (fd);
  return -1;
}

bool
sf_socket_peer_is_same_user (int fd)
{
  struct ucred peer;
  socklen_t n = sizeof peer;
  return getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.uid == geteuid ();
}
