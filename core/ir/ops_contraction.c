/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the contractions: matmul, det, linear, attention. */
#include "core/ir/infer.h"
#include "core/ir/rules.h"

#include <math.h>

/* The leading dimensions of a and b, all but the last two, broadcast. */
static bool
broadcast_leading (const SfShape *a, const SfShape *b, SfShape *out, GError **error)
{
  SfShape x = sf_shape (a->rank - 2, a->dim), y = sf_shape (b->rank - 2, b->dim);
  if (sf_shape_broadcast (&x, &y, out))
    return true;
  g_autofree char *a_text = sf_shape_text (a);
  g_autofree char *b_text = sf_shape_text (b);
  return sf_refuse (error,
                    "leading dimensions of a %s and b %s do not broadcast, wanted equal or 1",
                    a_text, b_text);
}

static bool
infer_matmul (SfInfer *infer, GError **error)
{
  const SfShape *a = infer->shape[0], *b = infer->shape[1];
  SfDtype dtype;
  SfShape y;
  if (!sf_infer_want_number (infer, 0, "a", error) || !sf_infer_want_number (infer, 1, "b", error)
      || !sf_infer_want_min_rank (infer, 0, "a", 2, error)
      || !sf_infer_want_min_rank (infer, 1, "b", 2, error)
      || !sf_infer_meet (infer, 0, "a", 1, "b", &dtype, error)
      || !broadcast_leading (a, b, &y, error))
    return false;
  bool turn_a = sf_infer_int (infer, "transpose_a"), turn_b = sf_infer_int (infer, "transpose_b");
  int64_t m = a->dim[a->rank - (turn_a ? 1 : 2)], a_k = a->dim[a->rank - (turn_a ? 2 : 1)];
  int64_t b_k = b->dim[b->rank - (turn_b ? 1 : 2)], n = b->dim[b->rank - (turn_b ? 2 : 1)];
  if (a_k != b_k)
    {
      g_autofree char *a_text = sf_shape_text (a);
      g_autofree char *b_text = sf_shape_text (b);
      return sf_refuse (error,
                        "a %s%s has k = %" G_GINT64_FORMAT " and b %s%s has k = %" G_GINT64_FORMAT
                        ", wanted one k",
                        a_text, turn_a ? " transposed" : "", a_k, b_text,
                        turn_b ? " transposed" : "", b_k);
    }
  y.dim[y.rank++] = m;
  y.dim[y.rank++] = n;
  sf_infer_set (infer, 0, dtype, y);
  return true;
}

static bool
infer_det (SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[0];
  if (!sf_infer_want_float (infer, 0, "x", error)
      || !sf_infer_want_min_rank (infer, 0, "x", 2, error))
    return false;
  if (x->dim[x->rank - 1] != x->dim[x->rank - 2])
    {
      g_autofree char *found = sf_shape_text (x);
      return sf_refuse (error, "x has shape %s, wanted square matrices [..,n,n]", found);
    }
  sf_infer_set (infer, 0, infer->dtype[0], sf_shape (x->rank - 2, x->dim));
  return true;
}

static bool
infer_linear (SfInfer *infer, GError **error)
{
  const SfShape *x = infer->shape[0], *w = infer->shape[1];
  SfDtype dtype;
  if (!sf_infer_want_float (infer, 0, "x", error) || !sf_infer_want_float (infer, 1, "w", error)
      || !sf_infer_want_min_rank (infer, 0, "x", 1, error)
      || !sf_infer_want_rank (infer, 1, "w", 2, "[out,in]", error)
      || !sf_infer_meet (infer, 0, "x", 1, "w", &dtype, error))
    return false;
  int64_t in = x->dim[x->rank - 1];
  if (w->dim[1] != in)
    {
      g_autofree char *x_text = sf_shape_text (x);
      g_autofree char *w_text = sf_shape_text (w);
      return sf_refuse (error, "w has shape %s, wanted [out,%" G_GINT64_FORMAT "] for x %s", w_text,
                        in, x_text);
    }
  if (sf_infer_has (infer, 2))
    {
      SfShape want = SF_SHAPE (w->dim[0]);
      if (!sf_infer_want_float (infer, 2, "b", error)
          || !sf_infer_want_shape (infer, 2, "b", &want, error))
        return false;
      dtype = sf_widest (dtype, infer->dtype[2]);
    }
  SfShape y = *x;
  y.dim[y.rank - 1] = w->dim[0];
  sf_infer_set (infer, 0, dtype, y);
  return true;
}

