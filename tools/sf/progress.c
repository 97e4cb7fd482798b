/* SPDX-License-Identifier: Apache-2.0 */
/* The bar on a terminal, and the file of SF_PROGRESS. */
#include "tools/sf/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sf/json.h>
#include <sf/log.h>

enum
{
  BAR_CELLS = 30,
  BAR_AFTER_US = 2000000,
  BAR_EVERY_US = 100000,
  LINE_EVERY_US = 500000,
};

/* ---- the bar: of one epoch ---- */

static struct
{
  gint64 start, shown; /* us */
  int64_t last;        /* batch */
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

static char *
time_text (double seconds)
{
  if (seconds < 60)
    return g_strdup_printf ("%.0f s", seconds);
  return g_strdup_printf ("%d:%02d min", (int) (seconds / 60), (int) seconds % 60);
}

static char *
label_text (const SfVerbProgress *now)
{
  if (now->epochs == 0)
    return g_strdup (now->verb);
  return g_strdup_printf ("epoch %" G_GINT64_FORMAT "  loss %.4f", now->epoch, now->loss);
}

static void
draw_bar (const SfVerbProgress *now)
{
  char cells[BAR_CELLS + 1];
  int filled = (int) (BAR_CELLS * now->batch / now->batches);
  memset (cells, '-', BAR_CELLS);
  memset (cells, '#', (size_t) filled);
  cells[BAR_CELLS] = '\0';
  double rate = (double) now->batch / ((double) (bar.shown - bar.start) * 1e-6);
  g_autofree char *label = label_text (now);
  g_autofree char *left = time_text (rate > 0 ? (double) (now->batches - now->batch) / rate : 0);
  fprintf (stderr, "\r\033[K%s [%s] %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT "  %.1f/s  %s left",
           label, cells, now->batch, now->batches, rate, left);
  fflush (stderr);
}

static void
update_bar (const SfVerbProgress *now, gint64 time)
{
  if (bar.start == 0 || now->batch < bar.last)
    bar.start = time;
  bar.last = now->batch;
  if (now->batch >= now->batches)
    {
      if (bar.visible)
        fputs ("\r\033[K", stderr);
      bar.visible = false;
      bar.start = 0;
    }
  else if (time - bar.start >= BAR_AFTER_US && time - bar.shown >= BAR_EVERY_US)
    {
      bar.shown = time;
      bar.visible = true;
      draw_bar (now);
    }
}

/* ---- the lines: of the whole work ---- */

static struct
{
  int fd;              /* -1: none wanted, or not possible */
  gint64 start, shown; /* us */
  int64_t n_done;      /* batches since `start` */
} lines;

static void
open_lines (void)
{
  const char *path = g_getenv (SF_PROGRESS_VARIABLE);
  lines.fd = path == NULL || path[0] == '\0'
                 ? -1
                 : open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (lines.fd < 0 && path != NULL && path[0] != '\0')
    sf_log (SF_LOG_WARNING, "%s: cannot write progress: %s", path, g_strerror (errno));
}

/* Nothing for what is not known: JSON has no NAN. */
static void
set_real (json_t *line, const char *name, double value)
{
  if (isfinite (value))
    json_object_set_new (line, name, json_real (value));
}

static void
write_line (const SfVerbProgress *now, gint64 time)
{
  double seconds = (double) (time - lines.start) * 1e-6,
         rate = lines.n_done > 0 && seconds > 0 ? (double) lines.n_done / seconds : NAN;
  g_autoptr (json_t) line = json_pack ("{s:f, s:s}", "at", (double) g_get_real_time () * 1e-6, "do",
                                       now->verb);
  if (now->epochs > 0)
    {
      json_object_set_new (line, "epoch", json_integer (now->epoch));
      json_object_set_new (line, "epochs", json_integer (now->epochs));
    }
  json_object_set_new (line, "batch", json_integer (now->batch));
  json_object_set_new (line, "batches", json_integer (now->batches));
  set_real (line, "loss", now->loss);
  set_real (line, "test_accuracy", now->test_accuracy);
  set_real (line, "batches_per_second", rate);
  set_real (line, "eta_s", now->left == 0 ? 0 : (double) now->left / rate);
  g_autofree char *text = NULL;
  char *packed = json_dumps (line, JSON_COMPACT | JSON_REAL_PRECISION (16));
  text = g_strconcat (packed, "\n", NULL);
  free (packed);
  /* One write: whoever reads sees whole lines. A disk that is full costs the line, not the work. */
  if (write (lines.fd, text, strlen (text)) < 0 && errno != ENOSPC)
    {
      close (lines.fd);
      lines.fd = -1;
    }
}

static void
update_lines (const SfVerbProgress *now, gint64 time)
{
  if (lines.start == 0)
    {
      open_lines ();
      lines.start = time; /* after the first batch, which may have warmed things up */
    }
  else
    lines.n_done++;
  if (lines.fd < 0 || (now->left > 0 && time - lines.shown < LINE_EVERY_US))
    return;
  lines.shown = time;
  write_line (now, time);
}

void
sf_verb_progress (const SfVerbProgress *now)
{
  gint64 time = g_get_monotonic_time ();
  update_lines (now, time);
  if (has_terminal ())
    update_bar (now, time);
}
