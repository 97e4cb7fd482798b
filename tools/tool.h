/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line tools share: verbs by table, --help, --version, global options, errors and
 * exit codes. */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <sf/options.h>

/* A verb: one row of a tool. Its option table is the whole truth about its command line. */
typedef struct
{
  const char *name;        /* "plugins", or two words: "plugin new" */
  const char *summary;     /* one line, no full stop */
  const char *example;     /* one or more lines, ready to paste */
  const SfOption *options; /* NULL: none; the global options are added to it */
  /* Returns the exit code; when *error is set, the error is printed and its code counts. Prints to
   * stdout what was asked for. */
  int (*run) (const SfOptionValues *options, GError **error);
  /* Further text for --help that depends on what else was given; owned by the caller. NULL: none.
   */
  char *(*more_help) (const SfOptionValues *options);
} SfVerb;

/* What the manual page says and no table gives: text below a term, or (NULL) a paragraph. */
typedef struct
{
  const char *section; /* DESCRIPTION, EXIT STATUS, ENVIRONMENT, FILES, SEE ALSO */
  const char *term, *text;
} SfManualNote;

typedef struct
{
  const char *name;    /* of the program */
  const char *summary; /* one line */
  const char *example;
  const SfVerb *const *verbs; /* ends with NULL; in the order of --help */
  const SfManualNote *notes;  /* NULL: none; ends with section NULL */
} SfTool;

/* The whole of a tool's main(). */
int sf_tool_main (const SfTool *tool, int argc, char **argv);

/* The tool that sf_tool_main runs. */
const SfTool *sf_tool_current (void);
/* "sf compile MODEL [OPTION]..." Owned. */
char *sf_tool_usage (const SfTool *tool, const SfVerb *verb);
/* A verb's own rows and the global ones, ending with name NULL. Owned: g_free; texts borrowed. */
SfOption *sf_tool_option_table (const SfVerb *verb);

/* `completion bash`: for any tool's table. */
extern const SfVerb sf_verb_completion;
/* `manual`: likewise. */
extern const SfVerb sf_verb_manual;

#endif
