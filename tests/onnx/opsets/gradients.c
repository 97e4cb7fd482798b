/* SPDX-License-Identifier: Apache-2.0 */
/* gradients [--except FILE] FOLDER...: imports each test of the folders, differentiates its float
 * outputs, weighted at random, by its float inputs and parameters, and holds the slope along random
 * directions against differences in f64. Where the slope jumps, it may be any between its two
 * sides. The operator's row says whether it is trained through; FILE has patterns of names that are
 * left out. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <sf/compile.h>
#include <sf/conformance.h>
#include <sf/evaluate.h>
#include <sf/file.h>
#include <sf/plugin/frontend.h>
#include <sf/plugins.h>
#include <sf/rng.h>

#include "plugins/frontends/onnx/scope.h"

#define MAX_VALUES   16
#define N_DIRECTIONS 4
#define STEP         1e-5
#define MAX_MOVE     1e-2 /* what moves further within a step jumps, and has no slope */

typedef struct
{
  const char *name;
  SfModule *module;
  SfGraph *graph;
  SfTensor given[MAX_VALUES]; /* content of the files */
  char *given_names[MAX_VALUES];
  size_t n_given;
  SfValue at[MAX_VALUES];     /* float inputs and parameters */
  SfTensor point[MAX_VALUES]; /* f64 */
  SfValue grad[MAX_VALUES];
  size_t n;
  SfValue loss;
} Slope;

/* ---- reading ---- */

static bool
read_inputs (Slope *s, const char *folder, GError **error)
{
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_FRONTEND, "onnx", error);
  for (; plugin != NULL && s->n_given < MAX_VALUES; s->n_given++)
    {
      g_autofree char *base = g_strdup_printf ("input_%zu.pb", s->n_given);
      g_autofree char *path = g_build_filename (folder, "test_data_set_0", base, NULL);
      SfFileMap map;
      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        return true;
      if (!sf_file_map (path, 1 << 20, &map, error))
        return false;
      SfSource source = { .path = path, .data = map.data, .n_bytes = map.n_bytes };
      bool ok = plugin->ops.frontend->read_tensor (&source, &s->given[s->n_given],
                                                   &s->given_names[s->n_given], error);
      sf_file_unmap (&map);
      if (!ok)
        return false;
    }
  return plugin != NULL;
}

static const SfTensor *
given_of (const Slope *s, const char *name)
{
  for (size_t i = 0; i < s->n_given; i++)
    if (g_strcmp0 (s->given_names[i], name) == 0)
      return &s->given[i];
  return NULL;
}

static bool
import (Slope *s, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "model.onnx", NULL);
  SfKnownInput known[MAX_VALUES];
  for (size_t i = 0; i < s->n_given; i++)
    known[i] = (SfKnownInput){ s->given_names[i], s->given[i] };
  const SfImportOptions options
      = { .frontend = "onnx", .seed = 1, .known = known, .n_known = s->n_given };
  s->module = sf_import (path, &options, error);
  s->graph = s->module != NULL ? sf_module_graph (s->module, "forward") : NULL;
  return s->graph != NULL;
}

/* ---- the loss ---- */

static bool
add_point (Slope *s, SfValue value, SfDtype dtype, const void *data, GError **error)
{
  if (!sf_dtype_is_float (dtype) || data == NULL || s->n == MAX_VALUES)
    return true;
  const SfShape *shape = sf_value_shape (s->graph, value);
  s->at[s->n] = value;
  if (!sf_tensor_alloc (SF_F64, shape, &s->point[s->n], error))
    return false;
  sf_dtype_convert (dtype, data, SF_F64, s->point[s->n].data, (size_t) sf_shape_n_elems (shape));
  s->n++;
  return true;
}

static bool
add_points (Slope *s, GError **error)
{
  for (size_t i = 0; i < sf_graph_n_inputs (s->graph); i++)
    {
      SfValue input = sf_graph_input_at (s->graph, i);
      const SfTensor *given = given_of (s, sf_value_name (s->graph, input));
      if (given != NULL && !add_point (s, input, given->dtype, given->data, error))
        return false;
    }
  for (size_t i = 0; i < sf_graph_n_states (s->graph); i++)
    {
      SfValue state = sf_graph_state_at (s->graph, i);
      if (!add_point (s, state, sf_value_dtype (s->graph, state), sf_value_data (s->graph, state),
                      error))
        return false;
    }
  return true;
}

