/* SPDX-License-Identifier: Apache-2.0 */
/* A writer of markup that is well formed as HTML and as XML, and escapes whatever it is given. */
#ifndef SF_CORE_REPORT_MARKUP_H
#define SF_CORE_REPORT_MARKUP_H

#include <glib.h>
#include <stdbool.h>

typedef struct
{
  GString *text;
  GPtrArray *open; /* tags, constant strings */
  bool in_tag;     /* attributes may follow */
} Markup;

void markup_init (Markup *markup);
void markup_clear (Markup *markup);
/* `tag` lives on, it is not copied. */
void markup_begin (Markup *markup, const char *tag);
void markup_attr (Markup *markup, const char *name, const char *format, ...) G_GNUC_PRINTF (3, 4);
void markup_text (Markup *markup, const char *format, ...) G_GNUC_PRINTF (2, 3);
void markup_end (Markup *markup);
/* begin, class attribute (NULL: none), text and end in one. */
void markup_element (Markup *markup, const char *tag, const char *class_name, const char *format,
                     ...) G_GNUC_PRINTF (4, 5);
/* Constant text of ours that holds neither < nor &: a style sheet, a path's commands. */
void markup_plain (Markup *markup, const char *text);

#endif
