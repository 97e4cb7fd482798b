/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded JSON through jansson. */
#include <sf/json.h>

enum
{
  MAX_BYTES = 64 << 20
};

json_t *
sf_json_parse (const char *text, size_t n_bytes, const char *name, GError **error)
{
  if (n_bytes > MAX_BYTES)
    {
      sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found %zu bytes of JSON, wanted at most %d", name,
               n_bytes, MAX_BYTES);
      return NULL;
    }
  json_error_t e;
  json_t *value = json_loadb (text, n_bytes, JSON_REJECT_DUPLICATES, &e);
  if (value == NULL)
    sf_fail (error, SF_ERROR_INVALID_DATA, "%s:%d:%d: %s, wanted JSON", name, e.line, e.column,
             e.text);
  return value;
}

static bool
fail_type (const json_t *found, const char *wanted, const char *key, const char *name,
           GError **error)
{
  static const char *const names[] = {
    [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array", [JSON_STRING] = "a string",
    [JSON_INTEGER] = "an integer", [JSON_REAL] = "a real",    [JSON_TRUE] = "a boolean",
    [JSON_FALSE] = "a boolean",    [JSON_NULL] = "null",
  };
  return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: key \"%s\": found %s, wanted %s", name, key,
                  found != NULL ? names[json_typeof (found)] : "nothing", wanted);
}

bool
sf_json_get_int (const json_t *object, const char *key, int64_t *out, const char *name,
                 GError **error)
{
  const json_t *value = json_object_get (object, key);
  if (!json_is_integer (value))
    return fail_type (value, "an integer", key, name, error);
  *out = json_integer_value (value);
  return true;
}

bool
sf_json_get_string (const json_t *object, const char *key, const char **out, const char *name,
                    GError **error)
{
  const json_t *value = json_object_get (object, key);
  if (!json_is_string (value))
    return fail_type (value, "a string", key, name, error);
  *out = json_string_value (value);
  return true;
}

char *
sf_json_text (const json_t *value)
{
  return json_dumps (value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}
