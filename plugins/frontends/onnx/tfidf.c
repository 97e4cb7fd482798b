/* SPDX-License-Identifier: Apache-2.0 */
/* TfIdfVectorizer over integers: how often each n-gram of a pool stands in a row. */
#include "plugins/frontends/onnx/tfidf.h"

#include <string.h>

typedef struct
{
  int64_t min, max, skips; /* n of the n-grams, elements that may lie between */
  OnnxInts starts;         /* in the pool, per n */
  OnnxInts columns;        /* of the result, per n-gram */
  OnnxInts pool;
} Grams;

static int64_t
n_grams (const Grams *grams, size_t n)
{
  int64_t start = grams->starts.at[n - 1];
  int64_t end = n < grams->starts.n ? grams->starts.at[n] : (int64_t) grams->pool.n;
  return (end - start) / (int64_t) n;
}

static Grams
read_grams (OnnxNode *node)
{
  const char *const *words;
  Grams g = { .min = onnx_int (node, "min_gram_length", 1),
              .max = onnx_int (node, "max_gram_length", 1),
              .skips = onnx_int (node, "max_skip_count", 0),
              .starts = onnx_ints (node, "ngram_counts"),
              .columns = onnx_ints (node, "ngram_indexes"),
              .pool = onnx_ints (node, "pool_int64s") };
  size_t n_all = 0;
  if (onnx_strings (node, "pool_strings", &words) > 0)
    onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                 "a pool of strings, wanted pool_int64s; turn words into numbers before the model");
  if (!onnx_failed (node)
      && (g.min < 1 || g.max < g.min || g.skips < 0 || g.skips > 1024
          || (size_t) g.max > g.starts.n))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "n-grams of %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
                 ", wanted lengths that ngram_counts has",
                 g.min, g.max);
  for (size_t n = 1; n <= g.starts.n && !onnx_failed (node); n++)
    {
      int64_t start = g.starts.at[n - 1];
      int64_t end = n < g.starts.n ? g.starts.at[n] : (int64_t) g.pool.n;
      if (start < 0 || end < start || end > (int64_t) g.pool.n || (end - start) % (int64_t) n != 0)
        onnx_refuse (node, SF_ERROR_INVALID_DATA, "ngram_counts do not divide the pool of %zu",
                     g.pool.n);
      n_all += onnx_failed (node) ? 0 : (size_t) n_grams (&g, n);
    }
  if (!onnx_failed (node) && g.columns.n != n_all)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "ngram_indexes has %zu entries, wanted %zu",
                 g.columns.n, n_all);
  return g;
}

/* Element `k` of each n-gram of length n: constant [1,1,G] of x's dtype. */
static SfValue
pool_column (OnnxNode *node, const Grams *grams, size_t n, size_t k, SfDtype dtype)
{
  int64_t count = n_grams (grams, n);
  g_autofree int64_t *column = g_new (int64_t, (size_t) count + 1);
  g_autofree uint8_t *data = g_malloc ((size_t) count * sizeof (int64_t) + 1);
  for (int64_t i = 0; i < count; i++)
    column[i] = grams->pool.at[grams->starts.at[n - 1] + i * (int64_t) n + (int64_t) k];
  sf_dtype_convert (SF_I64, column, dtype, data, (size_t) count);
  return onnx_constant (node, dtype, SF_SHAPE (1, 1, count), data);
}

/* Counts [N,G] of the n-grams of length n whose elements lie `step` apart in x [N,C]. */
static SfValue
count (OnnxNode *node, const Grams *grams, SfValue x, size_t n, int64_t step)
{
  SfShape shape = onnx_shape (node, x);
  int64_t windows = MAX (shape.dim[1] - (int64_t) (n - 1) * step, 0);
  SfValue all = SF_NONE;
  for (size_t k = 0; k < n; k++)
    {
      int64_t start = MIN ((int64_t) k * step, shape.dim[1]);
      SfValue piece = onnx_slice (node, x, 1, start, MIN (start + windows, shape.dim[1]), 1);
      piece = onnx_reshape (node, piece, SF_SHAPE (shape.dim[0], windows, 1));
      SfValue same = onnx_2 (node, "eq", piece,
                             pool_column (node, grams, n, k, onnx_dtype (node, x)));
      all = k == 0 ? same : onnx_2 (node, "and", all, same);
    }
  return onnx_reduce (node, "reduce_sum", onnx_cast (node, all, SF_F32), &(int64_t){ 1 }, 1, false);
}

