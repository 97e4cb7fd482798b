/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: lines of the daemon's socket, as requests and as answers. */
#include "queue/protocol.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/target.h"

/* What was taken for a message can be sent on, and is then taken again. */
static void
send_on (const json_t *message)
{
  size_t n_bytes;
  g_autofree char *line = sf_protocol_line (message, &n_bytes);
  const char *what = NULL;
  g_autoptr (json_t) again = sf_protocol_read_request (line, n_bytes - 1, &what, NULL);
  if (again == NULL || memchr (line, '\n', n_bytes) != line + n_bytes - 1)
    abort ();
}

/* Its jobs, as a request; those that it refuses, as an answer. */
static void
read_jobs (const json_t *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) told = NULL;
  bool many;
  g_autoptr (GArray) ids = sf_protocol_read_jobs (message, &many, &error);
  if ((ids != NULL) != (error == NULL) || (ids != NULL && ids->len > SF_PROTOCOL_MAX_JOBS))
    abort ();
  g_autoptr (GArray) refusals = sf_refusals_new ();
  if (sf_protocol_read_refusals (message, refusals, &told) != (told == NULL))
    abort ();
}

static void
read_line (const char *line, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) told = NULL;
  const char *what = NULL;
  g_autoptr (json_t) request = sf_protocol_read_request (line, n_bytes, &what, &error);
  if ((request != NULL) != (error == NULL) || (request != NULL && what == NULL))
    abort ();
  if (request != NULL)
    {
      send_on (request);
      read_jobs (request);
    }
  else
    json_decref (sf_protocol_refusal (error));
  g_autoptr (json_t) answer = sf_protocol_read_answer (line, n_bytes, &told);
  if ((answer != NULL) != (told == NULL))
    abort ();
  if (answer != NULL)
    read_jobs (answer);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  const char *text = (const char *) data;
  for (size_t from = 0; from < n_bytes;)
    {
      const char *end = memchr (text + from, '\n', n_bytes - from);
      size_t n = end != NULL ? (size_t) (end - text) - from : n_bytes - from;
      read_line (text + from, n);
      from += n + 1;
    }
  return 0;
}