/* Checks q, k, v and mask that begin at input `first`; *y is [B,H,S,E]. */
static bool
check_attention (const SfInfer *infer, size_t first, SfShape *y, GError **error)
{
  const SfShape *q = infer->shape[first], *k = infer->shape[first + 1],
                *v = infer->shape[first + 2];
  if (!sf_infer_want_image (infer, first, "q", "[B,H,S,D]", error)
      || !sf_infer_want_image (infer, first + 1, "k", "[B,H,T,D]", error)
      || !sf_infer_want_image (infer, first + 2, "v", "[B,H,T,E]", error))
    return false;
  SfShape k_want = SF_SHAPE (q->dim[0], q->dim[1], k->dim[2], q->dim[3]);
  SfShape v_want = SF_SHAPE (q->dim[0], q->dim[1], k->dim[2], v->dim[3]);
  SfShape scores = SF_SHAPE (q->dim[0], q->dim[1], q->dim[2], k->dim[2]), met;
  if (!sf_infer_want_shape (infer, first + 1, "k", &k_want, error)
      || !sf_infer_want_shape (infer, first + 2, "v", &v_want, error))
    return false;
  if (sf_infer_has (infer, first + 3))
    {
      const SfShape *mask = infer->shape[first + 3];
      if (!sf_infer_want_float (infer, first + 3, "mask", error))
        return false;
      if (!sf_shape_broadcast (mask, &scores, &met) || !sf_shape_equal (&met, &scores))
        {
          g_autofree char *found = sf_shape_text (mask);
          g_autofree char *wanted = sf_shape_text (&scores);
          return sf_refuse (error, "mask has shape %s, wanted one that broadcasts to [B,H,S,T] %s",
                            found, wanted);
        }
    }
  if (!isfinite (sf_infer_attr (infer, "scale")->f))
    return sf_refuse (error, "attribute scale is not finite, wanted a number; 0 means 1/sqrt D");
  *y = SF_SHAPE (q->dim[0], q->dim[1], q->dim[2], v->dim[3]);
  return true;
}

static bool
infer_attention (SfInfer *infer, GError **error)
{
  SfShape y;
  if (!check_attention (infer, 0, &y, error))
    return false;
  SfDtype dtype = sf_widest (sf_widest (infer->dtype[0], infer->dtype[1]), infer->dtype[2]);
  sf_infer_set (infer, 0, dtype, y);
  return true;
}

static bool
infer_attention_bwd (SfInfer *infer, GError **error)
{
  SfShape y;
  if (!sf_infer_want_float (infer, 0, "dy", error) || !check_attention (infer, 1, &y, error)
      || !sf_infer_want_shape (infer, 0, "dy", &y, error))
    return false;
  for (size_t i = 0; i < 3; i++)
    sf_infer_set (infer, i, infer->dtype[i + 1], *infer->shape[i + 1]);
  return true;
}

static const SfOpAttr matmul_attrs[] = { { "transpose_a", SF_ATTR_BOOL, "false" },
                                         { "transpose_b", SF_ATTR_BOOL, "false" },
                                         { NULL, 0, NULL } };
static const SfOpAttr attention_attrs[]
    = { { "scale", SF_ATTR_FLOAT, "0" }, { "causal", SF_ATTR_BOOL, "false" }, { NULL, 0, NULL } };

/* clang-format off */
const SfOp sf_ops_contraction[] = {
  { "matmul", 1, SF_OP_CONTRACTION, 2, 2, 1, matmul_attrs, infer_matmul, sf_grad_matmul, NULL, NULL,
    "matrix product, leading dimensions broadcast" },
  { "det", 1, SF_OP_CONTRACTION, 1, 1, 1, NULL, infer_det, sf_grad_det, NULL, NULL,
    "determinant of each matrix" },
  { "linear", 1, SF_OP_COMPOSITE, 2, 3, 1, NULL, infer_linear, sf_grad_linear, sf_decompose_linear, NULL,
    "x times w transposed, plus b" },
  { "attention", 1, SF_OP_COMPOSITE, 3, 4, 1, attention_attrs, infer_attention, sf_grad_attention,
    sf_decompose_attention, NULL, "softmax (scale q k^T + mask) v" },
  { "attention_bwd", 1, SF_OP_COMPOSITE, 4, 5, 3, attention_attrs, infer_attention_bwd, NULL,
    sf_decompose_attention_bwd, NULL, "gradients of attention" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
