/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers of the daemon as JSON. */
#include "queue/protocol.h"

#include <stdlib.h>
#include <string.h>

json_t *
sf_protocol_request (const char *what)
{
  return json_pack ("{s:i, s:s}", "protocol", SF_PROTOCOL_VERSION, "do", what);
}

json_t *
sf_protocol_answer (void)
{
  return json_pack ("{s:i, s:b}", "protocol", SF_PROTOCOL_VERSION, "ok", 1);
}

void
sf_protocol_warn (json_t *answer, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  json_object_set_new (answer, "warning", json_string (valid));
}

json_t *
sf_protocol_refusal (const GError *error)
{
  SfErrorCode code = error->domain == SF_ERROR ? (SfErrorCode) error->code : SF_ERROR_IO;
  g_autofree char *message = g_utf8_make_valid (error->message, -1);
  return json_pack ("{s:i, s:b, s:s, s:s}", "protocol", SF_PROTOCOL_VERSION, "ok", 0, "error",
                    sf_error_code_name (code), "message", message);
}

char *
sf_protocol_line (const json_t *message, size_t *n_bytes)
{
  char *text = sf_json_text (message);
  char *line = g_strdup_printf ("%s\n", text);
  free (text);
  *n_bytes = strlen (line);
  return line;
}

/* An object of this protocol. */
static json_t *
read_message (const char *line, size_t n_bytes, const char *name, GError **error)
{
  g_autoptr (json_t) root = sf_json_parse (line, n_bytes, name, error);
  int64_t protocol = 0;
  if (root == NULL || !sf_json_get_int (root, "protocol", &protocol, name, error))
    return NULL;
  if (protocol == SF_PROTOCOL_VERSION)
    return g_steal_pointer (&root);
  sf_fail (error, SF_ERROR_INCOMPATIBLE,
           "%s: protocol %" G_GINT64_FORMAT ", wanted %d; use sfbatch and sfd of one Spatialflow",
           name, protocol, SF_PROTOCOL_VERSION);
  return NULL;
}

json_t *
sf_protocol_read_request (const char *line, size_t n_bytes, const char **what, GError **error)
{
  g_autoptr (json_t) root = read_message (line, n_bytes, "request", error);
  if (root == NULL || !sf_json_get_string (root, "do", what, "request", error))
    return NULL;
  return g_steal_pointer (&root);
}

static SfErrorCode
code_of_name (const char *name)
{
  for (int code = 0; code <= SF_ERROR_INTERNAL; code++)
    if (strcmp (sf_error_code_name ((SfErrorCode) code), name) == 0)
      return (SfErrorCode) code;
  return SF_ERROR_IO;
}

json_t *
sf_protocol_read_answer (const char *line, size_t n_bytes, GError **error)
{
  g_autoptr (json_t) root = read_message (line, n_bytes, "sfd's answer", error);
  if (root == NULL || json_is_true (json_object_get (root, "ok")))
    return g_steal_pointer (&root);
  const char *name = NULL, *message = NULL;
  if (sf_json_get_string (root, "error", &name, "sfd's answer", error)
      && sf_json_get_string (root, "message", &message, "sfd's answer", error))
    sf_fail (error, code_of_name (name), "%s", message);
  return NULL;
}