/* Sum of the output's elements, each with a weight of its own. */
static SfValue
weighted (Slope *s, SfValue y, uint32_t stream, GError **error)
{
  SfShape shape = *sf_value_shape (s->graph, y);
  size_t n = (size_t) sf_shape_n_elems (&shape);
  g_autofree double *weights = g_new0 (double, n + 1);
  SfRng rng = { .seed = 5, .stream = stream };
  for (size_t i = 0; i < n; i++)
    weights[i] = 2 * (double) sf_rng_uniform (&rng, i) - 1;
  SfValue w = sf_graph_constant (s->graph, SF_F64, shape, weights, error);
  SfValue v = w != SF_NONE ? sf_graph_op2 (s->graph, "mul", y, w, error) : SF_NONE;
  return v == SF_NONE || shape.rank == 0 ? v : sf_graph_op1 (s->graph, "reduce_sum", v, error);
}

/* Without float outputs s->loss stays SF_NONE. */
static bool
add_loss (Slope *s, GError **error)
{
  s->loss = SF_NONE;
  for (size_t i = 0; i < sf_graph_n_outputs (s->graph); i++)
    {
      SfValue y = sf_graph_output_at (s->graph, i, NULL, NULL);
      if (!sf_dtype_is_float (sf_value_dtype (s->graph, y)))
        continue;
      SfValue part = weighted (s, y, (uint32_t) i, error);
      if (part == SF_NONE)
        return false;
      s->loss = s->loss == SF_NONE ? part : sf_graph_op2 (s->graph, "add", s->loss, part, error);
      if (s->loss == SF_NONE)
        return false;
    }
  return true;
}

/* ---- slopes ---- */

/* `what` with the points moved along `direction` of point `of`. */
static double *
evaluate (const Slope *s, SfValue what, size_t of, const double *direction, double step,
          GError **error)
{
  const SfEvaluateOptions options = { .f64 = true, .n_threads = 1 };
  g_autoptr (GArray) feeds = g_array_new (FALSE, FALSE, sizeof (SfFeed));
  size_t n = (size_t) sf_shape_n_elems (&s->point[of].shape);
  g_autofree double *moved = g_new0 (double, n + 1);
  int32_t rng[] = { 1, 2, 3 };
  SfFetch fetch = { .value = what };
  for (size_t i = 0; i < n; i++)
    moved[i] = ((const double *) s->point[of].data)[i] + step * direction[i];
  for (size_t i = 0; i < s->n; i++)
    {
      SfFeed feed = { s->at[i], s->point[i] };
      if (i == of)
        feed.tensor = sf_tensor (SF_F64, s->point[of].shape, moved);
      g_array_append_val (feeds, feed);
    }
  for (size_t i = 0; i < sf_graph_n_inputs (s->graph); i++)
    {
      SfValue input = sf_graph_input_at (s->graph, i);
      const SfTensor *given = given_of (s, sf_value_name (s->graph, input));
      if (given != NULL && !sf_dtype_is_float (given->dtype))
        g_array_append_val (feeds, ((SfFeed){ input, *given }));
    }
  if (sf_graph_find (s->graph, "rng") != SF_NONE)
    g_array_append_val (feeds, ((SfFeed){ sf_graph_find (s->graph, "rng"),
                                          sf_tensor (SF_I32, SF_SHAPE (3), rng) }));
  if (!sf_evaluate (s->graph, &options, (const SfFeed *) feeds->data, feeds->len, &fetch, 1, error))
    return NULL;
  size_t n_bytes = sf_tensor_n_bytes (&fetch.tensor);
  double *found = g_memdup2 (fetch.tensor.data, MAX (n_bytes, 8));
  sf_tensor_clear (&fetch.tensor);
  return found;
}

static bool
check_direction (const Slope *s, size_t i, const double *gradient, const double *direction,
                 GError **error)
{
  size_t n = (size_t) sf_shape_n_elems (&s->point[i].shape);
  double slope = 0, scale = 0, at[3];
  for (int side = 0; side < 3; side++)
    {
      g_autofree double *loss = evaluate (s, s->loss, i, direction, (side - 1) * STEP, error);
      if (loss == NULL)
        return false;
      at[side] = loss[0];
    }
  for (size_t e = 0; gradient != NULL && e < n; e++)
    {
      slope += gradient[e] * direction[e];
      scale += fabs (gradient[e] * direction[e]);
    }
  for (int side = 0; side < 3; side++)
    if (!isfinite (at[side]) || fabs (at[side] - at[1]) > MAX_MOVE * (1 + scale))
      return true;
  double before = (at[1] - at[0]) / STEP, after = (at[2] - at[1]) / STEP;
  double slack = 1e-4 * MAX (scale, fabs (after)) + 1e-9 / STEP * (1 + fabs (at[1]));
  if (slope >= MIN (before, after) - slack && slope <= MAX (before, after) + slack)
    return true;
  return sf_fail (error, SF_ERROR_CHECK_FAILED,
                  "%s: gradient gives %.9g, differences %.9g before and %.9g after",
                  sf_value_name (s->graph, s->at[i]), slope, before, after);
}

