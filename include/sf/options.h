/* SPDX-License-Identifier: Apache-2.0 */
/* Typed option tables: one table gives the command line, the keys of a config group, --help and --json of a verb or a plugin. */
#ifndef SF_OPTIONS_H
#define SF_OPTIONS_H

#include <sf/config.h>

SF_BEGIN_DECLS

typedef enum
{
  SF_OPTION_BOOL,
  SF_OPTION_INT,
  SF_OPTION_FLOAT,
  SF_OPTION_STRING,
  SF_OPTION_CHOICE, /* one of `choices`, words separated by '|' */
  SF_OPTION_LIST,   /* a string that may be given again; config: list of strings */
  SF_OPTION_BYTES,  /* string with unit, read as int */
  SF_OPTION_SECONDS,
} SfOptionType;

enum
{
  SF_OPTION_REQUIRED = 1 << 0,
  SF_OPTION_POSITIONAL = 1 << 1, /* on the command line without its name, in table order */
  SF_OPTION_HIDDEN = 1 << 2,     /* not in --help */
};

/* A row; a table ends with name == NULL. Constant data. Names use '-' on the command line, '_' in a config. */
typedef struct
{
  const char *name;       /* "batch-size" */
  char short_name;        /* 'o', or 0. -O style choices use short_name with an attached value (-O3) */
  SfOptionType type;
  const char *def;        /* default as text; NULL: unset */
  const char *choices;    /* CHOICE only */
  double min, max;        /* INT, FLOAT: inclusive range when min < max */
  unsigned flags;
  const char *arg;        /* placeholder in --help: "N", "FILE" */
  const char *help;       /* one sentence, no full stop */
} SfOption;

/* Values for one table: defaults, then what was set. Owned: sf_option_values_free. */
typedef struct SfOptionValues SfOptionValues;

SF_API SfOptionValues *sf_option_values_new (const SfOption *table);
SF_API SfOptionValues *sf_option_values_copy (const SfOptionValues *values);
SF_API void sf_option_values_free (SfOptionValues *values);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfOptionValues, sf_option_values_free)

/* Sets one option from text, type and range checked; unknown names are refused with the nearest known. `where` opens the message. */
SF_API bool sf_option_set (SfOptionValues *values, const char *name, const char *text, const char *where, GError **error);
/* Reads argv[1..]: --name VALUE, --name=VALUE, --bool, --no-bool, -o V, -oV, `--` ends options. Refuses what the table does not know. */
SF_API bool sf_option_parse_argv (SfOptionValues *values, int argc, char **argv, GError **error);
/* Members of a config group; keys in `also_known` (NULL-terminated, may be NULL) are left to the caller. */
SF_API bool sf_option_parse_config (SfOptionValues *values, SfConfigNode *group, const char *const *also_known, GError **error);
/* Required options present? */
SF_API bool sf_option_check (const SfOptionValues *values, const char *where, GError **error);

/* Getters; asking for a name or type that the table does not have is a defect and aborts in debug builds. */
SF_API bool sf_option_is_set (const SfOptionValues *values, const char *name); /* set explicitly, not by default */
SF_API bool sf_option_bool (const SfOptionValues *values, const char *name);
SF_API int64_t sf_option_int (const SfOptionValues *values, const char *name);
SF_API double sf_option_float (const SfOptionValues *values, const char *name);
SF_API const char *sf_option_string (const SfOptionValues *values, const char *name);        /* NULL if unset */
SF_API const char *const *sf_option_list (const SfOptionValues *values, const char *name);   /* NULL-terminated, never NULL */

/* The option part of a --help text. Owned by the caller. */
SF_API char *sf_option_help (const SfOption *table);
/* The two columns of it for one option: "-o, --output FILE" and "PEF to write (required)". Owned by the caller. */
SF_API char *sf_option_help_head (const SfOption *option);
SF_API char *sf_option_help_text (const SfOption *option);
/* The explicitly set options as an argv (without the program's name), ready to paste. g_strfreev. */
SF_API char **sf_option_to_argv (const SfOptionValues *values);

SF_END_DECLS
#endif
