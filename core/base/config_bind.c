/* SPDX-License-Identifier: Apache-2.0 */
/* ${name} in the strings of a config. */
#include <string.h>

#include "core/base/config_node.h"

typedef struct
{
  const SfConfigBinding *bindings;
  size_t n;
  bool keep_unknown;
} Binder;

static const SfConfigBinding *
find_binding (const Binder *self, const char *name, size_t n_bytes)
{
  for (size_t i = 0; i < self->n; i++)
    if (strncmp (self->bindings[i].name, name, n_bytes) == 0
        && self->bindings[i].name[n_bytes] == '\0')
      return &self->bindings[i];
  return NULL;
}

/* Bytes of the name in "${name}", 0: this is something else. */
static size_t
reference_bytes (const char *text)
{
  size_t n = 0;
  if (text[0] != '$' || text[1] != '{' || g_ascii_isdigit (text[2]))
    return 0;
  while (g_ascii_isalnum (text[2 + n]) || text[2 + n] == '_')
    n++;
  return text[2 + n] == '}' ? n : 0;
}

/* A name that is nearly a bound one was meant; any other may be the shell's. */
static bool
check_unknown (const Binder *self, SfConfigNode *node, const char *name, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GString) listed = g_string_new (NULL);
  for (size_t i = 0; i < self->n; i++)
    {
      g_ptr_array_add (names, (gpointer) self->bindings[i].name);
      g_string_append_printf (listed, "%s%s", i > 0 ? ", " : "", self->bindings[i].name);
    }
  const char *nearest = sf_nearest_word (name, (const char *const *) names->pdata, names->len);
  if (self->keep_unknown && nearest == NULL)
    return true;
  const char *where = sf_config_node_where (node);
  if (nearest != NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: ${%s}: unknown name; did you mean ${%s}? $${%s} leaves it as it is", where,
                    name, nearest, name);
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: ${%s}: unknown name, wanted %s%s; $${%s} leaves it as it is", where, name,
                  self->n > 0 ? "one of: " : "none, for nothing is bound here", listed->str, name);
}

/* A string that is nothing but a reference has the value's type as well. */
static bool
take_type (SfConfigNode *node, const SfConfigBinding *binding, GError **error)
{
  SfConfigBound bound = { 0 };
  gint64 integer = 0;
  switch (binding->type)
    {
    case SF_CONFIG_STRING:
      return true;
    case SF_CONFIG_BOOL:
      bound.integer = strcmp (binding->text, "true") == 0;
      break;
    case SF_CONFIG_INT:
      if (!g_ascii_string_to_signed (binding->text, 10, G_MININT64, G_MAXINT64, &integer, error))
        return false;
      bound.integer = integer;
      bound.number = (double) integer;
      break;
    case SF_CONFIG_FLOAT:
      bound.number = g_ascii_strtod (binding->text, NULL);
      break;
    default:
      return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                      "${%s}: found a group or a list, wanted a number, a boolean or a string",
                      binding->name);
    }
  node->value_type = binding->type;
  node->bound = g_memdup2 (&bound, sizeof bound);
  return true;
}

static bool
bind_string (const Binder *self, SfConfigNode *node, GError **error)
{
  const char *text = config_setting_get_string (node->setting);
  if (text == NULL || strstr (text, "${") == NULL)
    return true;
  g_autoptr (GString) out = g_string_new (NULL);
  for (const char *at = text; *at != '\0';)
    {
      size_t n = reference_bytes (at);
      if (n == 0)
        {
          bool escaped = at[0] == '$' && reference_bytes (at + 1) > 0;
          size_t n_kept = escaped ? reference_bytes (at + 1) + 3 : 1;
          g_string_append_len (out, at + escaped, (gssize) n_kept);
          at += n_kept + escaped;
          continue;
        }
      const SfConfigBinding *binding = find_binding (self, at + 2, n);
      g_autofree char *name = g_strndup (at + 2, n);
      if (binding == NULL && !check_unknown (self, node, name, error))
        return false;
      if (binding == NULL)
        g_string_append_len (out, at, (gssize) n + 3);
      else
        g_string_append (out, binding->text);
      if (binding != NULL && at == text && at[n + 3] == '\0' && !take_type (node, binding, error))
        return false;
      at += n + 3;
    }
  if (config_setting_set_string (node->setting, out->str) != CONFIG_TRUE)
    return sf_fail (error, SF_ERROR_NO_RESOURCE, "%s: no memory", sf_config_node_where (node));
  return true;
}

static bool
bind_node (const Binder *self, SfConfigNode *node, GError **error)
{
  for (size_t i = 0; i < node->n_children; i++)
    if (!bind_node (self, &node->children[i], error))
      return false;
  return sf_config_node_type (node) != SF_CONFIG_STRING || bind_string (self, node, error);
}

bool
sf_config_node_bind (SfConfigNode *node, const SfConfigBinding *bindings, size_t n,
                     bool keep_unknown, GError **error)
{
  Binder binder = { .bindings = bindings, .n = n, .keep_unknown = keep_unknown };
  return bind_node (&binder, node, error);
}
