/* SPDX-License-Identifier: Apache-2.0 */
/* Einsum: the operands are multiplied from left to right, each product one matmul; an index that
 * nothing needs any more is summed with it. */
#include "einsum.h"

#define MAX_OPERANDS 64
#define ELLIPSIS     52 /* labels 0 .. 51 are letters, 52 .. 59 the dimensions of "...", last first */

/* A value whose dimension d is called label[d]. */
typedef struct
{
  SfValue v;
  int n;
  int label[SF_MAX_RANK];
  int64_t dim[SF_MAX_RANK];
} Operand;

static uint64_t
bit (int label)
{
  return UINT64_C (1) << label;
}

static uint64_t
labels_of (const Operand *o)
{
  uint64_t set = 0;
  for (int d = 0; d < o->n; d++)
    set |= bit (o->label[d]);
  return set;
}

static void
add_label (Operand *o, int label, int64_t dim)
{
  o->label[o->n] = label;
  o->dim[o->n++] = dim;
}

static SfShape
shape_of (const Operand *o)
{
  return sf_shape (o->n, o->dim);
}

static int
place_of (const Operand *o, int label)
{
  for (int d = 0; d < o->n; d++)
    if (o->label[d] == label)
      return d;
  return -1;
}

/* ---- the equation ---- */

static void
refuse_equation (OnnxNode *node, const char *equation, const char *found)
{
  onnx_refuse (node, SF_ERROR_INVALID_DATA,
               "equation \"%s\": %s, wanted terms of letters with at most one \"...\" each, as in "
               "\"...ij,jk->...ik\"",
               equation, found);
}

static int
label_of (char c)
{
  if (g_ascii_isupper (c))
    return c - 'A';
  return g_ascii_islower (c) ? c - 'a' + 26 : -1;
}

/* Letters of a term, '.' once for "..."; blanks dropped. False: something else stands there. */
static bool
clean_term (const char *term, char *out, size_t size)
{
  size_t n = 0;
  bool dots = false;
  for (; *term != '\0'; term++)
    {
      if (*term == ' ')
        continue;
      bool is_dots = strncmp (term, "...", 3) == 0;
      if (n + 1 >= size || (is_dots && dots) || (!is_dots && label_of (*term) < 0))
        return false;
      dots = dots || is_dots;
      out[n++] = *term;
      term += is_dots ? 2 : 0;
    }
  out[n] = '\0';
  return true;
}

/* The labels of a term over `shape`. False: the ranks do not agree. */
static bool
label_term (const char *term, const SfShape *shape, Operand *o)
{
  int n = (int) strlen (term), dotted = strchr (term, '.') != NULL;
  int inside = shape->rank - (n - dotted);
  if (inside < 0 || (inside > 0 && !dotted))
    return false;
  for (; *term != '\0'; term++)
    if (*term != '.')
      add_label (o, label_of (*term), shape->dim[o->n]);
    else
      for (int i = inside; i-- > 0;)
        add_label (o, ELLIPSIS + i, shape->dim[o->n]);
  return true;
}

/* ---- one operand ---- */

/* Moves dimension `from` to the end. */
static void
move_last (OnnxNode *node, Operand *o, int from)
{
  int64_t perm[SF_MAX_RANK];
  Operand moved = { .v = o->v };
  for (int d = 0; d <= o->n; d++)
    {
      int at = d == o->n ? from : d;
      if (d != from)
        {
          perm[moved.n] = at;
          add_label (&moved, o->label[at], o->dim[at]);
        }
    }
  moved.v = onnx_transpose (node, o->v, perm);
  *o = moved;
}

