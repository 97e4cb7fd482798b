/* SPDX-License-Identifier: Apache-2.0 */
/* Markup stays well formed whatever it is given. */
#include "core/report/markup.h"

#include "tests/support/sftest.h"

typedef struct
{
  const char *name, *given, *wanted;
} Escape;

static const Escape escapes[] = {
  { "plain", "conv1+relu", "conv1+relu" },
  { "tags", "</td><script>", "&lt;/td&gt;&lt;script&gt;" },
  { "quotes", "\"'&", "&quot;&#39;&amp;" },
  { "control", "a\001\037\177b\t\n", "a\357\277\275\357\277\275\357\277\275b\t\n" },
  { "latin1", "\302\205", "\357\277\275" }, /* a control character of two bytes */
  { "no_utf8", "\377\300x", "\357\277\275\357\277\275x" },
  { "utf8", "\316\274s \303\227", "\316\274s \303\227" },
  { "format", "%s%n", "%s%n" },
};

SF_TEST_CASES (Markup, Escapes, escapes, G_N_ELEMENTS (escapes), sf_test_row_name)
{
  const Escape *e = data;
  Markup markup;
  markup_init (&markup);
  markup_begin (&markup, "i");
  markup_attr (&markup, "title", "%s", e->given);
  markup_text (&markup, "%s", e->given);
  markup_end (&markup);
  g_autofree char *wanted = g_strdup_printf ("<i title=\"%s\">%s</i>", e->wanted, e->wanted);
  SF_CHECK_STR (markup.text->str, wanted);
  markup_clear (&markup);
}

SF_TEST (Markup, Nests)
{
  Markup markup;
  markup_init (&markup);
  markup_begin (&markup, "b");
  markup_begin (&markup, "meta");
  markup_attr (&markup, "charset", "utf-8");
  markup_end (&markup);
  markup_begin (&markup, "i");
  markup_end (&markup);
  markup_element (&markup, "td", "n", "%d", 7);
  markup_plain (&markup, "x");
  markup_end (&markup);
  SF_CHECK_STR (markup.text->str, "<b><meta charset=\"utf-8\"/><i></i><td class=\"n\">7</td>x</b>");
  SF_CHECK_INT (markup.open->len, 0);
  markup_clear (&markup);
}