/* Weights by n-gram as a row of columns. */
static SfValue
weigh (OnnxNode *node, const Grams *grams, SfValue counts)
{
  const char *mode = onnx_string (node, "mode", "TF");
  const double *weights;
  size_t n = onnx_floats (node, "weights", &weights), n_out = 0;
  bool idf = strcmp (mode, "IDF") == 0;
  if (!onnx_failed (node) && !idf && strcmp (mode, "TF") != 0 && strcmp (mode, "TFIDF") != 0)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "mode %s, wanted TF, IDF or TFIDF", mode);
  if (!onnx_failed (node) && n != 0 && n != grams->columns.n)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "%zu weights, wanted %zu", n, grams->columns.n);
  if (onnx_failed (node) || strcmp (mode, "TF") == 0)
    return counts;
  if (idf)
    counts = onnx_cast (node, onnx_2f (node, "gt", counts, 0), SF_F32);
  n_out = (size_t) onnx_shape (node, counts).dim[1];
  g_autofree double *row = g_new0 (double, n_out + 1);
  for (size_t i = 0; i < grams->columns.n; i++)
    row[grams->columns.at[i]] = n > 0 ? weights[i] : 1;
  return onnx_2 (node, "mul", counts,
                 onnx_constant_f64 (node, SF_F32, SF_SHAPE ((int64_t) n_out), row));
}

/* Number of columns of the result. */
static int64_t
n_columns (OnnxNode *node, const Grams *grams)
{
  int64_t n = 0;
  for (size_t i = 0; i < grams->columns.n && !onnx_failed (node); i++)
    {
      if (grams->columns.at[i] < 0 || grams->columns.at[i] >= 1 << 24)
        onnx_refuse (node, SF_ERROR_INVALID_DATA, "entry %zu of ngram_indexes is %" G_GINT64_FORMAT,
                     i, grams->columns.at[i]);
      n = MAX (n, grams->columns.at[i] + 1);
    }
  return onnx_failed (node) ? 0 : n;
}

/* Counts of all n-grams [N,G], those of lengths that are not counted left zero, and a zero behind
 * them. */
static SfValue
count_all (OnnxNode *node, const Grams *grams, SfValue x)
{
  int64_t rows = onnx_shape (node, x).dim[0];
  g_autofree SfValue *parts = g_new (SfValue, grams->starts.n + 1);
  size_t n_parts = 0;
  for (size_t n = 1; n <= grams->starts.n && !onnx_failed (node); n++)
    {
      int64_t steps = n > 1 ? grams->skips + 1 : 1, g = n_grams (grams, n);
      SfValue sum = SF_NONE;
      if (g == 0)
        continue;
      for (int64_t step = 1;
           (int64_t) n >= grams->min && (int64_t) n <= grams->max && step <= steps; step++)
        {
          SfValue one = count (node, grams, x, n, step);
          sum = step == 1 ? one : onnx_2 (node, "add", sum, one);
        }
      parts[n_parts++] = sum != SF_NONE ? sum
                                        : onnx_broadcast (node, onnx_scalar (node, SF_F32, 0),
                                                          SF_SHAPE (rows, g));
    }
  parts[n_parts++] = onnx_broadcast (node, onnx_scalar (node, SF_F32, 0), SF_SHAPE (rows, 1));
  return onnx_concat (node, parts, n_parts, 1);
}

void
onnx_tfidf (OnnxNode *node)
{
  SfShape shape = onnx_input_shape (node, 0);
  Grams grams = read_grams (node);
  int64_t n_out = n_columns (node, &grams);
  if (!onnx_failed (node) && (shape.rank < 1 || shape.rank > 2))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "an input of rank %d, wanted [C] or [N,C]",
                 shape.rank);
  if (onnx_failed (node))
    return;
  bool one_row = shape.rank == 1;
  SfValue x = onnx_input (node, 0);
  if (one_row)
    x = onnx_reshape (node, x, SF_SHAPE (1, shape.dim[0]));
  /* A column that no n-gram has reads the zero behind them all. */
  g_autofree int64_t *from = g_new (int64_t, (size_t) n_out + 1);
  for (int64_t i = 0; i < n_out; i++)
    from[i] = (int64_t) grams.columns.n;
  for (size_t i = 0; i < grams.columns.n; i++)
    from[grams.columns.at[i]] = (int64_t) i;
  SfValue y = onnx_gather_known (node, count_all (node, &grams, x), from, (size_t) n_out, 1);
  y = weigh (node, &grams, y);
  onnx_set (node, 0, one_row ? onnx_reshape (node, y, SF_SHAPE (n_out)) : y);
}
