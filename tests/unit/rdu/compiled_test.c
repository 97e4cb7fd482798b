/* SPDX-License-Identifier: Apache-2.0 */
/* What the compiler makes, on the plugin as users load it: the same bits for any thread count, any
 * blocks and exact firing, the reference's values, and refusals at load. */
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sf/compile.h>
#include <sf/plugin/backend.h>
#include <sf/plugins.h>
#include <sf/rng.h>

#include "tests/support/sftest.h"

#define MAX_PORTS 16

/* A compiled model with feeds for one step of its entry `train`. */
typedef struct
{
  SfArch *arch;
  SfModule *source;
  SfProgram *program;
  SfGraph *graph;
  SfTensor inputs[MAX_PORTS], scalars[MAX_PORTS];
} Model;

static const SfBackendOps *
backend (const char *name, GError **error)
{
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_BACKEND, name, error);
  return plugin != NULL ? plugin->ops.backend : NULL;
}

/* Floats in -1 .. 1, integers 0 .. 9. */
static void
fill (SfTensor *tensor, uint32_t stream)
{
  SfRng rng = { .seed = 11, .stream = stream };
  double x;
  for (int64_t i = 0; i < sf_shape_n_elems (&tensor->shape); i++)
    {
      x = sf_rng_uniform (&rng, (uint64_t) i);
      x = sf_dtype_is_float (tensor->dtype) ? 2 * x - 1 : 10 * x;
      sf_dtype_convert (SF_F64, &x, tensor->dtype,
                        (char *) tensor->data + (size_t) i * sf_dtype_bytes (tensor->dtype), 1);
    }
}

static bool
make_feeds (Model *model, GError **error)
{
  for (size_t i = 0; i < sf_graph_n_inputs (model->graph); i++)
    {
      SfValue v = sf_graph_input_at (model->graph, i);
      if (!sf_tensor_alloc (sf_value_dtype (model->graph, v), sf_value_shape (model->graph, v),
                            &model->inputs[i], error))
        return false;
      fill (&model->inputs[i], (uint32_t) i);
    }
  for (size_t i = 0; i < sf_graph_n_scalars (model->graph); i++)
    {
      SfValue v = sf_graph_scalar_at (model->graph, i);
      if (!sf_tensor_alloc (sf_value_dtype (model->graph, v), sf_value_shape (model->graph, v),
                            &model->scalars[i], error))
        return false;
      if (sf_dtype_is_float (model->scalars[i].dtype))
        *(float *) model->scalars[i].data = 0.125f;
      else
        memcpy (model->scalars[i].data, (const int32_t[]){ 1, 2, 3 }, 12);
    }
  return true;
}

/* `app`: a folder of apps, or the path of a model. */
static bool
model_init (Model *model, const char *app, const char *level, const char *precision,
            const char *const *args, GError **error)
{
  g_autofree char *of_app = g_strdup_printf ("apps/%s/model.cfg", app),
                  *path = sf_test_source_path (strchr (app, '/') != NULL ? app : of_app);
  SfCompileOptions options = { .level = level, .precision = precision, .optimizer = "adam" };
  *model = (Model){ 0 };
  const SfImportOptions import = { .args = args, .batch_size = 6, .seed = 1 };
  g_autoptr (SfModule) module = sf_import (path, &import, error);
  if (module == NULL || (model->arch = sf_arch_load ("sn10", error)) == NULL
      || !sf_compile_program (module, &options, model->arch, &model->source, NULL, &model->program,
                              error))
    return false;
  model->graph = sf_module_graph (model->source, "train");
  return make_feeds (model, error);
}

static void
model_clear (Model *model)
{
  for (int i = 0; i < MAX_PORTS; i++)
    {
      sf_tensor_clear (&model->inputs[i]);
      sf_tensor_clear (&model->scalars[i]);
    }
  g_clear_pointer (&model->source, sf_module_unref);
  g_clear_pointer (&model->program, sf_program_unref);
  g_clear_pointer (&model->arch, sf_arch_free);
}

