/* SPDX-License-Identifier: Apache-2.0 */
/* What is said on the daemon's socket: one JSON object a line, an answer for each request.
 *
 *   {"protocol":1,"do":"cancel","job":12}     ->  {"protocol":1,"ok":true}
 *   {"protocol":1,"do":"cancel","job":99}     ->  {"protocol":1,"ok":false,"error":"not-found",
 *                                                  "message":"job 99: not found; ..."}
 *   {"protocol":1,"do":"cancel","jobs":[12,99]}  ->
 *     {"protocol":1,"ok":true,"refused":[{"job":99,"error":"not-found","message":"job 99: ..."}]}
 *
 * Members that a reader does not know are none of its business; another protocol is refused. */
#ifndef QUEUE_PROTOCOL_H
#define QUEUE_PROTOCOL_H

#include <sf/json.h>

enum
{
  SF_PROTOCOL_VERSION = 1,
  SF_PROTOCOL_MAX_REQUEST = 1 << 20, /* bytes of a line, its end included */
  SF_PROTOCOL_MAX_ANSWER = 64 << 20,
  SF_PROTOCOL_MAX_JOBS = 10000, /* named in one request */
};

/* {"protocol":1,"do":what}. Owned: json_decref. */
json_t *sf_protocol_request (const char *what);
/* {"protocol":1,"ok":true}, to be added to. Owned. */
json_t *sf_protocol_answer (void);
/* Adds "warning": what whoever asked should know besides. */
void sf_protocol_warn (json_t *answer, const char *text);
/* {"protocol":1,"ok":false,...}. Owned. */
json_t *sf_protocol_refusal (const GError *error);
/* Its text with the end of the line. Owned: g_free. */
char *sf_protocol_line (const json_t *message, size_t *n_bytes);

/* A request as it came, without the end of the line; *what is borrowed from the result. Owned; NULL
 * with an error. */
json_t *sf_protocol_read_request (const char *line, size_t n_bytes, const char **what,
                                  GError **error);
/* An answer; NULL with the error that it tells of, or one about itself. Owned. */
json_t *sf_protocol_read_answer (const char *line, size_t n_bytes, GError **error);

/* ---- several jobs in one request ---- */

/* Names `n` of them, at most SF_PROTOCOL_MAX_JOBS, as "jobs". */
void sf_protocol_name_jobs (json_t *request, const int64_t *ids, size_t n);
/* The ids that a request names, int64_t: the one of "job", or, *many, those of "jobs". Owned:
 * g_array_unref; NULL with an error. */
GArray *sf_protocol_read_jobs (const json_t *request, bool *many, GError **error);

/* What could not be done for one of many. */
typedef struct
{
  int64_t job;
  GError *error;
} SfRefusal;

/* An empty array of SfRefusal that frees their errors. */
GArray *sf_refusals_new (void);
/* Adds to "refused" of an answer. */
void sf_protocol_refuse_job (json_t *answer, int64_t job, const GError *error);
/* Adds those of "refused" to `refusals`. */
bool sf_protocol_read_refusals (const json_t *answer, GArray *refusals, GError **error);

#endif
