/* SPDX-License-Identifier: Apache-2.0 */
/* Conformance: a model run on the inputs that come with it, its outputs held against those that
 * come with it. */
#include <sf/conformance.h>

#include <math.h>

#include <sf/compile.h>
#include <sf/file.h>
#include <sf/plugin/frontend.h>
#include <sf/plugins.h>

#include "core/run/agreement.h"

#define MAX_TENSOR_BYTES (UINT64_C (4) << 30)

static const char *const verdict_names[] = { "passed", "failed", "unsupported" };

typedef struct
{
  char *name; /* as its file says; may be NULL */
  SfTensor tensor;
} Named;

/* One data set of a test. */
typedef struct
{
  const char *test;  /* folder */
  const char *model; /* file */
  const SfConformanceOptions *options;
  GArray *inputs, *wanted; /* Named */
} Case;

const char *
sf_conformance_verdict_name (SfConformanceVerdict verdict)
{
  return verdict_names[verdict];
}

void
sf_conformance_result_clear (SfConformanceResult *result)
{
  g_clear_pointer (&result->reason, g_free);
  g_clear_pointer (&result->host_ops, g_free);
}

/* ---- finding ---- */

static bool
has_model (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, "model.onnx", NULL);
  return g_file_test (path, G_FILE_TEST_IS_REGULAR);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

GPtrArray *
sf_conformance_list (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = NULL;
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    {
      sf_fail (error, SF_ERROR_NOT_FOUND,
               "%s: found no such folder, wanted a test with a model.onnx, or a folder of tests",
               folder);
      return NULL;
    }
  if (has_model (folder, "."))
    {
      g_ptr_array_add (names, g_strdup ("."));
      return g_steal_pointer (&names);
    }
  dir = g_dir_open (folder, 0, error);
  if (dir == NULL)
    return NULL;
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    if (has_model (folder, name))
      g_ptr_array_add (names, g_strdup (name));
  if (names->len == 0)
    {
      sf_fail (error, SF_ERROR_NOT_FOUND,
               "%s: found no model.onnx in it or in a folder of it, wanted one; a test is a folder "
               "with a model.onnx and test_data_set_0/input_0.pb, output_0.pb",
               folder);
      return NULL;
    }
  qsort (names->pdata, names->len, sizeof *names->pdata, compare_names);
  return g_steal_pointer (&names);
}

/* ---- reading ---- */

static void
clear_named (void *named)
{
  g_free (((Named *) named)->name);
  sf_tensor_clear (&((Named *) named)->tensor);
}

static const SfFrontendOps *
frontend_of (const SfConformanceOptions *options, GError **error)
{
  const char *name = options->frontend != NULL ? options->frontend : "onnx";
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_FRONTEND, name, error);
  if (plugin == NULL)
    return NULL;
  if (plugin->ops.frontend->read_tensor != NULL)
    return plugin->ops.frontend;
  sf_fail (error, SF_ERROR_UNSUPPORTED, "frontend %s: reads no tensor files, wanted one that does",
           name);
  return NULL;
}

/* The files <kind>_0.pb, <kind>_1.pb ... of a data set, until one is missing. */
static bool
read_tensors (const SfFrontendOps *ops, const char *set, const char *kind, GArray *into,
              GError **error)
{
  for (guint i = 0;; i++)
    {
      g_autofree char *base = g_strdup_printf ("%s_%u.pb", kind, i),
                      *path = g_build_filename (set, base, NULL);
      SfFileMap map;
      Named named = { 0 };
      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        return true;
      if (!sf_file_map (path, MAX_TENSOR_BYTES, &map, error))
        return false;
      SfSource source = { .path = path, .data = map.data, .n_bytes = map.n_bytes };
      bool ok = ops->read_tensor (&source, &named.tensor, &named.name, error);
      sf_file_unmap (&map);
      if (!ok)
        return false;
      g_array_append_val (into, named);
    }
}