/* Two steps of training on a backend; the states afterwards as f32, one after the other. Owned;
 * NULL with *error. */
static float *
train (const Model *model, const char *name, int n_threads, bool exact_firing, int64_t *n,
       GError **error)
{
  const SfBackendOps *ops = backend (name, error);
  SfBackendLoad load = { .source = model->source,
                         .program = model->program,
                         .arch = model->arch,
                         .n_threads = n_threads,
                         .exact_firing = exact_firing };
  SfBackendStep step = { .entry = "train",
                         .phases = (1u << SF_N_PHASES) - 1,
                         .inputs = model->inputs,
                         .scalars = model->scalars };
  void *instance = ops != NULL ? ops->open (&load, error) : NULL;
  if (instance == NULL)
    return NULL;
  bool good = ops->step (instance, &step, error) && ops->step (instance, &step, error);
  float *all = NULL;
  *n = 0;
  for (size_t i = 0; i < sf_graph_n_states (model->graph) && good; i++)
    {
      SfValue v = sf_graph_state_at (model->graph, i);
      int64_t elems = sf_shape_n_elems (sf_value_shape (model->graph, v));
      all = g_renew (float, all, *n + elems);
      SfTensor tensor = sf_tensor (SF_F32, *sf_value_shape (model->graph, v), all + *n);
      good = ops->read (instance, sf_value_name (model->graph, v), &tensor, error);
      *n += elems;
    }
  ops->close (instance);
  if (!good)
    g_clear_pointer (&all, g_free);
  return all;
}

typedef struct
{
  const char *name, *app, *level, *precision;
  const char *args[4];
} Case;

static const Case cases[] = {
  { "logreg-o1-f32", "logreg", "o1", "f32", { NULL } },
  { "digits-o0-bf16", "digits", "o0", "bf16", { NULL } },
  { "lenet-o3-f32", "lenet", "o3", "f32", { NULL } },
  { "cnn_bn-o3-bf16", "cnn_bn", "o3", "bf16", { NULL } },
  { "cnn_bn-o3-f32-winograd", "cnn_bn", "o3", "f32", { "width=35", "size=14" } },
  { "encoder-o3-f32", "encoder", "o3", "f32", { NULL } },
  { "gpt-o3-f32",
    "bench/models/gpt.cfg",
    "o3",
    "f32",
    { "length=37", "features=24", "heads=2" } }, /* causal attention */
};

static const struct
{
  const char *name;
  int n_threads;
  const char *block; /* forced length of blocks, and of chains; NULL: chosen */
  const char *chains;
  bool exact_firing;
} ways[] = {
  { "2 threads", 2, NULL, "auto", false },
  { "3 threads", 3, NULL, "auto", false },
  { "8 threads", 8, NULL, "auto", false },
  { "blocks of 1", 2, "1", "auto", false },
  { "blocks of 2", 3, "2", "auto", false },
  { "blocks of 5", 1, "5", "auto", false },
  { "blocks of 3 without chains", 2, "3", "no", false },
  { "blocks of everything", 3, "100000", "no", false },
  { "chains of one block", 3, "100000", "auto", false },
  { "exact firing", 1, NULL, "auto", true },
};

SF_TEST_CASES (RduCompiled, SameBitsHoweverItRuns, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  Model model;
  int64_t n, n_other;
  SF_CHECK (model_init (&model, c->app, c->level, c->precision, c->args, &error));
  SF_REQUIRE_NO_ERROR (error);
  g_autofree float *one = train (&model, "rdu", 1, false, &n, &error);
  SF_REQUIRE_NO_ERROR (error);
  for (size_t w = 0; w < G_N_ELEMENTS (ways); w++)
    {
      if (ways[w].block != NULL)
        g_setenv ("SF_RDU_BLOCK", ways[w].block, TRUE);
      g_setenv ("SF_RDU_CHAINS", ways[w].chains, TRUE);
      g_autofree float *other = train (&model, "rdu", ways[w].n_threads, ways[w].exact_firing,
                                       &n_other, &error);
      g_unsetenv ("SF_RDU_BLOCK");
      g_unsetenv ("SF_RDU_CHAINS");
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK_MSG (n == n_other && memcmp (one, other, (size_t) n * 4) == 0, "%s: other bits",
                    ways[w].name);
    }
  model_clear (&model);
}

