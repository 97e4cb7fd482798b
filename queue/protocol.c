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

static void
tell_error (json_t *object, const GError *error)
{
  SfErrorCode code = error->domain == SF_ERROR ? (SfErrorCode) error->code : SF_ERROR_IO;
  g_autofree char *message = g_utf8_make_valid (error->message, -1);
  json_object_set_new (object, "error", json_string (sf_error_code_name (code)));
  json_object_set_new (object, "message", json_string (message));
}

json_t *
sf_protocol_refusal (const GError *error)
{
  json_t *answer = json_pack ("{s:i, s:b}", "protocol", SF_PROTOCOL_VERSION, "ok", 0);
  tell_error (answer, error);
  return answer;
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

/* Sets the error that is told of in "error" and "message"; false if they are not there, with an
 * error as well. */
static bool
read_error (const json_t *object, GError **error)
{
  const char *name = NULL, *message = NULL;
  if (!sf_json_get_string (object, "error", &name, "sfd's answer", error)
      || !sf_json_get_string (object, "message", &message, "sfd's answer", error))
    return false;
  sf_fail (error, code_of_name (name), "%s", message);
  return true;
}

json_t *
sf_protocol_read_answer (const char *line, size_t n_bytes, GError **error)
{
  g_autoptr (json_t) root = read_message (line, n_bytes, "sfd's answer", error);
  if (root == NULL || json_is_true (json_object_get (root, "ok")))
    return g_steal_pointer (&root);
  read_error (root, error);
  return NULL;
}

/* ---- several jobs in one request ---- */

void
sf_protocol_name_jobs (json_t *request, const int64_t *ids, size_t n)
{
  json_t *jobs = json_array ();
  for (size_t i = 0; i < n; i++)
    json_array_append_new (jobs, json_integer (ids[i]));
  json_object_set_new (request, "jobs", jobs);
}

static bool
read_ids (const json_t *jobs, GArray *ids, GError **error)
{
  size_t n = json_array_size (jobs);
  if (!json_is_array (jobs) || n > SF_PROTOCOL_MAX_JOBS)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "request: jobs: found %s, wanted an array of at most %d ids",
                    json_is_array (jobs) ? "more" : "none", SF_PROTOCOL_MAX_JOBS);
  for (size_t i = 0; i < n; i++)
    {
      const json_t *job = json_array_get (jobs, i);
      int64_t id = json_integer_value (job);
      if (!json_is_integer (job))
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "request: jobs: found something else at %zu, wanted the id of a job", i);
      g_array_append_val (ids, id);
    }
  return true;
}

GArray *
sf_protocol_read_jobs (const json_t *request, bool *many, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
  const json_t *jobs = json_object_get (request, "jobs");
  int64_t id;
  *many = jobs != NULL;
  if (*many)
    return read_ids (jobs, ids, error) ? g_steal_pointer (&ids) : NULL;
  if (!sf_json_get_int (request, "job", &id, "request", error))
    return NULL;
  g_array_append_val (ids, id);
  return g_steal_pointer (&ids);
}

static void
refusal_clear (void *data)
{
  g_clear_error (&((SfRefusal *) data)->error);
}

GArray *
sf_refusals_new (void)
{
  GArray *refusals = g_array_new (FALSE, FALSE, sizeof (SfRefusal));
  g_array_set_clear_func (refusals, refusal_clear);
  return refusals;
}

void
sf_protocol_refuse_job (json_t *answer, int64_t job, const GError *error)
{
  json_t *refused = json_object_get (answer, "refused");
  json_t *row = json_pack ("{s:I}", "job", (json_int_t) job);
  if (refused == NULL)
    {
      refused = json_array ();
      json_object_set_new (answer, "refused", refused);
    }
  tell_error (row, error);
  json_array_append_new (refused, row);
}

bool
sf_protocol_read_refusals (const json_t *answer, GArray *refusals, GError **error)
{
  const json_t *refused = json_object_get (answer, "refused");
  for (size_t i = 0; i < json_array_size (refused); i++)
    {
      const json_t *row = json_array_get (refused, i);
      SfRefusal refusal = { 0 };
      g_autoptr (GError) own = NULL;
      if (!sf_json_get_int (row, "job", &refusal.job, "sfd's answer", error))
        return false;
      if (!read_error (row, &own))
        {
          g_propagate_error (error, g_steal_pointer (&own));
          return false;
        }
      refusal.error = g_steal_pointer (&own);
      g_array_append_val (refusals, refusal);
    }
  return true;
}
