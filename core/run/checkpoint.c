/* SPDX-License-Identifier: Apache-2.0 */
/* Saving and restoring the states of a session. */
#include "core/run/checkpoint.h"

#include <errno.h>
#include <unistd.h>

#include "core/run/safetensors.h"

/* "cpu", or "rdu" with the instruction set that fixes its rounding. */
static char *
engine_of (SfSession *session)
{
  g_autofree char *text = sf_session_describe (session);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (size_t i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "isa="))
      return g_strdup_printf ("%s/%s", sf_session_backend (session), lines[i] + strlen ("isa="));
  return g_strdup (sf_session_backend (session));
}

static void
set_int (SfTensorFile *file, const char *key, int64_t value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, value);
  sf_tensor_file_set (file, key, text);
}

static void
set_progress (SfTensorFile *file, const SfProgress *progress)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *seed = g_strdup_printf ("%" G_GUINT64_FORMAT, progress->seed);
  sf_tensor_file_set (file, "format", "spatialflow-checkpoint-1");
  set_int (file, "step", progress->step);
  set_int (file, "epoch", progress->epoch);
  set_int (file, "batch", progress->batch);
  sf_tensor_file_set (file, "seed", seed);
  sf_tensor_file_set (file, "loss_sum", g_ascii_dtostr (text, sizeof text, progress->loss_sum));
}

bool
sf_checkpoint_save (SfSession *session, const char *path, const SfProgress *progress,
                    GError **error)
{
  g_autoptr (SfTensorFile) file = sf_tensor_file_new ();
  g_autofree char *engine = engine_of (session);
  SfPort port;
  set_progress (file, progress);
  sf_tensor_file_set (file, "engine", engine);
  sf_tensor_file_set (file, "graph", sf_pef_graph_digest (sf_session_pef (session)));
  for (size_t i = 0; sf_session_state (session, i, &port); i++)
    {
      SfTensor tensor = { 0 };
      if (!sf_session_read (session, port.name, &tensor, error))
        return false;
      sf_tensor_file_take (file, port.name, &tensor);
    }
  return sf_tensor_file_save (file, path, error);
}

/* Optimizer state is named after the state it belongs to, "fc1.weight.exp_avg" after "fc1.weight",
 * and ends as the optimizer calls it: "weight.1" is no state of "weight". */
static bool
is_optimizer_state (SfSession *session, const char *name)
{
  SfPort port;
  const char *dot = strrchr (name, '.'),
             *known = sf_pef_fact (sf_session_pef (session), "optimizer_states");
  g_auto (GStrv) endings = g_strsplit (known == NULL ? "" : known, " ", -1);
  if (dot == NULL || !g_strv_contains ((const char *const *) endings, dot + 1))
    return false;
  for (size_t i = 0; sf_session_state (session, i, &port); i++)
    if (strlen (port.name) == (size_t) (dot - name)
        && strncmp (name, port.name, (size_t) (dot - name)) == 0)
      return true;
  return false;
}

static bool
check_match (SfSession *session, const SfTensorFile *file, const char *path, GError **error)
{
  const char *graph = sf_tensor_file_get (file, "graph"),
             *engine = sf_tensor_file_get (file, "engine");
  g_autofree char *own = engine_of (session);
  if (graph == NULL || engine == NULL)
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "%s: is not a training checkpoint (no graph digest); start from its weights with --init-checkpoint",
        path);
  if (g_strcmp0 (graph, sf_pef_graph_digest (sf_session_pef (session))) != 0)
    return sf_fail (
        error, SF_ERROR_INCOMPATIBLE,
        "%s: is of another model or other training options than %s; start from its weights with --init-checkpoint",
        path, sf_pef_name (sf_session_pef (session)));
  if (strcmp (engine, own) != 0)
    return sf_fail (
        error, SF_ERROR_INCOMPATIBLE,
        "%s: was made by %s, this is %s and would not continue with the same bits; use the same, or start from its weights with "
        "--init-checkpoint",
        path, engine, own);
  return true;
}

static bool
check_states (SfSession *session, const SfTensorFile *file, const char *path, SfRestore restore,
              GError **error)
{
  SfPort port;
  for (size_t i = 0; sf_session_state (session, i, &port); i++)
    {
      const SfTensor *tensor = sf_tensor_file_find (file, port.name);
      if (restore == SF_RESTORE_WEIGHTS && is_optimizer_state (session, port.name))
        continue;
      if (tensor == NULL)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: has no tensor \"%s\"; it is of another model", path, port.name);
      if (!sf_shape_equal (&tensor->shape, &port.shape)
          || sf_dtype_is_float (tensor->dtype) != sf_dtype_is_float (port.dtype))
        {
          g_autofree char *found = sf_shape_text (&tensor->shape),
                          *wanted = sf_shape_text (&port.shape);
          return sf_fail (
              error, SF_ERROR_INVALID_DATA,
              "%s: tensor \"%s\" is %s %s, wanted %s %s; it is of another model or other arguments",
              path, port.name, sf_dtype_name (tensor->dtype), found, sf_dtype_name (port.dtype),
              wanted);
        }
    }
  return true;
}

