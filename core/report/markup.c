/* SPDX-License-Identifier: Apache-2.0 */
/* Markup: escaping happens here and nowhere else. */
#include "core/report/markup.h"

#include <string.h>

void
markup_init (Markup *markup)
{
  *markup = (Markup){ .text = g_string_new (NULL), .open = g_ptr_array_new () };
}

void
markup_clear (Markup *markup)
{
  g_string_free (markup->text, TRUE);
  g_ptr_array_unref (markup->open);
}

/* Not g_markup_escape_text: it lets through what no document may hold, control characters and bytes
 * that are no UTF-8. */
static void
append_escaped (GString *to, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      switch (c)
        {
        case '<':
          g_string_append (to, "&lt;");
          break;
        case '>':
          g_string_append (to, "&gt;");
          break;
        case '&':
          g_string_append (to, "&amp;");
          break;
        case '"':
          g_string_append (to, "&quot;");
          break;
        case '\'':
          g_string_append (to, "&#39;");
          break;
        default:
          {
            bool allowed = c >= 0x20 ? !(c >= 0x7f && c < 0xa0) && c != 0xfffe && c != 0xffff
                                     : c == '\n' || c == '\t';
            g_string_append_unichar (to, allowed ? c : 0xfffd);
          }
        }
    }
}

static void
close_tag (Markup *markup)
{
  if (markup->in_tag)
    g_string_append_c (markup->text, '>');
  markup->in_tag = false;
}

void
markup_begin (Markup *markup, const char *tag)
{
  close_tag (markup);
  g_string_append_c (markup->text, '<');
  g_string_append (markup->text, tag);
  g_ptr_array_add (markup->open, (gpointer) tag);
  markup->in_tag = true;
}

void
markup_attr (Markup *markup, const char *name, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *value = g_strdup_vprintf (format, args);
  va_end (args);
  g_string_append_printf (markup->text, " %s=\"", name);
  append_escaped (markup->text, value);
  g_string_append_c (markup->text, '"');
}

static void G_GNUC_PRINTF (2, 0) append_text (Markup *markup, const char *format, va_list args)
{
  g_autofree char *value = g_strdup_vprintf (format, args);
  close_tag (markup);
  append_escaped (markup->text, value);
}

void
markup_text (Markup *markup, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  append_text (markup, format, args);
  va_end (args);
}

void
markup_plain (Markup *markup, const char *text)
{
  close_tag (markup);
  g_string_append (markup->text, text);
}

void
markup_end (Markup *markup)
{
  static const char *const empty[] = { "meta", "br", NULL }; /* HTML ends them itself */
  static const char *const blocks[] = { "tr", "table",   "svg", "p",     "h1",   "h2",
                                        "h3", "details", "div", "style", "head", NULL };
  const char *tag = g_ptr_array_steal_index (markup->open, markup->open->len - 1);
  if (markup->in_tag && g_strv_contains (empty, tag))
    g_string_append (markup->text, "/>");
  else
    {
      close_tag (markup);
      g_string_append_printf (markup->text, "</%s>", tag);
    }
  markup->in_tag = false;
  if (g_strv_contains (blocks, tag))
    g_string_append_c (markup->text, '\n');
}

void
markup_element (Markup *markup, const char *tag, const char *class_name, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  markup_begin (markup, tag);
  if (class_name != NULL)
    markup_attr (markup, "class", "%s", class_name);
  append_text (markup, format, args);
  markup_end (markup);
  va_end (args);
}
