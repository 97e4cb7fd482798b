/* SPDX-License-Identifier: Apache-2.0 */
/* Reading libconfig text with the guards that libconfig 1.5 lacks.
 *
 * sf_config_read refuses: literals that overflow or are not finite, files over 8 MiB, nesting deeper than 64, an @include that leaves
 * the folder of the file, duplicate keys. Integers are taken where a float is wanted. Every getter marks its key as known;
 * sf_config_check_keys then refuses the rest with file, line and the nearest known key.
 * A cursor (SfConfigNode) is valid while its SfConfig lives. One thread at a time per SfConfig. */
#ifndef SF_CONFIG_H
#define SF_CONFIG_H

#include <sf/error.h>

SF_BEGIN_DECLS

typedef struct SfConfig SfConfig;         /* owned: sf_config_free */
typedef struct SfConfigNode SfConfigNode; /* borrowed from its SfConfig */

typedef enum
{
  SF_CONFIG_GROUP, /* { } */
  SF_CONFIG_LIST,  /* ( ) mixed, or [ ] of one type */
  SF_CONFIG_INT,
  SF_CONFIG_FLOAT,
  SF_CONFIG_BOOL,
  SF_CONFIG_STRING,
} SfConfigType;

SF_API SfConfig *sf_config_read (const char *path, GError **error);
/* `text` of `n_bytes` bytes as if read from `name`, a path used in messages and for @include. */
SF_API SfConfig *sf_config_parse (const char *text, size_t n_bytes, const char *name, GError **error);
SF_API void sf_config_free (SfConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfConfig, sf_config_free)

SF_API SfConfigNode *sf_config_root (SfConfig *config);
/* Path the config was read from. Borrowed. */
SF_API const char *sf_config_path (const SfConfig *config);

SF_API SfConfigType sf_config_node_type (const SfConfigNode *node);
/* Key of a member, NULL for the root and for list elements. */
SF_API const char *sf_config_node_name (const SfConfigNode *node);
SF_API int sf_config_node_line (const SfConfigNode *node);
/* "file:line" for messages. Owned by the config. */
SF_API const char *sf_config_node_where (SfConfigNode *node);
SF_API size_t sf_config_node_count (const SfConfigNode *node);
SF_API SfConfigNode *sf_config_node_at (SfConfigNode *node, size_t index);

/* Member `key` of a group, marked as known; NULL when absent. */
SF_API SfConfigNode *sf_config_node_member (SfConfigNode *group, const char *key);

/* Typed members. A missing key leaves *out as it was and returns true unless `required`; a wrong type fails with file and line. */
SF_API bool sf_config_get_int (SfConfigNode *group, const char *key, bool required, int64_t *out, GError **error);
SF_API bool sf_config_get_float (SfConfigNode *group, const char *key, bool required, double *out, GError **error);
SF_API bool sf_config_get_bool (SfConfigNode *group, const char *key, bool required, bool *out, GError **error);
/* *out is borrowed from the config. */
SF_API bool sf_config_get_string (SfConfigNode *group, const char *key, bool required, const char **out, GError **error);

/* Value of a scalar node itself. */
SF_API bool sf_config_node_int (SfConfigNode *node, int64_t *out, GError **error);
SF_API bool sf_config_node_float (SfConfigNode *node, double *out, GError **error);
SF_API bool sf_config_node_bool (SfConfigNode *node, bool *out, GError **error);
SF_API bool sf_config_node_string (SfConfigNode *node, const char **out, GError **error);
/* Any scalar as text: floats in their shortest form, bool as "true" or "false". Owned by the caller; NULL with an error for groups and lists. */
SF_API char *sf_config_node_text (SfConfigNode *node, GError **error);

/* What ${name} in a string stands for. */
typedef struct
{
  const char *name; /* letters, digits and '_' */
  SfConfigType type;
  const char *text; /* as sf_config_node_text gives it */
} SfConfigBinding;

/* Puts values into the strings of `node` and below: "${name}" becomes the binding's text; a string that is nothing else is also read
 * as the binding's type. "$${name}" becomes "${name}". Unknown names are refused with file, line and the nearest known one; with
 * `keep_unknown` only those that are nearly a known one, for text in which a shell has names of its own. Once per node. */
SF_API bool sf_config_node_bind (SfConfigNode *node, const SfConfigBinding *bindings, size_t n, bool keep_unknown, GError **error);
/* Type of the value: that of a binding where a string is nothing but "${name}", else that of the node. */
SF_API SfConfigType sf_config_node_value_type (const SfConfigNode *node);

/* Refuses members of `group` that no getter has asked for; with `deep`, of groups below as well. */
SF_API bool sf_config_check_keys (SfConfigNode *group, bool deep, GError **error);

/* "2G", "512M", "64K", "100" to bytes (powers of 1024); "10m", "1h30m", "45s", "90" to seconds. */
SF_API bool sf_parse_bytes (const char *text, uint64_t *out, GError **error);
SF_API bool sf_parse_seconds (const char *text, uint64_t *out, GError **error);
/* The shortest text that reads back as the same number, in the C locale. Owned by the caller. */
SF_API char *sf_float_text (double value);

SF_END_DECLS
#endif
