/* SPDX-License-Identifier: Apache-2.0 */
/* Reading job files: one pass over the text for each job that it makes. */
#include "queue/jobfile.h"

#include <string.h>
#include <unistd.h>

#include <sf/file.h>

#include "queue/jobread.h"

enum
{
  MAX_BYTES = 1 << 20,
  MAX_BYTES_READ = 64 << 20, /* jobs times bytes */
  MAX_NAME_CHARS = 200,
  MAX_PRIORITY = 1000000,
};

static const SfOption resource_options[] = {
  { .name = "tiles", .type = SF_OPTION_INT, .min = 1, .max = 65536, .help = "emulated RDU tiles" },
  { .name = "cores", .type = SF_OPTION_INT, .min = 1, .max = 65536, .help = "cores" },
  { .name = "memory", .type = SF_OPTION_BYTES, .help = "memory of all processes together" },
  { .name = "time-limit", .type = SF_OPTION_SECONDS, .help = "time of all steps together" },
  { .name = NULL },
};

void
sf_job_source_clear (SfJobSource *self)
{
  g_free (self->path);
  g_free (self->folder);
  if (self->text != NULL)
    g_ref_string_release (self->text);
}

bool
sf_job_source_init (SfJobSource *self, const char *text, size_t n_bytes, const char *path,
                    const SfStepVerb *verbs, size_t n, GError **error)
{
  text = text != NULL ? text : "";
  *self = (SfJobSource){ .name = path, .verbs = verbs, .n_verbs = n };
  self->path = g_canonicalize_filename (path, NULL);
  self->folder = g_path_get_dirname (self->path);
  if (!g_utf8_validate (text, (gssize) n_bytes, NULL) || !g_utf8_validate (self->path, -1, NULL))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: found bytes that are not UTF-8, wanted UTF-8", path);
  self->text = g_ref_string_new_len (text, (gssize) n_bytes);
  return true;
}

SfConfig *
sf_job_source_parse (const SfJobSource *self, GError **error)
{
  return sf_config_parse (self->text, g_ref_string_length (self->text), self->name, error);
}

bool
sf_job_source_check (const SfJobSource *self, size_t n_jobs, GError **error)
{
  size_t n_bytes = g_ref_string_length (self->text);
  return n_jobs * n_bytes <= MAX_BYTES_READ
         || sf_fail (error, SF_ERROR_INVALID_DATA,
                     "%s: found %zu jobs of %zu bytes of text, wanted at most %d bytes for all; "
                     "use several files",
                     self->name, n_jobs, n_bytes, MAX_BYTES_READ);
}

void
sf_job_file_free (SfJobFile *file)
{
  if (file == NULL)
    return;
  g_free (file->name);
  g_free (file->element);
  g_free (file->project);
  g_free (file->path);
  g_ref_string_release (file->text);
  g_free (file->folder);
  g_free (file->model);
  g_free (file->data);
  g_strfreev (file->environment);
  g_strfreev (file->notify);
  g_ptr_array_unref (file->links);
  g_ptr_array_unref (file->steps);
  g_free (file);
}

void
sf_job_batch_free (SfJobBatch *batch)
{
  if (batch == NULL)
    return;
  g_ptr_array_unref (batch->jobs);
  g_free (batch);
}

/* ---- what a job says beside its steps ---- */

static bool
read_resources (SfJobFile *file, SfConfigNode *root, GError **error)
{
  g_autoptr (SfOptionValues) values = sf_option_values_new (resource_options);
  SfConfigNode *group = sf_config_node_member (root, "resources");
  if (group == NULL)
    return true;
  if (sf_config_node_type (group) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: resources: found a value, wanted a group { }",
                    sf_config_node_where (group));
  if (!sf_option_parse_config (values, group, NULL, error))
    return false;
  file->tiles = sf_option_int (values, "tiles");
  file->cores = sf_option_int (values, "cores");
  file->memory_bytes = sf_option_int (values, "memory");
  file->time_limit_s = sf_option_int (values, "time-limit");
  return true;
}

