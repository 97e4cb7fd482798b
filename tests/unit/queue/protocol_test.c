/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers: what is read, what is refused; the socket in folders of any length. */
#include "queue/protocol.h"

#include <string.h>
#include <unistd.h>

#include <sf/file.h>

#include "queue/socket.h"
#include "tests/support/sftest.h"

SF_TEST (Protocol, RequestsAndAnswers)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) request = sf_protocol_request ("cancel");
  json_object_set_new (request, "job", json_integer (12));
  size_t n_bytes;
  g_autofree char *line = sf_protocol_line (request, &n_bytes);
  SF_CHECK_STR (line, "{\"do\":\"cancel\",\"job\":12,\"protocol\":1}\n");
  SF_CHECK_INT (n_bytes, strlen (line));
  const char *what = NULL;
  g_autoptr (json_t) read = sf_protocol_read_request (line, n_bytes - 1, &what, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (what, "cancel");
  g_autoptr (json_t) answer = sf_protocol_answer ();
  g_autofree char *text = sf_protocol_line (answer, &n_bytes);
  SF_CHECK_STR (text, "{\"ok\":true,\"protocol\":1}\n");
}

SF_TEST (Protocol, RefusalsKeepTheirCode)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GError) error = NULL;
  sf_fail (&cause, SF_ERROR_NOT_FOUND, "job %d: not \"found\"\n", 7);
  g_autoptr (json_t) refusal = sf_protocol_refusal (cause);
  size_t n_bytes;
  g_autofree char *line = sf_protocol_line (refusal, &n_bytes);
  SF_CHECK_INT (strchr (line, '\n') - line, (int) n_bytes - 1);
  SF_CHECK (sf_protocol_read_answer (line, n_bytes, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "job 7: not \"found\"\n");
}

/* Owned; NULL with an error. */
static GArray *
read_jobs (const char *text, bool *many, GError **error)
{
  g_autofree char *line = g_strdup_printf ("{\"protocol\":1,\"do\":\"hold\",%s}", text);
  const char *what;
  g_autoptr (json_t) request = sf_protocol_read_request (line, strlen (line), &what, error);
  return request != NULL ? sf_protocol_read_jobs (request, many, error) : NULL;
}

SF_TEST (Protocol, JobsOfARequest)
{
  g_autoptr (GError) error = NULL;
  bool many = true;
  g_autoptr (GArray) one = read_jobs ("\"job\":12", &many, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (!many && one->len == 1);
  SF_CHECK_INT (g_array_index (one, int64_t, 0), 12);
  g_autoptr (json_t) request = sf_protocol_request ("hold");
  const int64_t ids[] = { 3, 9000000000000, 1 };
  sf_protocol_name_jobs (request, ids, G_N_ELEMENTS (ids));
  g_autoptr (GArray) three = sf_protocol_read_jobs (request, &many, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_REQUIRE (many && three->len == 3);
  SF_CHECK (memcmp (three->data, ids, sizeof ids) == 0);
  g_autoptr (GArray) none = read_jobs ("\"jobs\":[]", &many, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (many && none->len == 0);
}

SF_TEST (Protocol, BadJobsOfARequest)
{
  static const char *const rows[][2] = {
    { "\"what\":1", "key \"job\": found nothing" },
    { "\"jobs\":12", "jobs: found none, wanted an array of at most 10000 ids" },
    { "\"jobs\":[1,\"2\"]", "jobs: found something else at 1, wanted the id of a job" },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      bool many;
      SF_CHECK (read_jobs (rows[i][0], &many, &error) == NULL);
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, rows[i][1]);
    }
  g_autofree int64_t *ids = g_new0 (int64_t, SF_PROTOCOL_MAX_JOBS + 1);
  g_autoptr (json_t) request = sf_protocol_request ("hold");
  g_autoptr (GError) error = NULL;
  bool many;
  sf_protocol_name_jobs (request, ids, SF_PROTOCOL_MAX_JOBS + 1);
  SF_CHECK (sf_protocol_read_jobs (request, &many, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "jobs: found more");
}

SF_TEST (Protocol, RefusedJobs)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) answer = sf_protocol_answer ();
  g_autoptr (GArray) refusals = sf_refusals_new ();
  SF_CHECK (sf_protocol_read_refusals (answer, refusals, &error) && refusals->len == 0);
  sf_fail (&cause, SF_ERROR_NOT_FOUND, "job 9: not found");
  sf_protocol_refuse_job (answer, 8, cause);
  sf_protocol_refuse_job (answer, 9, cause);
  SF_REQUIRE (sf_protocol_read_refusals (answer, refusals, &error) && refusals->len == 2);
  SF_CHECK_INT (g_array_index (refusals, SfRefusal, 0).job, 8);
  SF_CHECK_INT (g_array_index (refusals, SfRefusal, 1).job, 9);
  SF_CHECK_ERROR (g_array_index (refusals, SfRefusal, 1).error, SF_ERROR_NOT_FOUND,
                  "job 9: not found");
  json_array_append_new (json_object_get (answer, "refused"), json_pack ("{s:i}", "job", 7));
  SF_CHECK (!sf_protocol_read_refusals (answer, refusals, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "key \"error\": found nothing");
}

typedef struct
{
  const char *name, *text, *message;
  SfErrorCode code;
} Bad;

static const Bad bad[] = {
  { "empty", "", "wanted JSON", SF_ERROR_INVALID_DATA },
  { "a list", "[]", "key \"protocol\": found nothing", SF_ERROR_INVALID_DATA },
  { "no protocol", "{\"do\":\"wake\"}", "key \"protocol\": found nothing", SF_ERROR_INVALID_DATA },
  { "a later one", "{\"protocol\":2,\"do\":\"wake\"}", "protocol 2, wanted 1",
    SF_ERROR_INCOMPATIBLE },
  { "nothing to do", "{\"protocol\":1}", "key \"do\": found nothing", SF_ERROR_INVALID_DATA },
  { "a wrong type", "{\"protocol\":1,\"do\":[]}", "key \"do\": found an array",
    SF_ERROR_INVALID_DATA },
  { "twice", "{\"protocol\":1,\"do\":\"wake\",\"do\":\"cancel\"}", "duplicate",
    SF_ERROR_INVALID_DATA },
};

SF_TEST_CASES (Protocol, BadRequests, bad, G_N_ELEMENTS (bad), sf_test_row_name)
{
  const Bad *c = data;
  g_autoptr (GError) error = NULL;
  const char *what = NULL;
  SF_CHECK (sf_protocol_read_request (c->text, strlen (c->text), &what, &error) == NULL);
  SF_CHECK_ERROR (error, c->code, c->message);
}

SF_TEST (Protocol, SocketInALongFolder)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *name = g_strnfill (200, 'x');
  g_autofree char *deep = g_build_filename (folder, name, name, NULL);
  SF_REQUIRE (sf_make_folder (deep, &error));
  SF_CHECK_INT (sf_socket_connect (deep, &error), -1);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "nobody listens");
  int listening = sf_socket_listen (deep, &error);
  SF_REQUIRE_NO_ERROR (error);
  int connected = sf_socket_connect (deep, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_socket_peer_is_same_user (connected));
  close (connected);
  close (listening);
  /* What a killed daemon has left is in nobody's way. */
  SF_CHECK_INT (sf_socket_connect (deep, &error), -1);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "nobody listens");
  int again = sf_socket_listen (deep, &error);
  SF_REQUIRE_NO_ERROR (error);
  close (again);
  sf_socket_remove (deep);
}
