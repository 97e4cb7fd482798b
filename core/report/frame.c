/* SPDX-License-Identifier: Apache-2.0 */
/* What our pages share: head, style sheet, cells of tables. */
#include "core/report/frame.h"

static const char *const style
    = ":root{color-scheme:light dark;--ink:#1b1f24;--ground:#fff;--quiet:#57606a;--faint:#8c959f;--rule:#d8dee4;--head:#f6f8fa;--bar:#f0f2f5}"
      "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--ground:#0d1117;--quiet:#9aa4af;--faint:#7d8590;--rule:#30363d;--head:#161b22;"
      "--bar:#21262d}}"
      "body{font:14px/1.45 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 1.5em;color:var(--ink);background:var(--ground)}"
      "h1{font-size:1.6em;margin:0}h2{font-size:1.25em;margin:1.8em 0 .5em;border-bottom:1px solid var(--rule);padding-bottom:.2em}"
      "h3{font-size:1em;margin:1.2em 0 .4em}.sub{color:var(--quiet);margin:.2em 0 1em}"
      "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.88em}td,th{padding:.2em .5em;text-align:left;"
      "border:1px solid var(--rule);white-space:nowrap}th{background:var(--head);font-weight:600}td.n{text-align:right}"
      "td.w{white-space:normal;min-width:14em;overflow-wrap:anywhere}.scroll{overflow-x:auto;max-width:100%;margin:.4em 0}"
      "details{border:1px solid var(--rule);border-radius:6px;margin:.5em 0;padding:.4em .8em}summary{cursor:pointer}"
      "summary b{margin-right:.6em}.none{color:var(--faint)}"
      "@media print{details{break-inside:avoid}}";

static void
put_meta (Markup *markup, const char *name, const char *value, const char *content)
{
  markup_begin (markup, "meta");
  markup_attr (markup, name, "%s", value);
  if (content != NULL)
    markup_attr (markup, "content", "%s", content);
  markup_end (markup);
}

void
page_begin (Markup *markup, const char *title, const char *more_style)
{
  markup_init (markup);
  markup_plain (markup, "<!DOCTYPE html>\n");
  markup_begin (markup, "html");
  markup_attr (markup, "lang", "en");
  markup_begin (markup, "head");
  put_meta (markup, "charset", "utf-8", NULL);
  put_meta (markup, "name", "viewport", "width=device-width");
  put_meta (markup, "http-equiv", "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'");
  markup_element (markup, "title", NULL, "%s", title);
  markup_begin (markup, "style");
  markup_plain (markup, style);
  markup_plain (markup, more_style);
  markup_end (markup);
  markup_end (markup);
  markup_begin (markup, "body");
}

char *
page_end (Markup *markup)
{
  markup_end (markup);
  markup_end (markup);
  markup_plain (markup, "\n");
  char *page = g_strdup (markup->text->str);
  markup_clear (markup);
  return page;
}

void
page_cell (Markup *markup, const char *class_name, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  markup_element (markup, "td", class_name, "%s", text);
}

void
page_header (Markup *markup, const char *const *titles)
{
  markup_begin (markup, "tr");
  for (; *titles != NULL; titles++)
    markup_element (markup, "th", NULL, "%s", *titles);
  markup_end (markup);
}
