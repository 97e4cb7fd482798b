/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of the losses: NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. */
#include "fixed.h"
#include "importer.h"

typedef enum
{
  REDUCE_NONE,
  REDUCE_SUM,
  REDUCE_MEAN,
  N_REDUCTIONS,
} Reduction;

static const char *const reduction_words[N_REDUCTIONS] = { "none", "sum", "mean" };

/* What both losses are given: scores [N, C, d..], labels [N, d..], weights [C]. */
typedef struct
{
  SfValue scores;  /* for the negative log likelihood: log-probabilities */
  SfValue labels;  /* i32 */
  SfValue weights; /* SF_NONE: all 1 */
  Reduction reduction;
  bool ignores;
  int32_t ignored; /* label that does not count */
} Loss;

static Reduction
reduction_of (OnnxNode *node)
{
  const char *word = onnx_string (node, "reduction", "mean");
  for (int i = 0; word != NULL && i < N_REDUCTIONS; i++)
    if (g_str_equal (word, reduction_words[i]))
      return (Reduction) i;
  if (!onnx_failed (node))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "attribute reduction is '%s', wanted 'none', 'sum' or 'mean'", word);
  return REDUCE_NONE;
}

/* Labels are the scores' shape without dimension 1. */
static void
check_shapes (OnnxNode *node, const Loss *loss)
{
  SfShape scores = onnx_shape (node, loss->scores), labels = onnx_shape (node, loss->labels);
  if (onnx_failed (node))
    return;
  SfShape wanted = { .rank = MAX (scores.rank - 1, 1), .dim = { scores.dim[0] } };
  for (int d = 2; d < scores.rank; d++)
    wanted.dim[d - 1] = scores.dim[d];
  if (scores.rank >= 2 && sf_shape_equal (&labels, &wanted))
    return;
  g_autofree char *scores_text = sf_shape_text (&scores);
  g_autofree char *labels_text = sf_shape_text (&labels);
  onnx_refuse (node, SF_ERROR_INVALID_DATA,
               "scores are %s and labels %s, wanted [N,C,...] and the same without C", scores_text,
               labels_text);
}

static Loss
loss_of (OnnxNode *node)
{
  Loss loss = { .scores = onnx_input (node, 0),
                .labels = onnx_input_i32 (node, 1),
                .weights = onnx_has_input (node, 2) ? onnx_fixed (node, 2) : SF_NONE,
                .reduction = reduction_of (node),
                .ignores = onnx_has_attr (node, "ignore_index") };
  if (loss.ignores)
    loss.ignored = (int32_t) CLAMP (onnx_int (node, "ignore_index", 0), INT32_MIN, INT32_MAX);
  check_shapes (node, &loss);
  return loss;
}

/* [1, n, 1 ..] of a rank. */
static SfShape
along_classes (int rank, int64_t n)
{
  SfShape shape = { .rank = rank };
  for (int d = 0; d < rank; d++)
    shape.dim[d] = d == 1 ? n : 1;
  return shape;
}

static SfValue
sum_all (OnnxNode *node, SfValue v)
{
  return onnx_reduce (node, "reduce_sum", v, NULL, 0, false);
}

/* `v`, broadcast over the scores, at the class of each row that counts, summed over classes. */
static SfValue
at_class (OnnxNode *node, SfValue chosen, SfValue v)
{
  static const int64_t classes[] = { 1 };
  SfValue zero = onnx_scalar (node, onnx_dtype (node, v), 0);
  return onnx_reduce (node, "reduce_sum", onnx_select (node, chosen, v, zero), classes, 1, false);
}

/* The divisor of the mean: what the rows weigh, or how many there are. */
static SfValue
weight_of_rows (OnnxNode *node, const Loss *loss, SfValue chosen, SfValue weights)
{
  SfDtype dtype = onnx_dtype (node, loss->scores);
  if (weights != SF_NONE)
    return sum_all (node, at_class (node, chosen, weights));
  SfShape rows = onnx_shape (node, loss->labels);
  if (!loss->ignores)
    return onnx_scalar (node, dtype, (double) sf_shape_n_elems (&rows));
  SfValue counts = onnx_2f (node, "ne", loss->labels, loss->ignored);
  return sum_all (node, onnx_cast (node, counts, dtype));
}

