/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the lowering table: the Markdown that ends docs/onnx.md, or with --json a list of the same
 * lines for programs. */
#include <stdio.h>
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

/* Neighbouring versions of an operator that a user cannot tell apart here. */
typedef struct
{
  const OnnxRow *row;
  int from, to; /* opsets */
} Line;

static bool
is_same (const OnnxRow *a, const OnnxRow *b)
{
  return strcmp (a->op, b->op) == 0 && g_strcmp0 (a->domain, b->domain) == 0
         && (a->lower == NULL) == (b->lower == NULL) && a->flags == b->flags
         && g_strcmp0 (a->note, b->note) == 0;
}

static GArray *
make_lines (const GPtrArray *rows)
{
  GArray *lines = g_array_new (FALSE, FALSE, sizeof (Line));
  for (guint i = 0; i < rows->len; i++)
    {
      const OnnxRow *row = rows->pdata[i], *next = i + 1 < rows->len ? rows->pdata[i + 1] : NULL;
      bool replaced = next != NULL && strcmp (next->op, row->op) == 0
                      && g_strcmp0 (next->domain, row->domain) == 0;
      Line line = { row, row->since, replaced ? next->since - 1 : ONNX_MAX_OPSET };
      if (row->domain == NULL)
        line.from = MAX (line.from, ONNX_MIN_OPSET);
      if (row->domain == NULL && line.to < ONNX_MIN_OPSET)
        continue;
      Line *last = lines->len > 0 ? &g_array_index (lines, Line, lines->len - 1) : NULL;
      if (last != NULL && is_same (last->row, row))
        last->to = line.to;
      else
        g_array_append_val (lines, line);
    }
  return lines;
}

static void
print_opsets (const Line *line)
{
  if (line->row->domain != NULL)
    printf ("%s %d", line->row->domain, line->from);
  else if (line->from == line->to)
    printf ("%d", line->from);
  else
    printf ("%d-%d", line->from, line->to);
}

static void
print_markdown (const GArray *lines)
{
  printf ("\n| operator | opsets | cpu | rdu | trained through | |\n|---|---|---|---|---|---|\n");
  for (guint i = 0; i < lines->len; i++)
    {
      const Line *line = &g_array_index (lines, Line, i);
      const OnnxRow *row = line->row;
      if (row->lower == NULL)
        continue;
      printf ("| %s | ", row->op);
      print_opsets (line);
      printf (" | yes | %s | %s | %s |\n", row->flags & ONNX_HOST ? "host" : "device",
              row->flags & ONNX_NO_GRAD ? "no" : "yes", row->note != NULL ? row->note : "");
    }
  printf ("\n### Refused\n\n| operator | opsets | why |\n|---|---|---|\n");
  for (guint i = 0; i < lines->len; i++)
    {
      const Line *line = &g_array_index (lines, Line, i);
      if (line->row->lower != NULL)
        continue;
      printf ("| %s | ", line->row->op);
      print_opsets (line);
      printf (" | %s |\n", line->row->note != NULL ? line->row->note : "");
    }
}

static void
print_json (const GArray *lines)
{
  printf ("[");
  for (guint i = 0; i < lines->len; i++)
    {
      const Line *line = &g_array_index (lines, Line, i);
      printf (
          "%s\n  {\"op\": \"%s\", \"domain\": \"%s\", \"from\": %d, \"to\": %d, \"lowered\": %s, "
          "\"host\": %s, \"gradient\": %s, \"note\": \"%s\"}",
          i > 0 ? "," : "", line->row->op, line->row->domain != NULL ? line->row->domain : "",
          line->from, line->to, line->row->lower != NULL ? "true" : "false",
          line->row->flags & ONNX_HOST ? "true" : "false",
          line->row->flags & ONNX_NO_GRAD ? "false" : "true",
          line->row->note != NULL ? line->row->note : "");
    }
  printf ("\n]\n");
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) rows = onnx_table_rows ();
  g_autoptr (GArray) lines = make_lines (rows);
  if (argc > 1 && strcmp (argv[1], "--json") == 0)
    print_json (lines);
  else
    print_markdown (lines);
  return fflush (stdout) == 0 ? 0 : 1;
}
