/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts that complete a tool's verbs and options, written from its tables. */
#ifndef TOOLS_COMPLETION_H
#define TOOLS_COMPLETION_H

#include "tools/tool.h"

/* What may stand where an option's value, or a positional, is wanted. */
typedef struct
{
  char *words; /* separated by blanks; "": none in particular. Owned */
  char *files; /* a pattern: "*.cfg"; "*": any file, "/": folders, "": none. Owned */
  bool ids;    /* of jobs */
} Values;

Values values_of (const SfOption *option);
void values_clear (Values *values);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Values, values_clear)

/* Neither hidden nor positional. */
bool is_named_option (const SfOption *option);

/* completion_bash.c and so on: print the script. */
void completion_bash (const SfTool *tool);
void completion_fish (const SfTool *tool);
void completion_zsh (const SfTool *tool);

#endif
