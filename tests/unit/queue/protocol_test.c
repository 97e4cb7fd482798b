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
