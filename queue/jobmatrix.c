/* SPDX-License-Identifier: Apache-2.0 */
/* Many jobs of one file: the product of its models, its array and its matrix. */
#include <string.h>

#include "queue/jobread.h"

enum
{
  MAX_JOBS = 10000,
  MAX_INDEX = 1000000000,
  MAX_VALUE_BYTES = 1024,
};

static void
dimension_free (void *data)
{
  SfJobDimension *self = data;
  g_free (self->name);
  g_free (self->variable);
  g_ptr_array_unref (self->values);
  g_array_unref (self->types);
  g_free (self);
}

static SfJobDimension *
add_dimension (GPtrArray *dimensions, const char *name, const char *prefix)
{
  SfJobDimension *self = g_new0 (SfJobDimension, 1);
  g_autofree char *upper = g_ascii_strup (name, -1);
  self->name = g_strdup (name);
  self->variable = g_strconcat (prefix, upper, NULL);
  self->values = g_ptr_array_new_with_free_func (g_free);
  self->types = g_array_new (FALSE, FALSE, sizeof (SfConfigType));
  g_ptr_array_add (dimensions, self);
  return self;
}

static void
add_value (SfJobDimension *self, SfConfigType type, char *text)
{
  g_ptr_array_add (self->values, text);
  g_array_append_val (self->types, type);
}

size_t
sf_job_count (const GPtrArray *dimensions)
{
  size_t n = 1;
  for (guint i = 0; i < dimensions->len; i++)
    n *= ((SfJobDimension *) dimensions->pdata[i])->values->len;
  return n;
}

/* After each dimension: their product stays far from any overflow. */
static bool
check_count (const GPtrArray *dimensions, SfConfigNode *node, GError **error)
{
  size_t n = sf_job_count (dimensions);
  return n <= MAX_JOBS
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: found %zu jobs or more, wanted at most %d; use several files",
                     sf_config_node_where (node), n, MAX_JOBS);
}

/* ---- lists of values ---- */

static bool
read_values (SfJobDimension *self, SfConfigNode *list, const char *key, GError **error)
{
  bool is_list = sf_config_node_type (list) == SF_CONFIG_LIST;
  size_t n = is_list ? sf_config_node_count (list) : 0;
  if (n == 0 || n > MAX_JOBS)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: %s: found %s, wanted a list of 1 to %d values; write %s = [ ... ]",
                    sf_config_node_where (list), key,
                    !is_list ? "no list"
                    : n == 0 ? "none"
                             : "more",
                    MAX_JOBS, key);
  for (size_t i = 0; i < n; i++)
    {
      SfConfigNode *node = sf_config_node_at (list, i);
      char *text = sf_config_node_text (node, error);
      if (text == NULL)
        return false;
      add_value (self, sf_config_node_type (node), text);
      if (strlen (text) > MAX_VALUE_BYTES || strstr (text, "${") != NULL)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: %s: found %s, wanted plain values of at most %d bytes",
                        sf_config_node_where (node), key,
                        strlen (text) > MAX_VALUE_BYTES ? "a longer one" : "${ in one",
                        MAX_VALUE_BYTES);
    }
  return true;
}

static bool
read_models (GPtrArray *dimensions, SfConfigNode *root, GError **error)
{
  SfConfigNode *models = sf_config_node_member (root, "models");
  return models == NULL
         || (read_values (add_dimension (dimensions, "model", "SF_MATRIX_"), models, "models",
                          error)
             && check_count (dimensions, models, error));
}