static double
nmse (const float *found, const float *wanted, int64_t n)
{
  double square = 0, off = 0;
  for (int64_t i = 0; i < n; i++)
    {
      square += (double) wanted[i] * wanted[i];
      off += ((double) found[i] - wanted[i]) * ((double) found[i] - wanted[i]);
    }
  return off / square;
}

SF_TEST (RduCompiled, TrainsAsTheReferenceDoes)
{
  g_autoptr (GError) error = NULL;
  Model model;
  int64_t n, n_wanted;
  SF_CHECK (model_init (&model, "lenet", "o3", "f32", NULL, &error));
  SF_REQUIRE_NO_ERROR (error);
  g_autofree float *found = train (&model, "rdu", 2, false, &n, &error),
                   *wanted = train (&model, "cpu", 2, false, &n_wanted, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (n, n_wanted);
  double off = nmse (found, wanted, n);
  SF_CHECK_MSG (off <= 1e-10, "states after two steps differ by NMSE %g", off);
  model_clear (&model);
}

/* Two steps with all tensors row-major, against channels-last images. */
/* The inputs of the model elsewhere: from the beginning of a cache line, and not a byte beyond
 * their last line may be read; or in no line's place, and only the element behind them may be. */
static bool
move_inputs (Model *model, bool in_line, void **memory, size_t *n_bytes)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  for (size_t i = 0; i < sf_graph_n_inputs (model->graph); i++)
    {
      SfTensor *input = &model->inputs[i];
      size_t n = sf_tensor_n_bytes (input), lines = in_line ? (n + 63) / 64 * 64 : n + 4;
      n_bytes[i] = (lines + page - 1) / page * page + page;
      memory[i] = mmap (NULL, n_bytes[i], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                        0);
      if (memory[i] == MAP_FAILED)
        return false;
      uint8_t *guard = (uint8_t *) memory[i] + n_bytes[i] - page, *at = guard - lines;
      memcpy (at, input->data, n);
      mprotect (guard, page, PROT_NONE);
      SfTensor moved = sf_tensor (input->dtype, input->shape, at);
      sf_tensor_clear (input);
      *input = moved;
    }
  return true;
}

SF_TEST_CASES (RduCompiled, InputsAreReadWhereTheyAre, cases, G_N_ELEMENTS (cases),
               sf_test_row_name)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  float *found[2] = { NULL };
  int64_t n[2] = { 0 };
  for (int i = 0; i < 2; i++)
    {
      Model model;
      void *memory[MAX_PORTS] = { NULL };
      size_t n_bytes[MAX_PORTS] = { 0 };
      if (model_init (&model, c->app, c->level, c->precision, c->args, &error)
          && move_inputs (&model, i == 0, memory, n_bytes))
        found[i] = train (&model, "rdu", 2, false, &n[i], &error);
      model_clear (&model);
      for (int p = 0; p < MAX_PORTS; p++)
        if (memory[p] != NULL)
          munmap (memory[p], n_bytes[p]);
    }
  SF_CHECK_NO_ERROR (error);
  SF_CHECK (found[0] != NULL && found[1] != NULL && n[0] == n[1]
            && memcmp (found[0], found[1], (size_t) n[0] * sizeof (float)) == 0);
  g_free (found[0]);
  g_free (found[1]);
}