/* Two dimensions of one label become their diagonal: every (n + 1)-th of n n elements. */
static bool
take_diagonals (OnnxNode *node, Operand *o)
{
  for (int d = 0; d < o->n; d++)
    {
      int second = d + 1;
      while (second < o->n && o->label[second] != o->label[d])
        second++;
      if (second == o->n)
        continue;
      int64_t n = o->dim[d];
      if (o->dim[second] != n)
        return false;
      move_last (node, o, second);
      move_last (node, o, d);
      o->n--;
      o->dim[o->n - 1] = n * n;
      o->v = onnx_reshape (node, o->v, shape_of (o));
      o->v = onnx_slice (node, o->v, o->n - 1, 0, n * n, n + 1);
      o->dim[o->n - 1] = n;
      d = -1;
    }
  return true;
}

/* Sums over the labels that are not in `keep`. */
static void
sum_out (OnnxNode *node, Operand *o, uint64_t keep)
{
  int64_t axes[SF_MAX_RANK];
  size_t n = 0;
  Operand left = { .v = o->v };
  for (int d = 0; d < o->n; d++)
    if (keep & bit (o->label[d]))
      add_label (&left, o->label[d], o->dim[d]);
    else
      axes[n++] = d;
  if (n > 0)
    left.v = onnx_reduce (node, "reduce_sum", o->v, axes, n, false);
  *o = left;
}

/* Labels in some order. */
typedef struct
{
  int n;
  int at[SF_MAX_RANK];
} Labels;

/* Those of `o` that are in `set`, in the order of `o`. */
static Labels
pick (const Operand *o, uint64_t set)
{
  Labels labels = { .n = 0 };
  for (int d = 0; d < o->n; d++)
    if (set & bit (o->label[d]))
      labels.at[labels.n++] = o->label[d];
  return labels;
}

static Labels
joined (Labels a, Labels b)
{
  for (int i = 0; i < b.n; i++)
    a.at[a.n++] = b.at[i];
  return a;
}

/* Orders the dimensions as `order` lists them, which are all that there are. */
static void
arrange (OnnxNode *node, Operand *o, Labels order)
{
  int64_t perm[SF_MAX_RANK];
  Operand to = { .v = o->v };
  for (int i = 0; i < order.n; i++)
    {
      int d = place_of (o, order.at[i]);
      perm[i] = d;
      add_label (&to, order.at[i], o->dim[d]);
    }
  to.v = onnx_transpose (node, o->v, perm);
  *o = to;
}

/* ---- two operands ---- */

/* Dimensions of 1 take the size that the label has in the other operand. */
static bool
meet (OnnxNode *node, Operand *o, const Operand *other)
{
  for (int d = 0; d < o->n; d++)
    {
      int there = place_of (other, o->label[d]);
      if (there < 0 || other->dim[there] == o->dim[d] || other->dim[there] == 1)
        continue;
      if (o->dim[d] != 1)
        return false;
      o->dim[d] = other->dim[there];
    }
  o->v = onnx_broadcast (node, o->v, shape_of (o));
  return true;
}

/* Element by element: both get every label, with size 1 where they lack it. */
static Operand
multiply_elements (OnnxNode *node, Operand *a, Operand *b)
{
  Operand y = *a, wide = { .v = b->v };
  arrange (node, b, joined (pick (a, labels_of (b)), pick (b, ~labels_of (a))));
  for (int d = 0; d < b->n; d++)
    if (place_of (a, b->label[d]) < 0)
      add_label (&y, b->label[d], 1);
  for (int d = 0; d < y.n; d++)
    {
      int at = place_of (b, y.label[d]);
      add_label (&wide, y.label[d], at < 0 ? 1 : b->dim[at]);
    }
  SfValue left = onnx_reshape (node, a->v, shape_of (&y));
  y.v = onnx_2 (node, "mul", left, onnx_reshape (node, b->v, shape_of (&wide)));
  for (int d = 0; d < y.n; d++)
    y.dim[d] = y.dim[d] == 1 ? wide.dim[d] : y.dim[d];
  return y;
}

static int64_t
size_of (const Operand *o, Labels labels)
{
  int64_t size = 1;
  for (int i = 0; i < labels.n; i++)
    size *= o->dim[place_of (o, labels.at[i])];
  return size;
}

