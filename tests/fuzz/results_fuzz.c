/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: results of a regression run; the page of what was taken, as its own past as well, is
 * well formed, whatever the texts in it. */
#include "queue/report_page.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/target.h"

static void
check_page (SfReportPage *page)
{
  static const GMarkupParser nothing = { 0 };
  g_autofree char *text = sf_report_page_text (page);
  const char *root = strchr (text, '\n'); /* behind the doctype */
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (
      &nothing, G_MARKUP_DEFAULT_FLAGS, NULL, NULL);
  if (!g_markup_parse_context_parse (context, root, (gssize) strlen (root), NULL)
      || !g_markup_parse_context_end_parse (context, NULL))
    abort ();
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  const char *text = data != NULL ? (const char *) data : "";
  g_autoptr (json_t) json = sf_json_parse (text, n_bytes, "fuzz.json", &error);
  if (json == NULL)
    return 0;
  g_autoptr (SfReportPage) page = sf_report_page_new (json, "fuzz.json", &error);
  if ((page != NULL) != (error == NULL))
    abort ();
  if (page == NULL)
    return 0;
  if (!sf_report_page_add_past (page, json, "past", &error))
    abort ();
  check_page (page);
  return 0;
}