SF_TEST (RduCompiled, LayoutsGiveTheSameValues)
{
  static const struct
  {
    const char *app, *precision;
    double limit;
  } rows[] = { { "lenet", "f32", 1e-10 }, { "cnn_bn", "f32", 1e-8 }, { "cnn_bn", "bf16", 1e-4 } };
  for (size_t r = 0; r < G_N_ELEMENTS (rows); r++)
    {
      g_autoptr (GError) error = NULL;
      Model model;
      int64_t n, n_wanted;
      SF_CHECK (model_init (&model, rows[r].app, "o3", rows[r].precision, NULL, &error));
      SF_REQUIRE_NO_ERROR (error);
      g_autofree float *found = train (&model, "rdu", 2, false, &n, &error);
      g_setenv ("SF_RDU_LAYOUT", "rows", TRUE);
      g_autofree float *wanted = train (&model, "rdu", 2, false, &n_wanted, &error);
      g_unsetenv ("SF_RDU_LAYOUT");
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK (n == n_wanted);
      double off = nmse (found, wanted, n);
      SF_CHECK_MSG (off <= rows[r].limit, "%s: states after two steps differ by NMSE %g",
                    rows[r].app, off);
      model_clear (&model);
    }
}

static void
check_refused (const Model *model, const char *text)
{
  g_autoptr (GError) error = NULL;
  int64_t n;
  g_autofree float *states = train (model, "rdu", 1, false, &n, &error);
  SF_CHECK (states == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, text);
}

SF_TEST (RduCompiled, CutRouteIsRefusedAtLoad)
{
  g_autoptr (GError) error = NULL;
  Model model;
  SF_CHECK (model_init (&model, "logreg", "o3", "f32", NULL, &error));
  SF_REQUIRE_NO_ERROR (error);
  size_t n = sf_config_n_routes (model.program, 0);
  g_autofree SfRoute *routes = g_new (SfRoute, n);
  for (size_t r = 0; r < n; r++)
    routes[r] = sf_config_route (model.program, 0, (uint32_t) r);
  size_t cut = 0;
  while (cut + 1 < n && routes[cut].n_hops == 0)
    cut++;
  SF_REQUIRE (routes[cut].n_hops > 0);
  /* The last hop is lost; hops are copied first, as replacing the routes drops them. */
  for (size_t r = 0; r < n; r++)
    {
      routes[r].hops = g_memdup2 (routes[r].hops, routes[r].n_hops * 4 * sizeof (int32_t));
      routes[r].sinks = g_memdup2 (routes[r].sinks, routes[r].n_sinks * sizeof (uint32_t));
    }
  routes[cut].n_hops--;
  sf_config_set_routes (model.program, 0, routes, n);
  check_refused (&model, "route");
  for (size_t r = 0; r < n; r++)
    {
      g_free ((void *) (uintptr_t) routes[r].hops);
      g_free ((void *) (uintptr_t) routes[r].sinks);
    }
  model_clear (&model);
}

SF_TEST (RduCompiled, TooShallowBufferIsRefusedAtLoad)
{
  g_autoptr (GError) error = NULL;
  Model model;
  SF_CHECK (model_init (&model, "cnn_bn", "o3", "f32", NULL, &error));
  SF_REQUIRE_NO_ERROR (error);
  bool is_found = false;
  for (uint32_t c = 0; c < sf_program_n_configs (model.program) && !is_found; c++)
    for (uint32_t b = 0; b < sf_config_n_buffers (model.program, c) && !is_found; b++)
      {
        SfBuffer buffer = sf_config_buffer (model.program, c, b);
        is_found = buffer.depth >= 3 && buffer.depth == buffer.tokens;
        if (is_found)
          sf_config_set_buffer (model.program, c, b, 1, buffer.n_pmus);
      }
  SF_REQUIRE (is_found);
  check_refused (&model, "buffer");
  model_clear (&model);
}

SF_TEST (RduCompiled, F64IsRefused)
{
  g_autoptr (GError) error = NULL;
  const SfBackendOps *ops = backend ("rdu", &error);
  SF_REQUIRE_NO_ERROR (error);
  SfBackendLoad load = { .n_threads = 1, .f64 = true };
  SF_CHECK (ops->open (&load, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_UNSUPPORTED, "precision f64: an RDU computes in f32 at most");
}
