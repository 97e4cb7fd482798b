/* SPDX-License-Identifier: Apache-2.0 */
/* The verb `manual`: the tool's manual page, written from the tables. */
#include <stdio.h>
#include <string.h>

#include "tools/tool.h"

/* The macros are those of man(7). What is printed is escaped, so that no text is taken for one. */
#define MAX_LINE 76
#define REVISED "2026-11-23" /* the words below and those of the tools' notes */

/* Of codes that end alike the first speaks for all. */
static const char *const exit_words[] = {
  [SF_ERROR_INVALID_ARGUMENT]
  = "an option, an argument or a verb that is not known or not possible",
  [SF_ERROR_INVALID_DATA] = "the content of a file",
  [SF_ERROR_NOT_FOUND] = "what was named does not exist, or what was to be made does",
  [SF_ERROR_INCOMPATIBLE] = "another version of a format, or another machine",
  [SF_ERROR_UNSUPPORTED] = "what cannot be done here, or not yet",
  [SF_ERROR_NO_RESOURCE] = "memory, or units of the RDU",
  [SF_ERROR_TIMEOUT] = "it took too long",
  [SF_ERROR_CANCELLED] = "ended by a signal or on request",
  [SF_ERROR_CHECK_FAILED] = "a comparison failed",
  [SF_ERROR_IO] = "the system refused: a full disk, a permission",
  [SF_ERROR_INTERNAL] = "a defect of Spatialflow",
};

/* `text` as roff reads it. Owned. */
static char *
escaped (const char *text)
{
  GString *out = g_string_new (text[0] == '.' || text[0] == '\'' ? "\\&" : "");
  for (; *text != '\0'; text = g_utf8_next_char (text))
    {
      gunichar c = g_utf8_get_char (text);
      if (c == '\\')
        g_string_append (out, "\\e");
      else if (c == '-')
        g_string_append (out, "\\-");
      else if (c > 0x7e)
        g_string_append_printf (out, "\\[u%04X]", c);
      else
        g_string_append_unichar (out, c);
    }
  return g_string_free (out, FALSE);
}

static void
print_line (const char *text)
{
  g_autofree char *safe = escaped (text);
  printf ("%s\n", safe);
}

/* Text that is filled: in lines that an editor likes. */
static void
print_text (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  g_autoptr (GString) line = g_string_new (NULL);
  for (char **word = words; *word != NULL; word++)
    {
      if (line->len > 0 && line->len + strlen (*word) >= MAX_LINE)
        {
          print_line (line->str);
          g_string_truncate (line, 0);
        }
      g_string_append_printf (line, "%s%s", line->len > 0 ? " " : "", *word);
    }
  print_line (line->str);
}

static void
print_item (const char *term, const char *text)
{
  g_autofree char *safe = escaped (term);
  printf (".TP\n\\fB%s\\fR\n", safe);
  print_text (text);
}

static void
print_example (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  printf (".PP\n.nf\n.RS\n");
  for (char **line = lines; *line != NULL; line++)
    print_line (*line);
  printf (".RE\n.fi\n");
}

static void
print_sentence (const char *text)
{
  g_autofree char *sentence = g_strconcat (text, ".", NULL);
  sentence[0] = g_ascii_toupper (sentence[0]);
  print_text (sentence);
}

static void
print_options (const SfOption *table)
{
  for (const SfOption *option = table; option != NULL && option->name != NULL; option++)
    {
      g_autofree char *head = sf_option_help_head (option), *text = sf_option_help_text (option);
      if ((option->flags & SF_OPTION_HIDDEN) == 0)
        print_item (head, text);
    }
}

static void
print_verb (const SfTool *tool, const SfVerb *verb)
{
  g_autofree char *usage = sf_tool_usage (tool, verb), *safe = escaped (usage);
  printf (".SS %s\n", safe);
  print_sentence (verb->summary);
  print_options (verb->options);
  print_example (verb->example);
}

static void
print_exit_status (void)
{
  printf (".SH EXIT STATUS\n");
  print_item ("0", "done");
  for (int code = 0; code <= SF_ERROR_INTERNAL; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (SF_ERROR, code, "");
      g_autofree char *exit = g_strdup_printf ("%d", sf_error_exit_code (error));
      if (exit_words[code] != NULL)
        print_item (exit, exit_words[code]);
    }
}

/* Notes of one section; a heading before them unless the tables have given it. */
static void
print_notes (const SfTool *tool, const char *section, bool with_heading)
{
  bool first = with_heading;
  for (const SfManualNote *note = tool->notes; note != NULL && note->section != NULL; note++)
    {
      if (strcmp (note->section, section) != 0)
        continue;
      if (first)
        printf (".SH %s\n", section);
      first = false;
      if (note->term != NULL)
        print_item (note->term, note->text);
      else
        {
          if (note != tool->notes && !with_heading)
            printf (".PP\n");
          print_text (note->text);
        }
    }
}

static int
run_manual (const SfOptionValues *options, GError **error)
{
  const SfTool *tool = sf_tool_current ();
  g_autofree char *name = g_ascii_strup (tool->name, -1), *summary = escaped (tool->summary);
  printf (".TH %s 1 %s \"Spatialflow %s\" \"User Commands\"\n.SH NAME\n%s \\- %c%s\n", name,
          REVISED, PACKAGE_VERSION, tool->name, g_ascii_tolower (summary[0]), summary + 1);
  printf (".SH SYNOPSIS\n\\fB%s\\fR \\fIVERB\\fR [\\fIOPTION\\fR]...\n.SH DESCRIPTION\n",
          tool->name);
  print_sentence (tool->summary);
  print_notes (tool, "DESCRIPTION", false);
  print_example (tool->example);
  printf (".SH VERBS\n");
  for (const SfVerb *const *verb = tool->verbs; *verb != NULL; verb++)
    print_verb (tool, *verb);
  static const SfVerb none;
  g_autofree SfOption *global = sf_tool_option_table (&none);
  printf (".SH GLOBAL OPTIONS\nEvery verb takes these.\n");
  print_options (global);
  print_exit_status ();
  print_notes (tool, "EXIT STATUS", false);
  print_notes (tool, "ENVIRONMENT", true);
  print_notes (tool, "FILES", true);
  print_notes (tool, "SEE ALSO", true);
  return 0;
}

const SfVerb sf_verb_manual = {
  .name = "manual",
  .summary = "print this tool's manual page",
  .example = "sf manual | man -l -\nsfbatch manual | man -l -",
  .options = NULL,
  .run = run_manual,
};
