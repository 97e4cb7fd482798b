/* SPDX-License-Identifier: Apache-2.0 */
/* Small helpers over jansson: reading bounded JSON text with an error that names file, line and column, and writing it. */
#ifndef SF_JSON_H
#define SF_JSON_H

#include <jansson.h>
#include <sf/error.h>

SF_BEGIN_DECLS

/* Parses UTF-8 text of `n_bytes` (at most 64 MiB, nesting as jansson bounds it), duplicate keys refused. Owned: json_decref. */
SF_API json_t *sf_json_parse (const char *text, size_t n_bytes, const char *name, GError **error);
/* Typed members of an object with the message "name: key ...: found ..., wanted ...". Strings are borrowed. */
SF_API bool sf_json_get_int (const json_t *object, const char *key, int64_t *out, const char *name, GError **error);
SF_API bool sf_json_get_string (const json_t *object, const char *key, const char **out, const char *name, GError **error);
/* Compact text with sorted keys. Owned: free() (jansson's allocator). */
SF_API char *sf_json_text (const json_t *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (json_t, json_decref)

SF_END_DECLS
#endif