static GArray *
named_array (void)
{
  GArray *array = g_array_new (FALSE, FALSE, sizeof (Named));
  g_array_set_clear_func (array, clear_named);
  return array;
}

/* The tensor of an interface: by name, or else the one in its place if that is not another's. */
static const Named *
match (const GArray *named, const char *name, guint index)
{
  for (guint i = 0; i < named->len; i++)
    {
      const Named *candidate = &g_array_index (named, Named, i);
      if (g_strcmp0 (candidate->name, name) == 0)
        return candidate;
    }
  return index < named->len ? &g_array_index (named, Named, index) : NULL;
}

/* ---- one data set ---- */

static SfModule *
import_with (const Case *c, bool with_known, GError **error)
{
  g_autofree SfKnownInput *known = g_new0 (SfKnownInput, c->inputs->len + 1);
  size_t n_known = 0;
  for (guint i = 0; with_known && i < c->inputs->len; i++)
    {
      const Named *input = &g_array_index (c->inputs, Named, i);
      if (input->name != NULL && *input->name != '\0')
        known[n_known++] = (SfKnownInput){ input->name, input->tensor };
    }
  const SfImportOptions import = {
    .frontend = c->options->frontend != NULL ? c->options->frontend : "onnx",
    .seed = 1,
    .known = known,
    .n_known = n_known,
  };
  return sf_import (c->model, &import, error);
}

/* Takes `refusal` for `error` when the model is of a kind that is refused whatever it is fed with.
 */
static void
prefer_refusal (GError **error, GError **refusal)
{
  if (!g_error_matches (*refusal, SF_ERROR, SF_ERROR_UNSUPPORTED))
    return;
  g_clear_error (error);
  g_propagate_error (error, g_steal_pointer (refusal));
}

/* Gives the inputs the names that the model has for them, in order. */
static bool
name_by_place (const Case *c, const SfModule *module)
{
  const SfGraph *graph = sf_module_graph (module, "forward");
  if (sf_graph_n_inputs (graph) != c->inputs->len)
    return false;
  for (guint i = 0; i < c->inputs->len; i++)
    {
      Named *input = &g_array_index (c->inputs, Named, i);
      g_free (input->name);
      input->name = g_strdup (sf_value_name (graph, sf_graph_input_at (graph, i)));
    }
  return true;
}