bool
sf_job_read_path (const SfJobSource *source, SfConfigNode *root, const char *key, char **out,
                  GError **error)
{
  const char *path = NULL;
  if (!sf_config_get_string (root, key, false, &path, error))
    return false;
  if (path == NULL)
    return true;
  *out = g_canonicalize_filename (path, source->folder);
  if (access (*out, R_OK) != 0)
    return sf_fail (
        error, SF_ERROR_NOT_FOUND, "%s: %s: %s cannot be read; paths are relative to %s",
        sf_config_node_where (sf_config_node_member (root, key)), key, *out, source->folder);
  return true;
}

static bool
read_folder (const SfJobSource *source, SfJobFile *file, SfConfigNode *root, GError **error)
{
  if (!sf_job_read_path (source, root, "work_folder", &file->folder, error))
    return false;
  if (file->folder == NULL)
    file->folder = g_strdup (source->folder);
  else if (!g_file_test (file->folder, G_FILE_TEST_IS_DIR))
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: work_folder: found a file, wanted a folder",
                    sf_config_node_where (sf_config_node_member (root, "work_folder")));
  return true;
}

bool
sf_job_read_name (SfConfigNode *root, const char *key, bool required, char **out, GError **error)
{
  const char *name = NULL;
  if (!sf_config_get_string (root, key, required, &name, error))
    return false;
  if (name != NULL && (name[0] == '\0' || g_utf8_strlen (name, -1) > MAX_NAME_CHARS))
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: %s: found %s, wanted 1 to %d characters",
                    sf_config_node_where (sf_config_node_member (root, key)), key,
                    name[0] == '\0' ? "none" : "more", MAX_NAME_CHARS);
  *out = g_strdup (name);
  return true;
}

static bool
read_priority (SfJobFile *file, SfConfigNode *root, GError **error)
{
  if (!sf_config_get_int (root, "priority", false, &file->priority, error))
    return false;
  if (file->priority >= -MAX_PRIORITY && file->priority <= MAX_PRIORITY)
    return true;
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: priority: found %" G_GINT64_FORMAT ", wanted an integer from %d to %d",
                  sf_config_node_where (sf_config_node_member (root, "priority")), file->priority,
                  -MAX_PRIORITY, MAX_PRIORITY);
}

/* ---- jobs ---- */

SfJobFile *
sf_job_new (const SfJobSource *source)
{
  SfJobFile *file = g_new0 (SfJobFile, 1);
  file->path = g_strdup (source->path);
  file->text = g_ref_string_acquire (source->text);
  file->environment = g_new0 (char *, 1);
  file->links = g_ptr_array_new_with_free_func (sf_job_link_free);
  file->steps = g_ptr_array_new_with_free_func (sf_job_step_free);
  return file;
}

static bool
read_model (const SfJobSource *source, SfJobFile *file, SfConfigNode *root, GError **error)
{
  SfConfigNode *model = sf_config_node_member (root, "model");
  if (model != NULL && file->model != NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: model: found models as well, wanted one of them; remove the other",
                    sf_config_node_where (model));
  if (file->model == NULL)
    return sf_job_read_path (source, root, "model", &file->model, error);
  g_autofree char *given = g_steal_pointer (&file->model);
  file->model = g_canonicalize_filename (given, source->folder);
  if (access (file->model, R_OK) == 0)
    return true;
  return sf_fail (
      error, SF_ERROR_NOT_FOUND, "%s: models: %s cannot be read; paths are relative to %s",
      sf_config_node_where (sf_config_node_member (root, "models")), file->model, source->folder);
}

/* Of `own` if it says that, else of `root`. */
static SfConfigNode *
first_with (SfConfigNode *own, SfConfigNode *root, const char *key)
{
  sf_config_node_member (root, key); /* known there, whoever says it */
  return own != NULL && sf_config_node_member (own, key) != NULL ? own : root;
}

