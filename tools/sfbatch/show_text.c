/* SPDX-License-Identifier: Apache-2.0 */
/* Text of users and times, safe to print. */
#include "tools/sfbatch/show_text.h"

#include <stdio.h>
#include <string.h>

#include "tools/tool.h"

enum
{
  MAX_IDS = 100000
};

char *
sf_show_text (const char *text)
{
  GString *shown = g_string_new (NULL);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      if (g_unichar_iscntrl (c))
        g_string_append_printf (shown, "\\x%02x", (unsigned) c);
      else
        g_string_append_unichar (shown, c);
    }
  return g_string_free (shown, FALSE);
}

char *
sf_show_cut (const char *text, int columns)
{
  GString *cut = g_string_new (NULL);
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  bool is_utf8 = g_get_charset (NULL);
  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      c = is_utf8 || c < 0x80 ? c : '?';
      columns -= g_unichar_iszerowidth (c) ? 0 : g_unichar_iswide (c) ? 2 : 1;
      if (columns < 0)
        break;
      g_string_append_unichar (cut, c);
    }
  return g_string_free (cut, FALSE);
}

char *
sf_show_name (const SfJob *job)
{
  g_autofree char *whole = job->element != NULL ? g_strdup_printf ("%s %s", job->name, job->element)
                                                : g_strdup (job->name);
  return sf_show_text (whole);
}

char *
sf_show_time (int64_t time_us)
{
  if (time_us == 0)
    return NULL;
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (time_us / G_USEC_PER_SEC);
  return time != NULL ? g_date_time_format (time, "%Y-%m-%dT%H:%M:%S%z") : NULL;
}

char *
sf_show_duration (int64_t duration_us)
{
  int64_t seconds = MAX (duration_us, 0) / G_USEC_PER_SEC;
  if (seconds < 60)
    return g_strdup_printf ("%.1f s", (double) MAX (duration_us, 0) / G_USEC_PER_SEC);
  if (seconds < 3600)
    return g_strdup_printf ("%d min %d s", (int) (seconds / 60), (int) (seconds % 60));
  return g_strdup_printf ("%" G_GINT64_FORMAT " h %d min", seconds / 3600,
                          (int) (seconds % 3600 / 60));
}

char *
sf_show_bar (double part, int cells)
{
  char *bar = g_strnfill ((gsize) cells, '-');
  memset (bar, '#', (size_t) (CLAMP (part, 0, 1) * cells));
  return bar;
}

json_t *
sf_json_text_or_null (const char *text)
{
  return text != NULL ? json_string (text) : json_null ();
}

json_t *
sf_json_exit (const SfJob *job)
{
  if (!sf_job_state_is_final (job->state))
    return json_null ();
  return json_integer (sf_job_exit (job->state, job->exit_code, job->exit_signal));
}

/* "12" or "12-15" into *first and *last. */
static bool
parse_range (const char *text, gint64 *first, gint64 *last)
{
  g_auto (GStrv) ends = g_strsplit (text, "-", 2);
  const char *end = ends[0] != NULL && ends[1] != NULL ? ends[1] : ends[0];
  return end != NULL && g_ascii_string_to_signed (ends[0], 10, 1, G_MAXINT64 - 1, first, NULL)
         && g_ascii_string_to_signed (end, 10, *first, G_MAXINT64 - 1, last, NULL)
         && *last - *first < MAX_IDS;
}

const SfOption sf_job_ids_options[] = {
  { .name = "ids",
    .type = SF_OPTION_LIST,
    .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "ID...",
    .help = "of the jobs, or ranges of ids" },
  { .name = NULL },
};

GArray *
sf_parse_job_ids (const char *const *texts, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (int64_t));
  for (; *texts != NULL; texts++)
    {
      gint64 first, last;
      if (!parse_range (*texts, &first, &last))
        {
          sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                   "%s: found no job id, wanted a number such as sfbatch list shows, or a range of "
                   "up to %d such as 12-15",
                   *texts, MAX_IDS);
          return NULL;
        }
      for (int64_t id = first; id <= last; id++)
        g_array_append_val (ids, id);
    }
  return g_steal_pointer (&ids);
}

int
sf_show_refusals (const GArray *refusals)
{
  for (guint i = 0; i < refusals->len; i++)
    fprintf (stderr, "%s: %s\n", sf_tool_current ()->name,
             g_array_index (refusals, SfRefusal, i).error->message);
  return refusals->len > 0 ? sf_error_exit_code (g_array_index (refusals, SfRefusal, 0).error) : 0;
}