/* `o` as matrices: the batch labels, then rows and columns, each one dimension. */
static SfValue
matrices (OnnxNode *node, const Operand *o, Labels batch, Labels rows, Labels columns)
{
  Operand sorted = *o;
  arrange (node, &sorted, joined (batch, joined (rows, columns)));
  SfShape shape = sf_shape (batch.n, sorted.dim);
  shape.dim[shape.rank++] = size_of (o, rows);
  shape.dim[shape.rank++] = size_of (o, columns);
  return onnx_reshape (node, sorted.v, shape);
}

/* A dimension that stands last becomes the columns, so that no operand is transposed in vain. */
static Operand
multiply_matrices (OnnxNode *node, const Operand *a, const Operand *b, uint64_t summed)
{
  uint64_t in_a = labels_of (a), in_b = labels_of (b);
  Labels batch = pick (a, in_b & ~summed), k = pick (a, summed);
  Labels m = pick (a, in_a & ~in_b), n = pick (b, in_b & ~in_a);
  bool turn_a = (summed & bit (a->label[a->n - 1])) == 0;
  bool turn_b = (summed & bit (b->label[b->n - 1])) != 0;
  SfValue left = turn_a ? matrices (node, a, batch, k, m) : matrices (node, a, batch, m, k);
  SfValue right = turn_b ? matrices (node, b, batch, n, k) : matrices (node, b, batch, k, n);
  Operand y = { .v = onnx_matmul (node, left, right, turn_a, turn_b) };
  for (int i = 0; i < batch.n + m.n; i++)
    {
      int label = i < batch.n ? batch.at[i] : m.at[i - batch.n];
      add_label (&y, label, a->dim[place_of (a, label)]);
    }
  for (int i = 0; i < n.n; i++)
    add_label (&y, n.at[i], b->dim[place_of (b, n.at[i])]);
  y.v = onnx_reshape (node, y.v, shape_of (&y));
  return y;
}

/* a times b, of which only the labels in `keep` are wanted later. */
static bool
multiply (OnnxNode *node, Operand *a, Operand *b, uint64_t keep)
{
  sum_out (node, a, keep | labels_of (b));
  sum_out (node, b, keep | labels_of (a));
  uint64_t in_a = labels_of (a), in_b = labels_of (b), summed = in_a & in_b & ~keep;
  if (!meet (node, a, b) || !meet (node, b, a))
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA,
                   "equation gives one index to dimensions of different sizes, wanted equal or 1");
      return false;
    }
  int n_shared = pick (a, in_b & ~summed).n;
  if (a->n + b->n - n_shared > SF_MAX_RANK || n_shared + 2 > SF_MAX_RANK)
    {
      onnx_refuse (node, SF_ERROR_UNSUPPORTED,
                   "equation needs a product of more than %d dimensions, wanted fewer indices",
                   SF_MAX_RANK);
      return false;
    }
  *a = summed == 0 ? multiply_elements (node, a, b) : multiply_matrices (node, a, b, summed);
  return !onnx_failed (node);
}

/* ---- the operator ---- */

typedef struct
{
  size_t n;
  Operand *operands;
  int count[64]; /* of each label in all terms */
  Labels result;
} Equation;

/* Implicit result: "..." and then the letters that occur once, in alphabetical order. */
static bool
imply_result (Equation *e)
{
  for (int label = 63; label >= ELLIPSIS; label--)
    if (e->count[label] > 0)
      e->result.at[e->result.n++] = label;
  for (int label = 0; label < ELLIPSIS; label++)
    if (e->count[label] == 1)
      {
        if (e->result.n == SF_MAX_RANK)
          return false;
        e->result.at[e->result.n++] = label;
      }
  return true;
}

