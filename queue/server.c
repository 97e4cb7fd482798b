/* SPDX-License-Identifier: Apache-2.0 */
/* SfServer. */
#include "queue/server.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sf/log.h>

#include "queue/protocol.h"
#include "queue/socket.h"

enum
{
  MAX_PEERS = 256
};

typedef struct
{
  SfServer *server;
  uint64_t id;
  int fd;
  GString *in, *out;
  guint in_source, out_source; /* out_source 0: nothing to write */
} Peer;

struct SfServer
{
  char *folder;
  int fd;
  guint source;
  SfServerRequest request;
  SfServerGone gone;
  void *data;
  GHashTable *peers; /* id, in the peer, to Peer */
  uint64_t next_id;
};

static void
peer_free (void *data)
{
  Peer *peer = data;
  if (peer->in_source != 0)
    g_source_remove (peer->in_source);
  if (peer->out_source != 0)
    g_source_remove (peer->out_source);
  close (peer->fd);
  g_string_free (peer->in, TRUE);
  g_string_free (peer->out, TRUE);
  g_free (peer);
}

static void
drop (Peer *peer)
{
  SfServer *self = peer->server;
  g_hash_table_remove (self->peers, &peer->id);
  self->gone (self->data);
}

/* ---- writing ---- */

/* False when the connection is broken. */
static bool
write_out (Peer *peer)
{
  while (peer->out->len > 0)
    {
      ssize_t n = send (peer->fd, peer->out->str, peer->out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno == EAGAIN;
      g_string_erase (peer->out, 0, n);
    }
  return true;
}

static gboolean
on_writable (gint fd, GIOCondition condition, gpointer data)
{
  Peer *peer = data;
  bool good = write_out (peer);
  if (good && peer->out->len > 0)
    return G_SOURCE_CONTINUE;
  peer->out_source = 0;
  if (!good)
    drop (peer);
  return G_SOURCE_REMOVE;
}

void
sf_server_answer (SfServer *self, uint64_t peer_id, json_t *answer)
{
  Peer *peer = g_hash_table_lookup (self->peers, &peer_id);
  size_t n_bytes;
  g_autofree char *line = sf_protocol_line (answer, &n_bytes);
  json_decref (answer);
  if (peer == NULL)
    return;
  g_string_append_len (peer->out, line, (gssize) n_bytes);
  /* A broken connection is noticed by who reads from it. */
  if (peer->out_source == 0 && write_out (peer) && peer->out->len > 0)
    peer->out_source = g_unix_fd_add (peer->fd, G_IO_OUT, on_writable, peer);
}

/* ---- reading ---- */

static void
take_line (SfServer *self, uint64_t peer, const char *line, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  const char *what = NULL;
  g_autoptr (json_t) request = sf_protocol_read_request (line, n_bytes, &what, &error);
  if (request != NULL)
    self->request (self->data, peer, what, request);
  else
    sf_server_answer (self, peer, sf_protocol_refusal (error));
}

static void
take_lines (Peer *peer)
{
  size_t from = 0;
  const char *end;
  while ((end = memchr (peer->in->str + from, '\n', peer->in->len - from)) != NULL)
    {
      size_t to = (size_t) (end - peer->in->str);
      take_line (peer->server, peer->id, peer->in->str + from, to - from);
      from = to + 1;
    }
  g_string_erase (peer->in, 0, (gssize) from);
}

static gboolean
on_readable (gint fd, GIOCondition condition, gpointer data)
{
  Peer *peer = data;
  char buffer[16384];
  ssize_t n = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return G_SOURCE_CONTINUE;
  if (n > 0)
    {
      g_string_append_len (peer->in, buffer, n);
      take_lines (peer);
      if (peer->in->len <= SF_PROTOCOL_MAX_REQUEST)
        return G_SOURCE_CONTINUE;
      sf_log (SF_LOG_WARNING, "a request of more than %d bytes: its connection is closed",
              SF_PROTOCOL_MAX_REQUEST);
    }
  peer->in_source = 0;
  drop (peer);
  return G_SOURCE_REMOVE;
}

static gboolean
on_connection (gint fd, GIOCondition condition, gpointer data)
{
  SfServer *self = data;
  int peer_fd = accept4 (fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (peer_fd < 0)
    return G_SOURCE_CONTINUE;
  if (!sf_socket_peer_is_same_user (peer_fd) || g_hash_table_size (self->peers) >= MAX_PEERS)
    {
      close (peer_fd);
      return G_SOURCE_CONTINUE;
    }
  Peer *peer = g_new0 (Peer, 1);
  peer->server = self;
  peer->id = ++self->next_id;
  peer->fd = peer_fd;
  peer->in = g_string_new (NULL);
  peer->out = g_string_new (NULL);
  peer->in_source = g_unix_fd_add (peer_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, peer);
  g_hash_table_insert (self->peers, &peer->id, peer);
  return G_SOURCE_CONTINUE;
}

/* ---- the server ---- */

SfServer *
sf_server_new (const char *folder, SfServerRequest request, SfServerGone gone, void *data,
               GError **error)
{
  int fd = sf_socket_listen (folder, error);
  if (fd < 0)
    return NULL;
  SfServer *self = g_new0 (SfServer, 1);
  self->folder = g_strdup (folder);
  self->fd = fd;
  self->request = request;
  self->gone = gone;
  self->data = data;
  self->peers = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, peer_free);
  self->source = g_unix_fd_add (fd, G_IO_IN, on_connection, self);
  return self;
}

void
sf_server_free (SfServer *self, bool keeps_socket)
{
  if (self == NULL)
    return;
  g_source_remove (self->source);
  if (!keeps_socket)
    sf_socket_remove (self->folder);
  close (self->fd);
  g_hash_table_unref (self->peers);
  g_free (self->folder);
  g_free (self);
}

unsigned
sf_server_n_peers (const SfServer *self)
{
  return g_hash_table_size (self->peers);
}
