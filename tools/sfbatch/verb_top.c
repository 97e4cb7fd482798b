/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `top`: what goes on in the queue, on a screen that stays up to date. */
#include <locale.h>
#include <ncurses.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/sfbatch/board.h"
#include "tools/sfbatch/show_text.h"
#include "tools/sfbatch/verbs.h"

enum
{
  ESCAPE = 27,
};

static const SfOption top_options[] = {
  { .name = "interval",
    .type = SF_OPTION_FLOAT,
    .def = "1",
    .min = 0.1,
    .max = 3600,
    .arg = "SECONDS",
    .help = "between two looks" },
  { .name = "once",
    .type = SF_OPTION_BOOL,
    .help = "print what there is now and end, as when stdout is no terminal" },
  { .name = NULL },
};

static bool
print_once (SfQueue *queue, GError **error)
{
  g_autoptr (GPtrArray) lines = sf_board_read (queue, error);
  for (guint i = 0; lines != NULL && i < lines->len; i++)
    puts (((const SfBoardLine *) lines->pdata[i])->text);
  return lines != NULL;
}

/* ---- the screen ---- */

static void
start_colours (void)
{
  if (!has_colors ())
    return;
  start_color ();
  use_default_colors ();
  init_pair (SF_BOARD_GOOD, COLOR_GREEN, -1);
  init_pair (SF_BOARD_BAD, COLOR_RED, -1);
  init_pair (SF_BOARD_WAITING, COLOR_YELLOW, -1);
}

static attr_t
tone_attributes (SfBoardTone tone)
{
  if (tone == SF_BOARD_HEAD)
    return A_REVERSE;
  return tone == SF_BOARD_PLAIN || !has_colors () ? A_NORMAL : (attr_t) COLOR_PAIR (tone);
}

static void
draw_line (int row, const char *text)
{
  g_autofree char *cut = sf_show_cut (text, COLS);
  mvaddstr (row, 0, cut);
}

static void
draw (const GPtrArray *lines, int first)
{
  erase ();
  for (int row = 0; row < LINES - 1 && first + row < (int) lines->len; row++)
    {
      const SfBoardLine *line = lines->pdata[first + row];
      attr_t attributes = tone_attributes (line->tone);
      attron (attributes);
      draw_line (row, line->text);
      attroff (attributes);
    }
  draw_line (LINES - 1, "q quits, arrows and page keys scroll");
  refresh ();
}

/* The first line to be shown after a key. */
static int
scrolled (int first, int key, int n_lines)
{
  int page = MAX (LINES - 2, 1);
  first += key == KEY_DOWN ? 1 : key == KEY_UP ? -1 : key == KEY_NPAGE ? page : 0;
  first = key == KEY_PPAGE ? first - page : key == KEY_HOME ? 0 : first;
  return CLAMP (first, 0, MAX (n_lines - page, 0));
}

/* Draws and reads keys until it is time for the next look; true to end. */
static bool
show_until (const GPtrArray *lines, int *first, gint64 next_us)
{
  for (;;)
    {
      *first = scrolled (*first, ERR, (int) lines->len);
      draw (lines, *first);
      gint64 left = next_us - g_get_monotonic_time ();
      if (left <= 0)
        return false;
      timeout ((int) (left / 1000) + 1);
      int key = getch ();
      if (key == 'q' || key == 'Q' || key == ESCAPE)
        return true;
      *first = scrolled (*first, key, (int) lines->len);
    }
}

static bool
run_screen (SfQueue *queue, double interval_s, GError **error)
{
  setlocale (LC_CTYPE, "");
  SCREEN *screen = newterm (NULL, stdout, stdin);
  if (screen == NULL)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "top: found a terminal \"%s\" that is not known here; set TERM, or use --once",
                    g_getenv ("TERM") != NULL ? g_getenv ("TERM") : "");
  cbreak ();
  noecho ();
  keypad (stdscr, TRUE);
  curs_set (0);
  start_colours ();
  bool good = true, ended = false;
  for (int first = 0; good && !ended;)
    {
      gint64 next = g_get_monotonic_time () + (gint64) (interval_s * G_USEC_PER_SEC);
      g_autoptr (GPtrArray) lines = sf_board_read (queue, error);
      good = lines != NULL;
      ended = !good || show_until (lines, &first, next);
    }
  endwin ();
  delscreen (screen);
  return good;
}

static int
run_top (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfQueue) queue = sf_queue_open (error);
  if (queue == NULL)
    return 1;
  bool once = sf_option_bool (options, "once") || isatty (STDOUT_FILENO) != 1
              || isatty (STDIN_FILENO) != 1;
  bool good = once ? print_once (queue, error)
                   : run_screen (queue, sf_option_float (options, "interval"), error);
  return good ? 0 : 1;
}

const SfVerb sf_batch_top = {
  .name = "top",
  .summary = "a live screen: jobs, progress, loss, what the machine gives out",
  .example = "sfbatch top\nsfbatch top --once",
  .options = top_options,
  .run = run_top,
};