static bool
read_matrix (GPtrArray *dimensions, SfConfigNode *root, GError **error)
{
  SfConfigNode *matrix = sf_config_node_member (root, "matrix");
  if (matrix == NULL)
    return true;
  if (sf_config_node_type (matrix) != SF_CONFIG_GROUP || sf_config_node_count (matrix) == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: matrix: found no names, wanted a group of lists; write matrix = { seed = "
                    "[ 1, 2 ]; }",
                    sf_config_node_where (matrix));
  for (size_t i = 0; i < sf_config_node_count (matrix); i++)
    {
      SfConfigNode *node = sf_config_node_at (matrix, i);
      const char *name = sf_config_node_name (node);
      for (guint k = 0; k < dimensions->len; k++)
        if (strcmp (((SfJobDimension *) dimensions->pdata[k])->name, name) == 0)
          return sf_fail (error, SF_ERROR_INVALID_DATA,
                          "%s: matrix: ${%s} is bound by %s already, wanted another name",
                          sf_config_node_where (node), name,
                          strcmp (name, "model") == 0 ? "models" : "array");
      if (name[strspn (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_")] != '\0')
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: matrix: found %s, wanted a name of letters, digits and '_'",
                        sf_config_node_where (node), name);
      if (!read_values (add_dimension (dimensions, name, "SF_MATRIX_"), node, name, error)
          || !check_count (dimensions, node, error))
        return false;
    }
  return true;
}

/* ---- arrays ---- */

/* "%2" at *text: how many of the array run at once. */
static bool
read_at_once (const char **text, int64_t *at_once)
{
  char *end;
  if (**text != '%')
    return true;
  if (!g_ascii_isdigit ((*text)[1]))
    return false;
  *at_once = g_ascii_strtoll (*text + 1, &end, 10);
  *text = end;
  return *at_once >= 1 && *at_once <= MAX_INDEX;
}

/* "3", "0-9" or "1-9:2" at *text, added to the dimension. */
static bool
read_range (SfJobDimension *self, const char **text)
{
  gint64 first, last, step = 1;
  char *end;
  if (!g_ascii_isdigit (**text))
    return false;
  first = last = g_ascii_strtoll (*text, &end, 10);
  if (*end == '-')
    {
      if (!g_ascii_isdigit (end[1]))
        return false;
      last = g_ascii_strtoll (end + 1, &end, 10);
      if (*end == ':')
        {
          if (!g_ascii_isdigit (end[1]))
            return false;
          step = g_ascii_strtoll (end + 1, &end, 10);
        }
    }
  *text = end;
  if (first > last || last > MAX_INDEX || step < 1 || step > MAX_INDEX
      || (last - first) / step >= MAX_JOBS)
    return false;
  for (gint64 index = first; index <= last; index += step)
    add_value (self, SF_CONFIG_INT, g_strdup_printf ("%" G_GINT64_FORMAT, index));
  return self->values->len <= MAX_JOBS;
}

static bool
fail_array (SfConfigNode *array, const char *found, GError **error)
{
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: array: found %s, wanted up to %d indices from 0 to %d; write array = "
                  "\"0-9\", \"1-9:2\" or \"1,4,7\", with %%2 behind for two at once",
                  sf_config_node_where (array), found, MAX_JOBS, MAX_INDEX);
}

static bool
read_array (GPtrArray *dimensions, SfConfigNode *root, int64_t *at_once, GError **error)
{
  SfConfigNode *array = sf_config_node_member (root, "array");
  const char *text = NULL;
  if (array == NULL)
    return true;
  if (sf_config_node_type (array) != SF_CONFIG_STRING)
    return fail_array (array, "no string", error);
  if (!sf_config_node_string (array, &text, error))
    return false;
  SfJobDimension *self = add_dimension (dimensions, "index", "SF_ARRAY_");
  g_autofree char *found = g_strdup_printf ("\"%s\"", text);
  bool more = true;
  while (more)
    {
      bool good = read_range (self, &text);
      more = *text == ',';
      good = good && read_at_once (&text, at_once);
      if (!good || (!more && *text != '\0'))
        return fail_array (array, found, error);
      text += more;
    }
  return check_count (dimensions, array, error);
}

GPtrArray *
sf_job_read_dimensions (SfConfigNode *root, int64_t *at_once, GError **error)
{
  g_autoptr (GPtrArray) dimensions = g_ptr_array_new_with_free_func (dimension_free);
  *at_once = 0;
  if (!read_models (dimensions, root, error) || !read_array (dimensions, root, at_once, error)
      || !read_matrix (dimensions, root, error))
    return NULL;
  return g_steal_pointer (&dimensions);
}

/* Puts `own`, a dimension of the matrix `node`, in the place of the one of its name. */
static bool
replace_dimension (GPtrArray *dimensions, SfJobDimension *own, SfConfigNode *node, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (guint i = 0; i < dimensions->len; i++)
    {
      SfJobDimension *other = dimensions->pdata[i];
      g_ptr_array_add (names, other->name);
      if (strcmp (other->name, own->name) != 0)
        continue;
      dimensions->pdata[i] = own;
      dimension_free (other);
      return true;
    }
  const char *nearest = sf_nearest_word (own->name, (const char *const *) names->pdata, names->len);
  sf_fail (error, SF_ERROR_INVALID_DATA,
           "%s: matrix: found %s, wanted names of the matrix of all%s%s%s",
           sf_config_node_where (sf_config_node_member (node, own->name)), own->name,
           nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
           nearest != NULL ? "\"?" : "");
  dimension_free (own);
  return false;
}

GPtrArray *
sf_job_read_matrix (SfConfigNode *root, SfConfigNode *own, GError **error)
{
  g_autoptr (GPtrArray) dimensions = g_ptr_array_new_with_free_func (dimension_free);
  g_autoptr (GPtrArray) others = g_ptr_array_new_with_free_func (dimension_free);
  SfConfigNode *node = sf_config_node_member (own, "matrix");
  if (!read_matrix (dimensions, root, error) || !read_matrix (others, own, error))
    return NULL;
  while (others->len > 0)
    if (!replace_dimension (dimensions, g_ptr_array_steal_index (others, 0), node, error))
      return NULL;
  return check_count (dimensions, own, error) ? g_steal_pointer (&dimensions) : NULL;
}

/* ---- one of the jobs ---- */

/* In commands, names that nobody bound are the shell's. */
static bool
bind_all (SfConfigNode *root, const SfConfigBinding *bindings, size_t n, GError **error)
{
  for (size_t i = 0; i < sf_config_node_count (root); i++)
    {
      SfConfigNode *node = sf_config_node_at (root, i);
      const char *key = sf_config_node_name (node);
      if (g_str_equal (key, "models") || g_str_equal (key, "array") || g_str_equal (key, "matrix"))
        {
          sf_config_node_member (root, key);
          continue;
        }
      if (!g_str_equal (key, "steps"))
        {
          if (!sf_config_node_bind (node, bindings, n, g_str_equal (key, "notify"), error))
            return false;
          continue;
        }
      for (size_t s = 0; s < sf_config_node_count (node); s++)
        {
          SfConfigNode *step = sf_config_node_at (node, s);
          for (size_t k = 0; k < sf_config_node_count (step); k++)
            {
              SfConfigNode *option = sf_config_node_at (step, k);
              bool is_argv = g_strcmp0 (sf_config_node_name (option), "argv") == 0;
              if (!sf_config_node_bind (option, bindings, n, is_argv, error))
                return false;
            }
        }
    }
  return true;
}

SfConfigBinding
sf_job_value (const GPtrArray *dimensions, guint i, size_t index)
{
  const SfJobDimension *self = dimensions->pdata[i];
  size_t left = index;
  for (guint k = dimensions->len - 1; k > i; k--)
    left /= ((SfJobDimension *) dimensions->pdata[k])->values->len;
  size_t at = left % self->values->len;
  return (SfConfigBinding){ .name = self->name,
                            .type = g_array_index (self->types, SfConfigType, at),
                            .text = self->values->pdata[at] };
}

bool
sf_job_bind (SfJobFile *file, SfConfigNode *root, SfConfigNode *own, const GPtrArray *dimensions,
             size_t index, GError **error)
{
  g_autofree SfConfigBinding *bindings = g_new0 (SfConfigBinding, MAX (dimensions->len, 1));
  g_autoptr (GString) element = g_string_new (NULL);
  for (guint i = 0; i < dimensions->len; i++)
    {
      const SfJobDimension *self = dimensions->pdata[i];
      bindings[i] = sf_job_value (dimensions, i, index);
      const char *text = bindings[i].text;
      g_string_append_printf (element, "%s%s=%s", i > 0 ? " " : "", self->name, text);
      file->environment = g_environ_setenv (file->environment, self->variable, text, TRUE);
      if (strcmp (self->name, "model") == 0 && sf_config_node_member (root, "models") != NULL)
        file->model = g_strdup (text);
    }
  if (dimensions->len > 0)
    file->element = g_strdup (element->str);
  return bind_all (root, bindings, dimensions->len, error)
         && (own == NULL || bind_all (own, bindings, dimensions->len, error));
}
