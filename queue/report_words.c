/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics, rules and verdicts of a regression run in words. */
#include "queue/report_words.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/report/text.h"

#define MAX_EXACT 1e15 /* up to here a whole number is shown digit by digit */

/* ---- figures ---- */

static const struct
{
  const char *unit;
  double seconds;
} times[] = { { "s", 1 }, { "ms", 1e-3 }, { "us", 1e-6 }, { "ns", 1e-9 } };

static char *
plain_figure (double value, const char *unit, int digits)
{
  g_autofree char *text = value == floor (value) && fabs (value) < MAX_EXACT
                              ? text_count ((int64_t) value)
                              : g_strdup_printf ("%.*g", digits, value);
  return unit[0] != '\0' ? g_strdup_printf ("%s %s", text, unit) : g_steal_pointer (&text);
}

char *
report_figure (double value, const char *unit)
{
  if (isnan (value))
    return g_strdup ("none");
  for (size_t i = 0; i < G_N_ELEMENTS (times); i++)
    if (strcmp (times[i].unit, unit) == 0 && value > 0 && isfinite (value))
      return text_time (value * times[i].seconds);
  if (strcmp (unit, "B") == 0 && value >= 0 && value < MAX_EXACT)
    return text_bytes ((int64_t) value);
  return plain_figure (value, unit, 4);
}

/* Two values that differ do not read alike. */
static void
figures (double a, double b, const char *unit, char **text_a, char **text_b)
{
  *text_a = report_figure (a, unit);
  *text_b = report_figure (b, unit);
  for (int digits = 5; a != b && strcmp (*text_a, *text_b) == 0 && digits <= 17; digits++)
    {
      g_free (*text_a);
      g_free (*text_b);
      *text_a = plain_figure (a, unit, digits);
      *text_b = plain_figure (b, unit, digits);
    }
}

char *
report_allowed (const ReportMetric *metric)
{
  bool has_low = isfinite (metric->low), has_high = isfinite (metric->high);
  if (!has_low && !has_high)
    return g_strdup (isnan (metric->golden) ? "no golden value" : "anything");
  if (metric->low == metric->high)
    return g_strdup ("the same");
  g_autofree char *low = NULL, *high = NULL;
  figures (metric->low, metric->high, metric->unit, &low, &high);
  if (!has_low || !has_high)
    return g_strdup_printf ("at %s %s", has_high ? "most" : "least", has_high ? high : low);
  return g_strdup_printf ("%s to %s", low, high);
}

/* "36 % above", "6.8e+06 times", "below". */
static char *
how_far (double value, double golden)
{
  double share = fabs (value / golden);
  const char *side = value > golden ? "above" : "below";
  if (golden == 0 || !isfinite (share) || value == golden || (value < 0) != (golden < 0))
    return g_strdup (value == golden ? "as" : side);
  if (share >= 3)
    return g_strdup_printf ("%.2g times", share);
  return g_strdup_printf ("%.2g %% %s", fabs (share - 1) * 100, side);
}

/* " (at most 1.1 ms)": the end of what is allowed that the value is beyond; "" when there is no
 * more to it than the golden value. */
static char *
beyond (const ReportMetric *metric)
{
  bool above = metric->value > metric->high;
  if (metric->low == metric->high || (!above && !(metric->value < metric->low)))
    return g_strdup ("");
  g_autofree char *end = report_figure (above ? metric->high : metric->low, metric->unit);
  return g_strdup_printf (" (at %s %s)", above ? "most" : "least", end);
}

char *
report_complaint (const ReportMetric *metric)
{
  const char *label = report_metric_label (metric->key);
  g_autofree char *golden = NULL, *value = NULL;
  figures (metric->value, metric->golden, metric->unit, &value, &golden);
  if (isnan (metric->value))
    return g_strdup_printf ("%s is missing%s%s", label, isnan (metric->golden) ? "" : ", golden ",
                            isnan (metric->golden) ? "" : golden);
  g_autofree char *far = how_far (metric->value, metric->golden), *end = beyond (metric);
  return g_strdup_printf ("%s %s, %s golden %s%s", label, value, far, golden, end);
}

bool
report_is_telling (const ReportMetric *metric)
{
  return !metric->ok && !(isnan (metric->golden) && !isnan (metric->value));
}

char *
report_verdict (const ReportCase *found)
{
  size_t n = 0;
  g_autofree char *first = NULL;
  for (guint i = 0; i < found->metrics->len && found->state == REPORT_FAILED; i++)
    if (report_is_telling (report_case_metric (found, i)) && n++ == 0)
      first = report_complaint (report_case_metric (found, i));
  if (n > 1)
    {
      g_autofree char *more = report_many (n - 1, "more metric", "more metrics");
      return g_strdup_printf ("%s; and %s", first, more);
    }
  if (n == 1)
    return g_steal_pointer (&first);
  return g_strdup (found->reason[0] != '\0' ? found->reason : "for no known reason");
}

char *
report_parameter (const json_t *value)
{
  if (json_is_string (value))
    return g_strdup (json_string_value (value));
  char *json = json_dumps (value, JSON_ENCODE_ANY | JSON_COMPACT);
  char *text = g_strdup (json != NULL ? json : "");
  free (json);
  return text;
}

/* ---- times and counts ---- */

char *
report_time (GDateTime *time, bool day)
{
  return g_date_time_format (time, day ? "%Y-%m-%d" : "%Y-%m-%d %H:%M UTC");
}

char *
report_duration (double seconds)
{
  if (!(seconds >= 100) || seconds > 1e12)
    return g_strdup_printf ("%.1f s", seconds);
  int64_t whole = (int64_t) (seconds + 0.5), minutes = whole / 60;
  return minutes < 60
             ? g_strdup_printf ("%" PRId64 " min %" PRId64 " s", minutes, whole % 60)
             : g_strdup_printf ("%" PRId64 " h %" PRId64 " min", minutes / 60, minutes % 60);
}

char *
report_many (size_t n, const char *one, const char *many)
{
  return g_strdup_printf ("%zu %s", n, n == 1 ? one : many);
}

static size_t
runs_with (const ReportTrack *track, size_t from, size_t to)
{
  size_t n = 0;
  for (size_t i = from; i < to; i++)
    n += track->states->data[i] != REPORT_ABSENT;
  return n;
}

char *
report_since (const ReportHistory *history, const ReportTrack *track)
{
  size_t now = history->nights->len - 1;
  g_autofree char *day = report_time (report_night (history, track->since)->started, true);
  bool still = track->news == NEWS_STILL;
  if (still || track->news == NEWS_MENDED)
    {
      size_t n = runs_with (track, track->since, still ? now + 1 : now);
      g_autofree char *runs = report_many (n, "run", "runs");
      return g_strdup_printf ("%s since %s%s, %s", still ? "broken" : "had been broken", day,
                              track->since_ever ? " or before" : "", runs);
    }
  if (track->news == NEWS_BROKEN)
    return g_strdup ("passed in the run before");
  return g_strdup (track->news == NEWS_FIRST && now > 0 ? "was not run before" : "");
}
