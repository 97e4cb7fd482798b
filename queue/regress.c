/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a suite: one pass over the text for each case, as for the jobs of a job file. */
#include "queue/regress.h"

#include <string.h>

#include <sf/file.h>

#include "queue/jobread.h"
#include "queue/regressread.h"

enum
{
  MAX_BYTES = 1 << 20,
  MAX_CASES = 10000,
};

static void
case_free (void *data)
{
  SfRegressCase *self = data;
  g_free (self->name);
  g_free (self->model);
  json_decref (self->parameters);
  g_free (self);
}

void
sf_regress_free (SfRegress *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->path);
  g_free (self->golden);
  g_ptr_array_unref (self->cases);
  sf_job_batch_free (self->batch);
  g_free (self);
}

static SfRegress *
regress_new (const char *path)
{
  SfRegress *self = g_new0 (SfRegress, 1);
  self->path = g_strdup (path);
  self->cases = g_ptr_array_new_with_free_func (case_free);
  self->batch = g_new0 (SfJobBatch, 1);
  self->batch->jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_job_file_free);
  return self;
}

/* ---- a case ---- */

static json_t *
parameters_json (const GPtrArray *dimensions, size_t index)
{
  json_t *object = json_object ();
  for (guint i = 0; i < dimensions->len; i++)
    {
      SfConfigBinding value = sf_job_value (dimensions, i, index);
      json_t *json = value.type == SF_CONFIG_INT
                         ? json_integer (g_ascii_strtoll (value.text, NULL, 10))
                     : value.type == SF_CONFIG_FLOAT ? json_real (g_ascii_strtod (value.text, NULL))
                     : value.type == SF_CONFIG_BOOL  ? json_boolean (value.text[0] == 't')
                                                     : json_string (value.text);
      json_object_set_new (object, value.name, json);
    }
  return object;
}

/* The job of a case: what the suite says, `own` being what the model says for itself. */
static bool
read_job (const SfJobSource *source, SfJobFile *job, SfConfigNode *root, SfConfigNode *own,
          GError **error)
{
  job->keeps_metrics = true;
  if (!sf_job_read_name (own, "name", true, &job->name, error)
      || !sf_job_read_path (source, own, "model", &job->model, error)
      || !sf_job_read_path (source, own, "data", &job->data, error)
      || !sf_job_read_rest (source, job, root, own, error)
      || !sf_regress_read_options (job, own, error))
    return false;
  g_autoptr (SfPlan) plan = sf_job_file_plan (job, "/", 1, error);
  return plan != NULL;
}

/* Adds case `index` of the model `own`, unless the suite leaves it out. */
static bool
read_case (SfRegress *self, const SfJobSource *source, SfConfigNode *root, SfConfigNode *own,
           const GPtrArray *dimensions, size_t index, GError **error)
{
  g_autoptr (SfJobFile) job = sf_job_new (source);
  SfRule rules[SF_N_METRICS];
  bool left_out = false;
  if (!sf_job_bind (job, root, own, dimensions, index, error)
      || !read_job (source, job, root, own, error)
      || !sf_regress_read_rules (job, root, own, rules, error)
      || !sf_regress_read_except (root, own, job->name, dimensions, index, &left_out, error)
      || !sf_config_check_keys (root, false, error) || !sf_config_check_keys (own, false, error))
    return false;
  if (left_out)
    return true;
  SfRegressCase *row = g_new0 (SfRegressCase, 1);
  row->name = job->element != NULL ? g_strdup_printf ("%s %s", job->name, job->element)
                                   : g_strdup (job->name);
  row->model = g_strdup (job->name);
  row->parameters = parameters_json (dimensions, index);
  row->job = job;
  memcpy (row->rules, rules, sizeof rules);
  g_ptr_array_add (self->cases, row);
  g_ptr_array_add (self->batch->jobs, g_steal_pointer (&job));
  return true;
}

/* ---- a suite ---- */

