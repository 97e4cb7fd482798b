/* SPDX-License-Identifier: Apache-2.0 */
/* The memory plan of an entry: launches from left to right, addresses from bottom to top, a box for
 * the life of each tensor. */
#include "core/report/page.h"

#define WIDTH     1080.0
#define HEIGHT    320.0
#define LEFT      80.0
#define BOTTOM    24.0
#define MAX_BOXES 1500

static const char *const role_colors[] = {
  [SF_TENSOR_INPUT] = "#54aeff", [SF_TENSOR_SCALAR] = "#8c959f", [SF_TENSOR_OUTPUT] = "#2da44e",
  [SF_TENSOR_STATE] = "#bf8700", [SF_TENSOR_NEXT] = "#f2cc60",   [SF_TENSOR_CONST] = "#6e7781",
  [SF_TENSOR_TEMP] = "#c297ff",
};

static int
compare_bytes (const void *a, const void *b)
{
  const Lifetime *x = a, *y = b;
  return x->bytes != y->bytes ? (x->bytes < y->bytes) - (x->bytes > y->bytes)
                              : (x->tensor > y->tensor) - (x->tensor < y->tensor);
}

/* What is drawn: bytes `base` to `top` of a level over `n` launches. */
typedef struct
{
  uint32_t level;
  int64_t top, n;
} Axis;

static double
y_of (const Axis *axis, int64_t offset)
{
  return HEIGHT * (1 - (double) offset / (double) axis->top);
}

static double
x_of (const Axis *axis, int64_t launch)
{
  return LEFT + (WIDTH - LEFT) * (double) launch / (double) axis->n;
}

static void
put_box (Markup *markup, const Report *report, const Axis *axis, const Lifetime *life)
{
  SfProgramTensor tensor = sf_program_tensor (report->program, life->tensor);
  double x = x_of (axis, life->first), width = x_of (axis, life->last + 1) - x;
  double y = y_of (axis, tensor.offset_bytes + life->bytes),
         height = y_of (axis, tensor.offset_bytes) - y;
  g_autofree char *bytes = text_bytes (life->bytes),
                  *type = text_shape (tensor.dtype, &tensor.shape);
  const char *name = tensor.name != NULL ? tensor.name : "";
  markup_begin (markup, "rect");
  markup_attr (markup, "x", "%.2f", x);
  markup_attr (markup, "y", "%.2f", y);
  markup_attr (markup, "width", "%.2f", MAX (width - 0.6, 0.4));
  markup_attr (markup, "height", "%.2f", MAX (height, 0.3));
  markup_attr (markup, "fill", "%s", role_colors[tensor.role]);
  if (height > 3)
    {
      markup_attr (markup, "stroke", "#fff");
      markup_attr (markup, "stroke-width", "0.6");
    }
  markup_element (
      markup, "title", NULL,
      "%s %s, %s, %s at %" G_GINT64_FORMAT ", launches %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
      report_roles[tensor.role], name, type, bytes, tensor.offset_bytes, life->first, life->last);
  markup_end (markup);
  size_t room = (size_t) MAX (width / 6.6 - 1, 0);
  if (height < 13 || room < 4 || *name == '\0')
    return;
  g_autofree char *label = text_short (name, room);
  markup_begin (markup, "text");
  markup_attr (markup, "x", "%.2f", x + 4);
  markup_attr (markup, "y", "%.2f", y + height / 2 + 4);
  markup_attr (markup, "font-size", "11");
  markup_text (markup, "%s", label);
  markup_end (markup);
}

static void
put_label (Markup *markup, double x, double y, const char *anchor, const char *text)
{
  markup_begin (markup, "text");
  markup_attr (markup, "x", "%.1f", x);
  markup_attr (markup, "y", "%.1f", y);
  markup_attr (markup, "font-size", "11");
  markup_attr (markup, "fill", "#57606a");
  markup_attr (markup, "text-anchor", "%s", anchor);
  markup_text (markup, "%s", text);
  markup_end (markup);
}

static void
put_axes (Markup *markup, const Axis *axis)
{
  for (int i = 0; i <= 4; i++)
    {
      g_autofree char *bytes = text_bytes (axis->top * i / 4);
      double y = y_of (axis, axis->top * i / 4);
      put_label (markup, LEFT - 6, MAX (y + 4, 10), "end", bytes);
      markup_begin (markup, "path");
      markup_attr (markup, "d", "M%.0f %.1fH%.0f", LEFT, y, WIDTH);
      markup_attr (markup, "stroke", "#d8dee4");
      markup_end (markup);
    }
  int64_t step = (axis->n + 19) / 20;
  for (int64_t l = 0; l < axis->n; l += step)
    {
      g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, l);
      put_label (markup, (x_of (axis, l) + x_of (axis, l + 1)) / 2, HEIGHT + 16, "middle", number);
    }
}

static void
put_level (Markup *markup, const Report *report, GArray *lives, const Axis *axis)
{
  SfMemoryLevel level = sf_arch_memory_level (report->arch, axis->level);
  g_autofree char *used = text_bytes (axis->top), *of = text_bytes (level.bytes);
  guint drawn = 0, n = 0;
  markup_element (markup, "p", "sub", "%s: up to %s of %s; launches from left to right", level.name,
                  used, of);
  markup_begin (markup, "svg");
  markup_attr (markup, "viewBox", "0 -6 %.0f %.0f", WIDTH, HEIGHT + BOTTOM + 6);
  markup_attr (markup, "width", "%.0f", WIDTH);
  markup_attr (markup, "style", "max-width:100%%;height:auto");
  markup_attr (markup, "role", "img");
  put_axes (markup, axis);
  for (guint i = 0; i < lives->len; i++)
    {
      const Lifetime *life = &g_array_index (lives, Lifetime, i);
      SfProgramTensor tensor = sf_program_tensor (report->program, life->tensor);
      if (tensor.level != axis->level || tensor.offset_bytes < 0)
        continue;
      n++;
      if (drawn == MAX_BOXES)
        continue;
      drawn++;
      put_box (markup, report, axis, life);
    }
  markup_end (markup);
  if (drawn < n)
    markup_element (markup, "p", "none", "The largest %u of %u tensors are drawn.", drawn, n);
}

static void
put_key (Markup *markup)
{
  markup_begin (markup, "div");
  markup_attr (markup, "class", "key");
  for (size_t role = 0; role < G_N_ELEMENTS (role_colors); role++)
    {
      markup_begin (markup, "span");
      markup_begin (markup, "i");
      markup_attr (markup, "style", "background:%s", role_colors[role]);
      markup_end (markup);
      markup_text (markup, "%s", report_roles[role]);
      markup_end (markup);
    }
  markup_end (markup);
}

void
page_memory (Markup *markup, const Report *report, uint32_t entry)
{
  const EntryFacts *facts = report_entry (report, entry);
  g_autoptr (GArray) lives = report_lifetimes (report, entry);
  g_array_sort (lives, compare_bytes);
  markup_element (markup, "h2", NULL, "%s: memory plan", facts->name);
  put_key (markup);
  for (uint32_t k = 0; k < report->info.n_memory_levels; k++)
    {
      Axis axis = { .level = k,
                    .top = report_used_bytes (report, k),
                    .n = MAX ((int64_t) facts->n_launches, 1) };
      if (axis.top > 0)
        put_level (markup, report, lives, &axis);
    }
}
