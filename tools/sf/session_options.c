/* SPDX-License-Identifier: Apache-2.0 */
/* Options, signals and progress of the verbs that run a PEF. */
#include "tools/sf/session_options.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

volatile int sf_verb_cancelled;

static void
on_signal (int number)
{
  sf_verb_cancelled = number;
}

void
sf_verb_catch_signals (void)
{
  struct sigaction action = { .sa_handler = on_signal,
                              .sa_flags = (int) SA_RESETHAND | SA_RESTART };
  sigaction (SIGTERM, &action, NULL);
  sigaction (SIGINT, &action, NULL);
}

SfSession *
sf_verb_open_session (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfPef) pef = sf_pef_open (sf_option_string (options, "pef"), error);
  if (pef == NULL)
    return NULL;
  const SfSessionOptions session = {
    .backend = sf_option_string (options, "backend"),
    .n_threads = (int) sf_option_int (options, "threads"),
    .f64 = strcmp (sf_option_string (options, "precision"), "f64") == 0,
    .exact_firing = sf_option_bool (options, "exact-firing"),
  };
  return sf_session_open (pef, &session, error);
}

SfData
sf_verb_data (const SfOptionValues *options)
{
  return (SfData){ .path = sf_option_string (options, "data"),
                   .dataset = sf_option_string (options, "dataset"),
                   .options = sf_option_list (options, "data-option") };
}

static char *
time_text (double seconds)
{
  if (seconds < 60)
    return g_strdup_printf ("%.0f s", seconds);
  return g_strdup_printf ("%d:%02d min", (int) (seconds / 60), (int) seconds % 60);
}

/* The bar: what it counts, and when it was last seen. */
static struct
{
  gint64 start, shown; /* us */
  int64_t last;
  bool visible;
} bar;

static bool
has_terminal (void)
{
  static int known = -1;
  if (known < 0)
    known = isatty (STDERR_FILENO);
  return known > 0;
}

bool
sf_verb_progress_due (int64_t done, int64_t total)
{
  if (!has_terminal ())
    return false;
  gint64 now = g_get_monotonic_time ();
  if (bar.start == 0 || done < bar.last)
    bar.start = now;
  bar.last = done;
  return done >= total || (now - bar.start >= 2000000 && now - bar.shown >= 100000);
}

void
sf_verb_progress (const char *label, int64_t done, int64_t total)
{
  if (!sf_verb_progress_due (done, total))
    return;
  if (done >= total)
    {
      if (bar.visible)
        fputs ("\r\033[K", stderr);
      bar.visible = false;
      bar.start = 0;
      return;
    }
  bar.shown = g_get_monotonic_time ();
  bar.visible = true;
  char cells[31];
  int filled = (int) (30 * done / total);
  memset (cells, '-', 30);
  memset (cells, '#', (size_t) filled);
  cells[30] = '\0';
  double rate = (double) done / ((double) (bar.shown - bar.start) * 1e-6);
  g_autofree char *left = time_text (rate > 0 ? (double) (total - done) / rate : 0);
  fprintf (stderr, "\r\033[K%s [%s] %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "  %.1f/s  %s left",
           label, cells, done, total, rate, left);
  fflush (stderr);
}
