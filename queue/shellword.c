/* SPDX-License-Identifier: Apache-2.0 */
/* Quoting for a shell. */
#include "queue/shellword.h"

#include <stdbool.h>
#include <string.h>

char *
sf_shell_word (const char *word)
{
  bool plain = word[0] != '\0', control = false;
  for (const char *c = word; *c != '\0'; c++)
    {
      plain = plain && (g_ascii_isalnum (*c) || strchr ("-_./=:,+@%", *c) != NULL);
      control = control || (g_ascii_iscntrl (*c) && *c != '\n' && *c != '\t');
    }
  if (plain || !control)
    return plain ? g_strdup (word) : g_shell_quote (word);
  GString *quoted = g_string_new ("$'");
  for (const char *c = word; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      g_string_append_printf (quoted, "\\x%02x", (unsigned char) *c);
    else
      g_string_append_printf (quoted, "%s%c", *c == '\'' || *c == '\\' ? "\\" : "", *c);
  g_string_append_c (quoted, '\'');
  return g_string_free (quoted, FALSE);
}
