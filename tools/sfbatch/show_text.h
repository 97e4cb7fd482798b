/* SPDX-License-Identifier: Apache-2.0 */
/* Text of users and times, as a terminal or a JSON object shows them. */
#ifndef TOOLS_SFBATCH_SHOW_TEXT_H
#define TOOLS_SFBATCH_SHOW_TEXT_H

#include <sf/json.h>
#include <sf/options.h>
#include <stdint.h>

#include "queue/queue.h"

/* `text` with control characters written as \x1b. Owned: g_free. */
char *sf_show_text (const char *text);

/* The beginning of `text` that fits into so many columns of a terminal, with "?" for what the
 * locale does not have. Owned: g_free. */
char *sf_show_cut (const char *text, int columns);

/* "digits", with its element if it has one: "digits batch=1". Owned: g_free. */
char *sf_show_name (const SfJob *job);

/* "2026-03-01T12:00:00+0100"; NULL for 0. Owned: g_free. */
char *sf_show_time (int64_t time_us);
/* "1.2 s", "3 min 20 s", "2 h 5 min". Owned: g_free. */
char *sf_show_duration (int64_t duration_us);
/* "#####-----" of `cells` cells, filled to `part` of it, 0 to 1. Owned: g_free. */
char *sf_show_bar (double part, int cells);

/* A string, or null for NULL. */
json_t *sf_json_text_or_null (const char *text);
/* What `wait` returns for the job; null while it has not ended. */
json_t *sf_json_exit (const SfJob *job);

/* Of a verb that takes ids and nothing else. */
extern const SfOption sf_job_ids_options[];
/* The ids in `texts`, each "12" or "12-15", as int64_t. Owned: g_array_unref. */
GArray *sf_parse_job_ids (const char *const *texts, GError **error);
/* Says on stderr of each job (SfRefusal) why it could not be done; the exit code of the first, 0
 * when there is none. */
int sf_show_refusals (const GArray *refusals);

#endif