/* Files whose names are not those of the model's inputs are taken in order. */
static SfModule *
import_case (const Case *c, GError **error)
{
  g_autoptr (GError) cause = NULL, refusal = NULL;
  SfModule *module = import_with (c, true, &cause);
  if (module == NULL && g_error_matches (cause, SF_ERROR, SF_ERROR_INVALID_ARGUMENT))
    {
      g_autoptr (SfModule) unfed = import_with (c, false, &refusal);
      if (unfed == NULL)
        prefer_refusal (&cause, &refusal);
      else if (name_by_place (c, unfed))
        {
          g_clear_error (&cause);
          module = import_with (c, true, &cause);
        }
    }
  if (module == NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  return module;
}

static SfPef *
compile_case (const Case *c, GError **error)
{
  g_autoptr (SfModule) module = import_case (c, error);
  const SfCompileOptions compile = {
    .level = c->options->level,
    .arch = c->options->arch,
    .inference = true,
    .seed = 1,
  };
  return module != NULL ? sf_compile (module, &compile, error) : NULL;
}

/* Counts the launches on the host in the entry eval, and names what they compute. */
static void
count_host (const SfProgram *program, SfConformanceResult *out)
{
  uint32_t entry;
  g_autoptr (GPtrArray) ops = g_ptr_array_new ();
  out->n_host_launches = 0;
  if (!sf_program_find_entry (program, "eval", &entry))
    return;
  for (uint32_t l = 0; l < sf_entry_n_launches (program, entry); l++)
    {
      SfLaunch launch = sf_entry_launch (program, entry, l);
      if (launch.target != SF_TARGET_HOST)
        continue;
      out->n_host_launches++;
      const SfGraph *graph = sf_program_host_graph (program, launch.config);
      for (SfNode node = 0; node < sf_graph_n_nodes (graph); node++)
        {
          char *op = (char *) sf_node_op_name (graph, node);
          if (!g_ptr_array_find_with_equal_func (ops, op, g_str_equal, NULL))
            g_ptr_array_add (ops, op);
        }
    }
  g_ptr_array_add (ops, NULL);
  g_free (out->host_ops);
  out->host_ops = g_strjoinv (" ", (char **) ops->pdata);
}

/* NumPy has no bf16, so that tests carry its bits in 16-bit integers. */
static SfTensor
as_port (SfTensor tensor, const SfPort *port)
{
  if (port->dtype == SF_BF16 && tensor.dtype == SF_U16)
    tensor.dtype = SF_BF16;
  return tensor;
}

/* Inputs in interface order, borrowed from the case. Owned: g_free. */
static SfTensor *
feed (const Case *c, SfSession *session, GError **error)
{
  SfPort port;
  guint n = 0;
  while (sf_session_input (session, "eval", n, &port))
    n++;
  g_autofree SfTensor *inputs = g_new0 (SfTensor, n + 1);
  for (guint i = 0; i < n; i++)
    {
      sf_session_input (session, "eval", i, &port);
      const Named *input = match (c->inputs, port.name, i);
      if (input == NULL)
        {
          sf_fail (error, SF_ERROR_INVALID_DATA,
                   "input %s: found no file for it, wanted one of %u inputs; the data set has %u",
                   port.name, n, c->inputs->len);
          return NULL;
        }
      inputs[i] = as_port (input->tensor, &port);
    }
  return g_steal_pointer (&inputs);
}

static bool
compare_outputs (const Case *c, SfSession *session, const SfTensor *outputs, guint n, double *worst,
                 GError **error)
{
  const SfTolerance tolerance = {
    .rtol = c->options->rtol > 0 ? c->options->rtol : 1e-3,
    .atol = c->options->atol > 0 ? c->options->atol : 1e-7,
    .of_range = c->options->range_tolerance,
  };
  g_autoptr (GError) first = NULL;
  for (guint i = 0; i < n; i++)
    {
      SfPort port;
      sf_session_output (session, "eval", i, &port);
      SfTensor wanted = as_port (match (c->wanted, port.name, i)->tensor, &port);
      sf_tensors_agree (port.name, &outputs[i], &wanted, &tolerance, worst,
                        first == NULL ? &first : NULL);
    }
  if (first == NULL)
    return true;
  g_propagate_error (error, g_steal_pointer (&first));
  return false;
}

static bool
step_case (const Case *c, SfSession *session, SfConformanceResult *out, GError **error)
{
  SfPort port;
  guint n = 0;
  while (sf_session_output (session, "eval", n, &port))
    n++;
  if (n != c->wanted->len)
    return sf_fail (error, SF_ERROR_CHECK_FAILED, "found %u outputs, wanted the %u of the data set",
                    n, c->wanted->len);
  g_autofree SfTensor *inputs = feed (c, session, error), *outputs = g_new0 (SfTensor, n + 1);
  bool ok = inputs != NULL;
  for (guint i = 0; ok && i < n; i++)
    {
      sf_session_output (session, "eval", i, &port);
      ok = sf_tensor_alloc (port.dtype, &port.shape, &outputs[i], error);
    }
  gint64 start = g_get_monotonic_time ();
  ok = ok && sf_session_step (session, "eval", 1u << SF_PHASE_FWD, inputs, outputs, NULL, error);
  out->run_s = (double) (g_get_monotonic_time () - start) * 1e-6;
  ok = ok && compare_outputs (c, session, outputs, n, &out->worst_of_range, error);
  for (guint i = 0; i < n; i++)
    sf_tensor_clear (&outputs[i]);
  return ok;
}

static bool
run_case (const Case *c, SfConformanceResult *out, GError **error)
{
  gint64 start = g_get_monotonic_time ();
  g_autoptr (SfPef) pef = compile_case (c, error);
  out->compile_s = (double) (g_get_monotonic_time () - start) * 1e-6;
  if (pef == NULL)
    return false;
  count_host (sf_pef_program (pef), out);
  const SfSessionOptions options = {
    .backend = c->options->backend,
    .n_threads = c->options->n_threads,
  };
  g_autoptr (SfSession) session = sf_session_open (pef, &options, error);
  return session != NULL && step_case (c, session, out, error);
}

static int
widest_bits (const GArray *named)
{
  int bits = 0;
  for (guint i = 0; i < named->len; i++)
    bits = MAX (bits, (int) sf_dtype_bytes (g_array_index (named, Named, i).tensor.dtype) * 8);
  return bits;
}

/* A data set that cannot be read may be of a kind that the model says is refused: a sequence has a
 * file format of its own. */
static bool
fail_to_read (const Case *c, GError *cause, GError **error)
{
  g_autoptr (GError) refusal = NULL;
  g_autoptr (SfModule) module = import_with (c, false, &refusal);
  if (module == NULL)
    prefer_refusal (&cause, &refusal);
  g_propagate_error (error, cause);
  return false;
}

static bool
run_data_set (const char *test, const char *set, const SfConformanceOptions *options,
              SfConformanceResult *out, GError **error)
{
  const SfFrontendOps *ops = frontend_of (options, error);
  g_autofree char *model = g_build_filename (test, "model.onnx", NULL);
  g_autoptr (GArray) inputs = named_array (), wanted = named_array ();
  const Case c = { test, model, options, inputs, wanted };
  if (ops == NULL)
    return false;
  GError *cause = NULL;
  if (!read_tensors (ops, set, "input", inputs, &cause)
      || !read_tensors (ops, set, "output", wanted, &cause))
    return fail_to_read (&c, cause, error);
  out->interface_bits = MAX (widest_bits (inputs), widest_bits (wanted));
  return run_case (&c, out, error);
}

/* ---- the test ---- */

/* The message, without the folder that everybody knows. */
static void
judge (const char *test, const GError *error, SfConformanceResult *out)
{
  bool refused = g_error_matches (error, SF_ERROR, SF_ERROR_UNSUPPORTED)
                 || g_error_matches (error, SF_ERROR, SF_ERROR_UNIMPLEMENTED);
  g_autofree char *prefix = g_strconcat (test, G_DIR_SEPARATOR_S, NULL);
  const char *message = error->message;
  out->verdict = refused ? SF_CONFORMANCE_UNSUPPORTED : SF_CONFORMANCE_FAILED;
  out->reason = g_strdup (g_str_has_prefix (message, prefix) ? message + strlen (prefix) : message);
}

void
sf_conformance_run (const char *test, const SfConformanceOptions *given, SfConformanceResult *out)
{
  const SfConformanceOptions options = given != NULL ? *given : (SfConformanceOptions){ 0 };
  g_autoptr (GError) error = NULL;
  bool ok = true;
  guint n = 0;
  *out = (SfConformanceResult){ .n_host_launches = -1, .worst_of_range = NAN };
  for (; ok; n++)
    {
      g_autofree char *base = g_strdup_printf ("test_data_set_%u", n),
                      *set = g_build_filename (test, base, NULL);
      if (!g_file_test (set, G_FILE_TEST_IS_DIR))
        break;
      ok = run_data_set (test, set, &options, out, &error);
    }
  if (ok && n == 0)
    ok = sf_fail (&error, SF_ERROR_NOT_FOUND,
                  "%s: found no test_data_set_0, wanted one with input_0.pb and output_0.pb", test);
  if (!ok)
    judge (test, error, out);
}