static bool
get_int (const SfTensorFile *file, const char *path, const char *key, int64_t *out, GError **error)
{
  const char *text = sf_tensor_file_get (file, key);
  if (text == NULL || !g_ascii_string_to_signed (text, 10, 0, INT64_MAX, out, NULL))
    return sf_fail (
        error, SF_ERROR_INVALID_DATA,
        "%s: metadata \"%s\" is %s, wanted a number; start from its weights with --init-checkpoint",
        path, key, text == NULL ? "missing" : text);
  return true;
}

static bool
get_progress (const SfTensorFile *file, const char *path, SfProgress *progress, GError **error)
{
  guint64 seed;
  const char *text = sf_tensor_file_get (file, "seed"),
             *loss = sf_tensor_file_get (file, "loss_sum");
  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, UINT64_MAX, &seed, NULL))
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: metadata \"seed\" is missing or damaged",
                    path);
  progress->seed = seed;
  progress->loss_sum = loss == NULL ? 0 : g_ascii_strtod (loss, NULL);
  return get_int (file, path, "step", &progress->step, error)
         && get_int (file, path, "epoch", &progress->epoch, error)
         && get_int (file, path, "batch", &progress->batch, error);
}

bool
sf_checkpoint_load (SfSession *session, const char *path, SfRestore restore, SfProgress *progress,
                    GError **error)
{
  SfPort port;
  g_autoptr (SfTensorFile) file = sf_tensor_file_open (path, error);
  if (file == NULL || (restore == SF_RESTORE_ALL && !check_match (session, file, path, error))
      || !check_states (session, file, path, restore, error))
    return false;
  if (progress != NULL && !get_progress (file, path, progress, error))
    return false;
  for (size_t i = 0; sf_session_state (session, i, &port); i++)
    {
      const SfTensor *tensor = sf_tensor_file_find (file, port.name);
      if (restore == SF_RESTORE_WEIGHTS && is_optimizer_state (session, port.name))
        continue;
      if (!sf_session_write (session, port.name, tensor, error))
        return false;
    }
  return true;
}

typedef struct
{
  int64_t step;
  char *path;
} Found;

static void
clear_found (void *data)
{
  g_free (((Found *) data)->path);
}

static int
compare_found (gconstpointer a, gconstpointer b)
{
  const Found *x = a, *y = b;
  return x->step != y->step ? (x->step < y->step ? 1 : -1) : strcmp (x->path, y->path);
}

/* Checkpoints of a folder, the newest first. Files that are not ours are left out. */
static GArray *
find_all (const char *folder, SfTensorFile *(*open_file) (const char *path, GError **error),
          GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  GArray *all = g_array_new (FALSE, FALSE, sizeof (Found));
  const char *name;
  g_array_set_clear_func (all, clear_found);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      if (!g_str_has_suffix (name, ".safetensors")
          || !(g_str_has_prefix (name, "epoch-") || g_str_has_prefix (name, "step-")))
        continue;
      Found found = { .path = g_build_filename (folder, name, NULL) };
      g_autoptr (SfTensorFile) file = open_file (found.path, error);
      if (file == NULL || !get_int (file, found.path, "step", &found.step, error))
        {
          g_free (found.path);
          g_array_unref (all);
          return NULL;
        }
      g_array_append_val (all, found);
    }
  g_array_sort (all, compare_found);
  return all;
}

/* All are read whole: a step number that is damaged would make an older one the newest. */
char *
sf_checkpoint_latest (const char *folder, GError **error)
{
  g_autoptr (GArray) all = find_all (folder, sf_tensor_file_open, error);
  return all == NULL || all->len == 0 ? NULL : g_strdup (g_array_index (all, Found, 0).path);
}

bool
sf_checkpoint_prune (const char *folder, int64_t keep, GError **error)
{
  g_autoptr (GArray) all = find_all (folder, sf_tensor_file_peek, error);
  for (guint i = 0; all != NULL && i < all->len; i++)
    if (i >= keep && unlink (g_array_index (all, Found, i).path) != 0)
      return sf_fail_errno (error, errno, "%s: could not be removed",
                            g_array_index (all, Found, i).path);
  return all != NULL;
}