/* Labels are compared, not gathered, as in softmax_ce. */
static SfValue
likelihood_loss (OnnxNode *node, const Loss *loss, SfValue log_prob)
{
  SfShape shape = onnx_shape (node, log_prob), kept = shape;
  if (onnx_failed (node))
    return SF_NONE;
  kept.dim[1] = 1;
  SfShape line = along_classes (shape.rank, shape.dim[1]);
  SfValue labels = onnx_reshape (node, loss->labels, kept);
  SfValue chosen = onnx_2 (node, "eq", labels, onnx_iota (node, line, 1, SF_I32));
  if (loss->ignores)
    chosen = onnx_2 (node, "and", chosen, onnx_2f (node, "ne", labels, loss->ignored));
  SfValue surprise = onnx_1 (node, "neg", log_prob), weights = SF_NONE;
  if (loss->weights != SF_NONE)
    {
      weights = onnx_reshape (node, loss->weights, line);
      surprise = onnx_2 (node, "mul", surprise, weights);
    }
  SfValue y = at_class (node, chosen, surprise);
  if (loss->reduction == REDUCE_NONE)
    return y;
  y = sum_all (node, y);
  if (loss->reduction == REDUCE_MEAN)
    y = onnx_2 (node, "div", y, weight_of_rows (node, loss, chosen, weights));
  return onnx_cast (node, y, onnx_dtype (node, log_prob));
}

/* ---- softmax and likelihood in one ---- */

/* `v` with dimension 1 as the last one. */
static SfValue
classes_last (OnnxNode *node, SfValue v)
{
  int rank = onnx_shape (node, v).rank;
  int64_t perm[SF_MAX_RANK] = { 0 };
  for (int d = 1; d < rank; d++)
    perm[d] = d == rank - 1 ? 1 : d + 1;
  return rank > 2 ? onnx_transpose (node, v, perm) : v;
}

/* The op that is exactly the mean over rows. Without ignore_index its own default stands, which no
 * label may be. */
static SfValue
cross_entropy (OnnxNode *node, const Loss *loss)
{
  SfValue inputs[] = { classes_last (node, loss->scores), loss->labels };
  SfAttr ignored = SF_ATTR_I ("ignore_index", loss->ignored);
  SfValue y = onnx_node (node, "softmax_ce", inputs, 2, &ignored, loss->ignores ? 1 : 0, NULL);
  return onnx_cast (node, y, onnx_dtype (node, loss->scores));
}

/* What the scores are the logarithm of the softmax of; SF_NONE when they are something else. */
static SfValue
logits_of (OnnxNode *node, SfValue scores)
{
  SfGraph *graph = onnx_graph (node);
  SfNode from = onnx_failed (node) ? SF_NONE : sf_value_producer (graph, scores);
  if (from == SF_NONE || !g_str_equal (sf_node_op_name (graph, from), "log_softmax")
      || sf_node_attr_int (graph, from, "axis") != 1)
    return SF_NONE;
  return sf_node_input (graph, from, 0);
}

static void
lower_likelihood (OnnxNode *node)
{
  Loss loss = loss_of (node);
  SfValue logits = SF_NONE;
  if (loss.reduction == REDUCE_MEAN && loss.weights == SF_NONE)
    logits = logits_of (node, loss.scores);
  if (logits == SF_NONE)
    {
      onnx_set (node, 0, likelihood_loss (node, &loss, loss.scores));
      return;
    }
  loss.scores = logits;
  onnx_set (node, 0, cross_entropy (node, &loss));
}

static void
lower_cross_entropy (OnnxNode *node)
{
  Loss loss = loss_of (node);
  bool wants_log_prob = onnx_wants_output (node, 1);
  if (loss.reduction == REDUCE_MEAN && loss.weights == SF_NONE && !wants_log_prob)
    {
      onnx_set (node, 0, cross_entropy (node, &loss));
      return;
    }
  SfAttr classes = SF_ATTR_I ("axis", 1);
  SfValue log_prob = onnx_node (node, "log_softmax", &loss.scores, 1, &classes, 1, NULL);
  onnx_set (node, 0, likelihood_loss (node, &loss, log_prob));
  if (wants_log_prob)
    onnx_set (node, 1, log_prob);
}

/* clang-format off */
const OnnxRow onnx_rows_loss[] = {
  { "NegativeLogLikelihoodLoss", 12, lower_likelihood, 0, NULL, NULL },
  { "SoftmaxCrossEntropyLoss", 12, lower_cross_entropy, 0, NULL, NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
/* clang-format on */