/* Labels of an explicit result; every one once, and known from an operand. */
static bool
read_result (const char *term, Equation *e)
{
  uint64_t known = 0, used = 0;
  for (size_t i = 0; i < e->n; i++)
    known |= labels_of (&e->operands[i]);
  for (; *term != '\0'; term++)
    {
      bool dots = *term == '.';
      int low = dots ? ELLIPSIS : label_of (*term), high = dots ? 63 : low;
      for (int label = high; label >= low; label--)
        {
          if (dots && !(known & bit (label)))
            continue;
          if (!(known & ~used & bit (label)) || e->result.n == SF_MAX_RANK)
            return false;
          used |= bit (label);
          e->result.at[e->result.n++] = label;
        }
    }
  return true;
}

static bool
read_operands (OnnxNode *node, const char *equation, char **terms, Equation *e)
{
  char term[64];
  for (size_t i = 0; i < e->n; i++)
    {
      SfShape shape = onnx_input_shape (node, i);
      e->operands[i] = (Operand){ .v = onnx_input (node, i) };
      if (onnx_failed (node))
        return false;
      if (!clean_term (terms[i], term, sizeof term))
        refuse_equation (node, equation, "a term has another character");
      else if (!label_term (term, &shape, &e->operands[i]))
        refuse_equation (node, equation, "a term and its input differ in rank");
      for (int d = 0; d < e->operands[i].n; d++)
        e->count[e->operands[i].label[d]]++;
      if (!onnx_failed (node) && !take_diagonals (node, &e->operands[i]))
        refuse_equation (node, equation, "a repeated index has two sizes");
      if (onnx_failed (node))
        return false;
    }
  return true;
}

static bool
read_equation (OnnxNode *node, const char *equation, Equation *e)
{
  char result[64];
  g_auto (GStrv) sides = g_strsplit (equation, "->", 2);
  g_auto (GStrv) terms = g_strsplit (sides[0] != NULL ? sides[0] : "", ",", -1);
  if (g_strv_length (terms) != e->n && !(e->n == 1 && g_strv_length (terms) == 0))
    {
      refuse_equation (node, equation, "its terms are not as many as the inputs");
      return false;
    }
  char *no_terms[] = { (char[]){ "" } };
  if (!read_operands (node, equation, terms[0] != NULL ? terms : no_terms, e))
    return false;
  bool is_explicit = sides[0] != NULL && sides[1] != NULL;
  if (is_explicit && !clean_term (sides[1], result, sizeof result))
    refuse_equation (node, equation, "the result has another character");
  else if (!(is_explicit ? read_result (result, e) : imply_result (e)))
    refuse_equation (node, equation, "the result repeats an index or has one that no term has");
  return !onnx_failed (node);
}

/* The ellipsis of an operand of fewer dimensions there is seen as having 1; products keep what
 * later operands or the result need. */
static SfValue
evaluate (OnnxNode *node, Equation *e)
{
  Operand all = e->operands[0];
  uint64_t result = 0;
  for (int i = 0; i < e->result.n; i++)
    result |= bit (e->result.at[i]);
  for (size_t i = 1; i < e->n; i++)
    {
      uint64_t keep = result;
      for (size_t later = i + 1; later < e->n; later++)
        keep |= labels_of (&e->operands[later]);
      if (!multiply (node, &all, &e->operands[i], keep))
        return SF_NONE;
    }
  sum_out (node, &all, result);
  arrange (node, &all, e->result);
  return all.v;
}

void
onnx_lower_einsum (OnnxNode *node)
{
  onnx_want_attr (node, "equation");
  const char *equation = onnx_string (node, "equation", "");
  Equation e = { .n = onnx_n_inputs (node) };
  if (onnx_failed (node))
    return;
  if (e.n < 1 || e.n > MAX_OPERANDS)
    {
      onnx_refuse (node, SF_ERROR_INVALID_DATA, "found %zu inputs, wanted 1 to %d", e.n,
                   MAX_OPERANDS);
      return;
    }
  e.operands = g_new (Operand, e.n);
  if (read_equation (node, equation, &e))
    onnx_set (node, 0, evaluate (node, &e));
  g_free (e.operands);
}