bool
sf_job_read_rest (const SfJobSource *source, SfJobFile *file, SfConfigNode *root, SfConfigNode *own,
                  GError **error)
{
  if (!sf_job_read_name (root, "project", false, &file->project, error)
      || !read_folder (source, file, root, error)
      || !sf_job_read_steps (file, first_with (own, root, "steps"), source->name, source->verbs,
                             source->n_verbs, error)
      || !read_resources (file, first_with (own, root, "resources"), error)
      || !read_priority (file, root, error) || !sf_job_read_rules (file, root, error))
    return false;
  if (file->project == NULL)
    file->project = g_strdup ("");
  return true;
}

/* Those that have made it one of many are known here, too. */
static bool
check_keys (SfConfigNode *root, GError **error)
{
  static const char *const keys[] = { "models", "array", "matrix" };
  for (size_t i = 0; i < G_N_ELEMENTS (keys); i++)
    sf_config_node_member (root, keys[i]);
  return sf_config_check_keys (root, false, error);
}

static SfJobFile *
read_job (const SfJobSource *source, const GPtrArray *dimensions, size_t index, GError **error)
{
  g_autoptr (SfJobFile) file = sf_job_new (source);
  g_autoptr (SfConfig) config = sf_job_source_parse (source, error);
  if (config == NULL)
    return NULL;
  SfConfigNode *root = sf_config_root (config);
  if (!sf_job_bind (file, root, NULL, dimensions, index, error)
      || !sf_job_read_name (root, "name", true, &file->name, error)
      || !read_model (source, file, root, error)
      || !sf_job_read_path (source, root, "data", &file->data, error)
      || !sf_job_read_rest (source, file, root, NULL, error) || !check_keys (root, error))
    return NULL;
  return g_steal_pointer (&file);
}

static GPtrArray *
read_dimensions (const SfJobSource *source, int64_t *at_once, GError **error)
{
  g_autoptr (SfConfig) config = sf_job_source_parse (source, error);
  g_autoptr (GPtrArray) dimensions
      = config != NULL ? sf_job_read_dimensions (sf_config_root (config), at_once, error) : NULL;
  if (dimensions == NULL || !sf_job_source_check (source, sf_job_count (dimensions), error))
    return NULL;
  return g_steal_pointer (&dimensions);
}

static SfJobBatch *
read_batch (const SfJobSource *source, GError **error)
{
  int64_t at_once = 0;
  g_autoptr (GPtrArray) dimensions = read_dimensions (source, &at_once, error);
  if (dimensions == NULL)
    return NULL;
  g_autoptr (SfJobBatch) batch = g_new0 (SfJobBatch, 1);
  batch->at_once = at_once;
  batch->jobs = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_job_file_free);
  for (size_t i = 0; i < sf_job_count (dimensions); i++)
    {
      SfJobFile *file = read_job (source, dimensions, i, error);
      if (file == NULL)
        return NULL;
      g_ptr_array_add (batch->jobs, file);
    }
  return g_steal_pointer (&batch);
}

SfJobBatch *
sf_job_batch_parse (const char *text, size_t n_bytes, const char *path, const SfStepVerb *verbs,
                    size_t n, GError **error)
{
  SfJobSource source;
  SfJobBatch *batch = NULL;
  if (sf_job_source_init (&source, text, n_bytes, path, verbs, n, error))
    batch = read_batch (&source, error);
  sf_job_source_clear (&source);
  return batch;
}

SfJobBatch *
sf_job_batch_read (const char *path, const SfStepVerb *verbs, size_t n, GError **error)
{
  SfFileMap map;
  if (!sf_file_map (path, MAX_BYTES, &map, error))
    return NULL;
  SfJobBatch *batch = sf_job_batch_parse (map.data != NULL ? (const char *) map.data : "",
                                          map.n_bytes, path, verbs, n, error);
  sf_file_unmap (&map);
  return batch;
}
