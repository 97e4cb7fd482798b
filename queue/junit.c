/* SPDX-License-Identifier: Apache-2.0 */
/* Results as JUnit XML, as CI systems read it. */
#include <string.h>

#include "queue/results.h"

/* Text of an element or an attribute; what XML 1.0 cannot hold at all becomes '?'. */
static void
append_text (GString *xml, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);
      bool fits = c == '\t' || c == '\n' || (c >= 0x20 && c != 0xfffe && c != 0xffff);
      if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\n' || c == '\t')
        g_string_append_printf (xml, "&#%u;", (unsigned) c);
      else if (fits)
        g_string_append_unichar (xml, c);
      else
        g_string_append_c (xml, '?');
    }
}

static void
append_attribute (GString *xml, const char *name, const char *value)
{
  g_string_append_printf (xml, " %s=\"", name);
  append_text (xml, value != NULL ? value : "");
  g_string_append_c (xml, '"');
}

static void
append_seconds (GString *xml, const json_t *value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  append_attribute (xml, "time",
                    g_ascii_formatd (text, sizeof text, "%.3f", json_number_value (value)));
}

static const char *
text_of (const json_t *object, const char *key)
{
  const char *text = json_string_value (json_object_get (object, key));
  return text != NULL ? text : "";
}

/* What a person who reads it in a CI system wants to know. */
static void
append_details (GString *xml, const json_t *row)
{
  const json_t *difference = json_object_get (row, "first_difference");
  if (json_is_object (difference))
    {
      append_text (xml, "first difference: ");
      append_text (xml, text_of (difference, "entry"));
      append_text (xml, ", ");
      append_text (xml, text_of (difference, "text"));
      append_text (xml, "\n");
    }
  append_text (xml, "repeat: ");
  append_text (xml, text_of (row, "repeat"));
  append_text (xml, "\n");
  append_text (xml, text_of (row, "log"));
}

static void
append_case (GString *xml, const char *suite, const json_t *row)
{
  const char *state = text_of (row, "state");
  g_autofree char *class = g_strdup_printf ("%s.%s", suite, text_of (row, "model"));
  g_string_append (xml, "  <testcase");
  append_attribute (xml, "classname", class);
  append_attribute (xml, "name", text_of (row, "name"));
  append_seconds (xml, json_object_get (row, "duration_s"));
  if (strcmp (state, "passed") == 0)
    {
      g_string_append (xml, "/>\n");
      return;
    }
  const char *element = strcmp (state, "error") == 0 ? "error" : "failure";
  g_string_append_printf (xml, ">\n    <%s", element);
  append_attribute (xml, "message", text_of (row, "reason"));
  g_string_append_c (xml, '>');
  append_details (xml, row);
  g_string_append_printf (xml, "</%s>\n  </testcase>\n", element);
}

char *
sf_results_junit (const json_t *results)
{
  const char *suite = text_of (results, "suite");
  const json_t *cases = json_object_get (results, "cases");
  GString *xml = g_string_new ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite");
  append_attribute (xml, "name", suite);
  append_attribute (xml, "timestamp", text_of (results, "started"));
  append_attribute (xml, "hostname", text_of (json_object_get (results, "machine"), "host"));
  append_seconds (xml, json_object_get (results, "duration_s"));
  g_string_append_printf (xml, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n",
                          json_array_size (cases), sf_results_count (results, "failed"),
                          sf_results_count (results, "error"));
  for (size_t i = 0; i < json_array_size (cases); i++)
    append_case (xml, suite, json_array_get (cases, i));
  g_string_append (xml, "</testsuite>\n");
  return g_string_free (xml, FALSE);
}