/* suite and golden; the rest is asked for with each case. */
static bool
read_head (SfRegress *self, const SfJobSource *source, SfConfigNode *root, GError **error)
{
  const char *golden = NULL;
  if (!sf_job_read_name (root, "suite", true, &self->name, error)
      || !sf_config_get_string (root, "golden", true, &golden, error))
    return false;
  bool plain = self->name[strspn (self->name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_.+")]
               == '\0';
  if (!plain || self->name[0] == '.' || self->name[0] == '-')
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: suite: found \"%s\", wanted letters, digits, '-' and '_', since a folder "
                    "gets that name",
                    sf_config_node_where (sf_config_node_member (root, "suite")), self->name);
  if (strcmp (golden, "none") != 0)
    self->golden = g_canonicalize_filename (golden, source->folder);
  return true;
}

static SfConfigNode *
find_models (const SfJobSource *source, SfConfigNode *root, GError **error)
{
  SfConfigNode *models = sf_config_node_member (root, "models");
  bool is_list = models != NULL && sf_config_node_type (models) == SF_CONFIG_LIST;
  size_t n = is_list ? sf_config_node_count (models) : 0;
  for (size_t i = 0; i < n; i++)
    if (sf_config_node_type (sf_config_node_at (models, i)) != SF_CONFIG_GROUP)
      n = 0;
  if (n > 0)
    return models;
  sf_fail (error, SF_ERROR_INVALID_DATA,
           "%s: models: found none, wanted a list of groups; write models = ( { name = \"digits\"; "
           "model = \"digits.cfg\"; } )",
           models != NULL ? sf_config_node_where (models) : source->name);
  return NULL;
}

/* The values that the cases of model `m` run through. */
static GPtrArray *
read_dimensions (const SfJobSource *source, size_t m, GError **error)
{
  g_autoptr (SfConfig) config = sf_job_source_parse (source, error);
  if (config == NULL)
    return NULL;
  SfConfigNode *root = sf_config_root (config);
  SfConfigNode *own = sf_config_node_at (sf_config_node_member (root, "models"), m);
  return sf_regress_refuse_keys (root, own, error) ? sf_job_read_matrix (root, own, error) : NULL;
}

static bool
read_model (SfRegress *self, const SfJobSource *source, size_t m, GError **error)
{
  g_autoptr (GPtrArray) dimensions = read_dimensions (source, m, error);
  if (dimensions == NULL)
    return false;
  size_t n = sf_job_count (dimensions);
  if (self->cases->len + n > MAX_CASES)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found more than %d cases, wanted fewer; use several files", source->name,
                    MAX_CASES);
  if (!sf_job_source_check (source, self->cases->len + n, error))
    return false;
  for (size_t i = 0; i < n; i++)
    {
      g_autoptr (SfConfig) config = sf_job_source_parse (source, error);
      if (config == NULL)
        return false;
      SfConfigNode *root = sf_config_root (config);
      SfConfigNode *own = sf_config_node_at (sf_config_node_member (root, "models"), m);
      sf_config_node_member (root, "suite");
      sf_config_node_member (root, "golden");
      if (!read_case (self, source, root, own, dimensions, i, error))
        return false;
    }
  return true;
}

static bool
check_names (const SfRegress *self, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < self->cases->len; i++)
    {
      const SfRegressCase *row = self->cases->pdata[i];
      if (!g_hash_table_add (names, row->name))
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: found two cases \"%s\", wanted names of their own; give one of the "
                        "models another name, or take a value of the matrix away",
                        self->path, row->name);
    }
  return self->cases->len > 0
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: except: found all cases left out, wanted at least one", self->path);
}

static SfRegress *
read_suite (const SfJobSource *source, GError **error)
{
  g_autoptr (SfRegress) self = regress_new (source->name);
  g_autoptr (SfConfig) config = sf_job_source_parse (source, error);
  SfConfigNode *root = config != NULL ? sf_config_root (config) : NULL;
  SfConfigNode *models = root != NULL && read_head (self, source, root, error)
                             ? find_models (source, root, error)
                             : NULL;
  if (models == NULL)
    return NULL;
  for (size_t m = 0; m < sf_config_node_count (models); m++)
    if (!read_model (self, source, m, error))
      return NULL;
  return check_names (self, error) ? g_steal_pointer (&self) : NULL;
}

SfRegress *
sf_regress_parse (const char *text, size_t n_bytes, const char *path, const SfStepVerb *verbs,
                  size_t n, GError **error)
{
  SfJobSource source;
  SfRegress *self = NULL;
  if (sf_job_source_init (&source, text, n_bytes, path, verbs, n, error))
    self = read_suite (&source, error);
  sf_job_source_clear (&source);
  return self;
}

SfRegress *
sf_regress_read (const char *path, const SfStepVerb *verbs, size_t n, GError **error)
{
  SfFileMap map;
  if (!sf_file_map (path, MAX_BYTES, &map, error))
    return NULL;
  SfRegress *self = sf_regress_parse (map.data != NULL ? (const char *) map.data : "", map.n_bytes,
                                      path, verbs, n, error);
  sf_file_unmap (&map);
  return self;
}
