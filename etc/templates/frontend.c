/* A frontend for files that hold layer widths, such as "2 16 2": an MLP with relu between the
 * layers and softmax cross entropy as its loss. */
#include <sf/plugin/frontend.h>

#include <math.h>

#include <sf/rng.h>

#define MAX_WIDTHS 64

/* The widths in the source, 1 to 65536 each; their number, or 0. */
static size_t
read_widths (const SfSource *source, int64_t *widths, GError **error)
{
  g_autofree char *text = g_strndup ((const char *) source->data, source->n_bytes);
  g_auto (GStrv) words = g_strsplit_set (g_strstrip (text), " \t\n", -1);
  size_t n = 0;
  for (char **word = words; *word != NULL; word++)
    if ((*word)[0] != '\0'
        && (n == MAX_WIDTHS || !g_ascii_string_to_signed (*word, 10, 1, 65536, &widths[n++], NULL)))
      return sf_fail (error, SF_ERROR_INVALID_DATA,
                      "%s: found '%s', wanted 2 to 64 widths from 1 to 65536; correct it",
                      source->path, *word);
  if (n < 2)
    sf_fail (error, SF_ERROR_INVALID_DATA, "%s: found %zu widths, wanted 2 to 64; add some",
             source->path, n);
  return n < 2 ? 0 : n;
}

/* x w^T + b with w uniform in +-1/sqrt (in), the same on any machine for one seed. */
static SfValue
add_layer (SfGraph *graph, size_t layer, SfValue x, int64_t in, int64_t out, uint64_t seed,
           GError **error)
{
  g_autofree char *scope = g_strdup_printf ("fc%zu", layer);
  g_autofree char *w_name = g_strdup_printf ("%s.weight", scope);
  g_autofree char *b_name = g_strdup_printf ("%s.bias", scope);
  const int64_t w_dims[2] = { out, in };
  g_autofree float *init = g_new (float, in *out);
  SfRng rng = { seed, sf_rng_stream_of (w_name), 0 };
  for (int64_t i = 0; i < in * out; i++)
    init[i] = (2 * sf_rng_uniform (&rng, (uint64_t) i) - 1) / sqrtf ((float) in);
  sf_graph_set_scope (graph, scope);
  SfValue w = sf_graph_state (graph, w_name, SF_STATE_PARAM, SF_F32, sf_shape (2, w_dims), init,
                              error);
  SfValue b = w != SF_NONE ? sf_graph_state (graph, b_name, SF_STATE_PARAM, SF_F32,
                                             sf_shape (1, w_dims), NULL, error)
                           : SF_NONE;
  return b != SF_NONE ? sf_graph_op3 (graph, "linear", x, w, b, error) : SF_NONE;
}

static SfGraph *
import_widths (const SfSource *source, const SfImportOptions *options, SfModule *module,
               GError **error)
{
  int64_t widths[MAX_WIDTHS];
  size_t n = read_widths (source, widths, error);
  if (n == 0)
    return NULL;
  const int64_t batch = options->batch_size > 0 ? options->batch_size : 32;
  const int64_t x_dims[2] = { batch, widths[0] };
  g_autoptr (SfGraph) graph = sf_graph_new ("mlp");
  SfValue labels = sf_graph_input (graph, "labels", SF_I32, sf_shape (1, &batch), error);
  SfValue x = labels != SF_NONE ? sf_graph_input (graph, "x", SF_F32, sf_shape (2, x_dims), error)
                                : SF_NONE;
  for (size_t i = 0; i + 1 < n && x != SF_NONE; i++)
    {
      x = i > 0 ? sf_graph_op1 (graph, "relu", x, error) : x;
      x = x != SF_NONE ? add_layer (graph, i + 1, x, widths[i], widths[i + 1], options->seed, error)
                       : SF_NONE;
    }
  sf_graph_set_scope (graph, "loss");
  SfValue loss = x != SF_NONE ? sf_graph_op2 (graph, "softmax_ce", x, labels, error) : SF_NONE;
  if (loss == SF_NONE || !sf_graph_output (graph, "logits", SF_OUTPUT_PREDICTION, x, error)
      || !sf_graph_output (graph, "loss", SF_OUTPUT_LOSS, loss, error))
    return NULL;
  g_autofree char *batch_text = g_strdup_printf ("%" G_GINT64_FORMAT, batch);
  sf_module_set_fact (module, "model", "mlp");
  sf_module_set_fact (module, "batch_size", batch_text);
  sf_module_set_fact (module, "loss", "softmax_ce");
  sf_module_set_fact (module, "target", "labels");
  sf_module_set_fact (module, "feed.x.field", "x"); /* of the dataset */
  sf_module_set_fact (module, "feed.labels.field", "labels");
  return sf_graph_ref (graph);
}

static const SfFrontendOps ops
    = { .size = sizeof (SfFrontendOps), .suffixes = ".@name@", .import = import_widths };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_FRONTEND, "@name@", "1.0", "reads layer widths as an MLP"),
  .options = NULL,
  .ops = { .frontend = &ops },
};
