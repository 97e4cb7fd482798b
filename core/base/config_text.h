/* SPDX-License-Identifier: Apache-2.0 */
/* Config text made safe for libconfig: includes put in place, literals checked, limits kept. */
#ifndef SF_CORE_BASE_CONFIG_TEXT_H
#define SF_CORE_BASE_CONFIG_TEXT_H

#include <sf/error.h>

typedef struct
{
  const char *file; /* borrowed from SfConfigText.files */
  int line;
} SfConfigPlace;

typedef struct
{
  GString
      *text; /* without @include; every integer carries the L that makes libconfig read 64 bits */
  GArray *places;   /* SfConfigPlace of each line of `text` */
  GPtrArray *files; /* names, owned */
} SfConfigText;

/* Reads `n_bytes` of `source` as the file `name`; includes are looked up below the folder of
 * `name`. Freed in either case by sf_config_text_clear. */
bool sf_config_text_read (SfConfigText *self, const char *source, size_t n_bytes, const char *name,
                          GError **error);
void sf_config_text_clear (SfConfigText *self);

/* Where line `line` (from 1) of the text comes from. */
SfConfigPlace sf_config_text_place (const SfConfigText *self, unsigned line);

enum
{
  SF_CONFIG_MAX_BYTES = 8 << 20,
  SF_CONFIG_MAX_NESTING = 64,
  SF_CONFIG_MAX_INCLUDES = 10, /* deep */
  SF_CONFIG_MAX_KEYS = 20000,  /* libconfig compares each key of a group with all before it */
};

#endif