static bool
check_point (const Slope *s, size_t i, GError **error)
{
  size_t n = (size_t) sf_shape_n_elems (&s->point[i].shape);
  g_autofree double *direction = g_new0 (double, n + 1), *gradient = NULL;
  SfRng rng = { .seed = 6, .stream = (uint32_t) i };
  const double *x = s->point[i].data;
  for (size_t e = 0; e < n; e++)
    if (!isfinite (x[e]))
      return true;
  if (s->grad[i] != SF_NONE)
    {
      gradient = evaluate (s, s->grad[i], i, direction, 0, error);
      if (gradient == NULL)
        return false;
    }
  for (int d = 0; d < N_DIRECTIONS; d++)
    {
      for (size_t e = 0; e < n; e++)
        direction[e] = 2 * (double) sf_rng_uniform (&rng, (uint64_t) d * n + e) - 1;
      if (!check_direction (s, i, gradient, direction, error))
        return false;
    }
  return true;
}

/* ---- one test ---- */

/* The row of the test's operator; NULL for tests of several, which have no such file. */
static const OnnxRow *
row_of (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "operator", NULL), *text = NULL;
  char op[64], domain[64] = "";
  int opset;
  if (!g_file_get_contents (path, &text, NULL, NULL)
      || sscanf (text, "%63s %d %63s", op, &opset, domain) < 2)
    return NULL;
  return onnx_table_find (domain, op, opset, NULL);
}

static bool
has_any (const SfValue *grads, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (grads[i] != SF_NONE)
      return true;
  return false;
}

static bool
run (Slope *s, const char *folder, GError **error)
{
  const OnnxRow *row = row_of (folder);
  bool trained = row != NULL && (row->flags & ONNX_NO_GRAD) == 0;
  bool partly = trained && row->note != NULL && strstr (row->note, "gradient") != NULL;
  if (!read_inputs (s, folder, error) || !import (s, folder, error) || !add_points (s, error)
      || !add_loss (s, error))
    return false;
  if (s->loss == SF_NONE || s->n == 0)
    return true;
  if (!sf_graph_differentiate (s->graph, s->loss, s->at, s->n, s->grad, error))
    {
      if (!trained || partly)
        g_clear_error (error);
      return !trained || partly;
    }
  SfValue first = sf_graph_output_at (s->graph, 0, NULL, NULL);
  if (row != NULL && !trained && sf_dtype_is_float (sf_value_dtype (s->graph, first))
      && has_any (s->grad, s->n))
    return sf_fail (error, SF_ERROR_CHECK_FAILED,
                    "has a gradient, but its row says that nothing is trained through it");
  for (size_t i = 0; i < s->n; i++)
    {
      if (trained && !check_point (s, i, error))
        return false;
    }
  return sf_graph_verify (s->graph, error);
}

static bool
run_named (const char *folder, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (folder, name, NULL);
  Slope s = { .name = name };
  bool ok = run (&s, path, &error);
  if (!ok)
    printf ("FAILED: %s: %s\n", name, error->message);
  for (size_t i = 0; i < s.n_given; i++)
    {
      sf_tensor_clear (&s.given[i]);
      g_free (s.given_names[i]);
    }
  for (size_t i = 0; i < s.n; i++)
    sf_tensor_clear (&s.point[i]);
  if (s.module != NULL)
    sf_module_unref (s.module);
  return ok;
}

/* The patterns of a file, its comments taken off. */
static char **
read_patterns (const char *path)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  char **lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      (*line)[strcspn (*line, "#")] = '\0';
      g_strstrip (*line);
    }
  return lines;
}

static bool
is_left_out (char *const *patterns, const char *name)
{
  for (; patterns != NULL && *patterns != NULL; patterns++)
    if (g_pattern_match_simple (*patterns, name))
      return true;
  return false;
}

static int
run_folder (const char *folder, char *const *patterns)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = sf_conformance_list (folder, &error);
  int n = 0, failures = 0;
  if (names == NULL)
    {
      printf ("FAILED: %s\n", error->message);
      return 1;
    }
  for (guint i = 0; i < names->len; i++)
    if (!is_left_out (patterns, names->pdata[i]))
      {
        failures += !run_named (folder, names->pdata[i]);
        n++;
      }
  printf ("%s: %d gradients, %d wrong\n", folder, n, failures);
  return failures;
}

int
main (int argc, char **argv)
{
  int failures = 0, first = 1;
  g_auto (GStrv) patterns = NULL;
  if (argc > 2 && strcmp (argv[1], "--except") == 0)
    {
      patterns = read_patterns (argv[2]);
      first = 3;
    }
  for (int a = first; a < argc; a++)
    failures += run_folder (argv[a], patterns);
  return failures > 0;
}
