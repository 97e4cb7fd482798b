/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences and optionals: lists of values while the model is imported, nothing at run time.
 * Strings are refused by name. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"
#include "plugins/frontends/onnx/tfidf.h"

enum
{
  MAX_PIECES = 1 << 16,
};

/* ---- lists ---- */

/* The list at an input; refused for anything else. */
static const OnnxValue *
want_list (OnnxNode *node, size_t index)
{
  const OnnxValue *value = onnx_failed (node) ? NULL : onnx_input_value (node, index);
  if (!onnx_failed (node) && (value == NULL || value->kind != ONNX_SEQUENCE))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "input %zu is no sequence, wanted one; export again",
                 index);
  return onnx_failed (node) ? NULL : value;
}

/* A position in a list of `n`, from input `index`; negative ones count from the end. */
static size_t
position (OnnxNode *node, size_t index, size_t n, int64_t def)
{
  int64_t at = onnx_known_int (node, index, def);
  if (!onnx_failed (node) && (at < -(int64_t) n || at >= (int64_t) n))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "position %" G_GINT64_FORMAT " in a sequence of %zu",
                 at, n);
  return onnx_failed (node) ? 0 : (size_t) (at < 0 ? at + (int64_t) n : at);
}

static void
set_list (OnnxNode *node, OnnxValue *const *items, size_t n)
{
  if (!onnx_failed (node))
    onnx_set_value (node, 0, onnx_value_of_list (node->import, items, n));
}

static void
empty (OnnxNode *node)
{
  onnx_dtype_attr (node, "dtype", SF_F32);
  set_list (node, NULL, 0);
}

static void
construct (OnnxNode *node)
{
  for (size_t i = 0; i < node->n_inputs; i++)
    onnx_input_shape (node, i);
  set_list (node, node->inputs, node->n_inputs);
}

static void
insert (OnnxNode *node)
{
  const OnnxValue *list = want_list (node, 0);
  int64_t n = list != NULL ? (int64_t) list->n_items : 0, at = onnx_known_int (node, 2, n);
  onnx_input_shape (node, 1);
  if (!onnx_failed (node) && (at < -n || at > n))
    onnx_refuse (node, SF_ERROR_INVALID_DATA,
                 "position %" G_GINT64_FORMAT " in a sequence of %" G_GINT64_FORMAT, at, n);
  if (onnx_failed (node))
    return;
  at = at < 0 ? at + n : at;
  g_autofree OnnxValue **items = g_new (OnnxValue *, (size_t) n + 1);
  for (int64_t i = 0; i < n; i++)
    items[i < at ? i : i + 1] = list->items[i];
  items[at] = onnx_input_value (node, 1);
  set_list (node, items, (size_t) n + 1);
}

static void
erase (OnnxNode *node)
{
  const OnnxValue *list = want_list (node, 0);
  size_t n = list != NULL ? list->n_items : 0;
  size_t at = position (node, 1, n, -1);
  if (onnx_failed (node))
    return;
  g_autofree OnnxValue **items = g_new (OnnxValue *, n);
  for (size_t i = 0; i < n - 1; i++)
    items[i] = list->items[i < at ? i : i + 1];
  set_list (node, items, n - 1);
}

static void
item (OnnxNode *node)
{
  const OnnxValue *list = want_list (node, 0);
  size_t at = position (node, 1, list != NULL ? list->n_items : 0, 0);
  if (!onnx_failed (node))
    onnx_set_value (node, 0, list->items[at]);
}

static void
length (OnnxNode *node)
{
  const OnnxValue *list = want_list (node, 0);
  int64_t n = list != NULL ? (int64_t) list->n_items : 0;
  onnx_set_known (node, 0, SF_I64, sf_shape_scalar (), &n);
}

/* ---- between tensors and lists ---- */

/* Where piece `i` ends. */
static int64_t
piece_end (OnnxInts sizes, bool one_size, size_t i, int64_t start, int64_t dim)
{
  int64_t size = sizes.n == 0 ? 1 : sizes.at[one_size ? 0 : i];
  if (size < 0 || size > dim - start)
    return one_size && size > 0 ? dim : -1;
  return start + size;
}

/* Without axis `axis`, which has size 1. */
static SfValue
drop_axis (OnnxNode *node, SfValue v, int64_t axis)
{
  SfShape shape = onnx_shape (node, v), thinner = { 0 };
  for (int d = 0; d < shape.rank; d++)
    if (d != axis)
      thinner.dim[thinner.rank++] = shape.dim[d];
  return onnx_reshape (node, v, thinner);
}

static void
split (OnnxNode *node)
{
  SfShape shape = onnx_input_shape (node, 0);
  int64_t axis = onnx_axis (node, onnx_int (node, "axis", 0), shape.rank), start = 0;
  bool keep = onnx_int (node, "keepdims", 1) != 0 || onnx_has_input (node, 1);
  OnnxInts sizes = onnx_has_input (node, 1) ? onnx_known_ints (node, 1) : (OnnxInts){ 0 };
  bool one_size = sizes.n > 0 && onnx_input_shape (node, 1).rank == 0;
  int64_t dim = onnx_failed (node) ? 0 : shape.dim[axis];
  SfValue v = onnx_input (node, 0);
  g_autoptr (GPtrArray) items = g_ptr_array_new ();
  bool listed = sizes.n > 0 && !one_size;
  for (size_t i = 0; !onnx_failed (node) && (listed ? i < sizes.n : start < dim); i++)
    {
      int64_t end = piece_end (sizes, one_size, i, start, dim);
      if (end < start || end > dim || (end == start && !listed) || i == MAX_PIECES
          || (listed && i + 1 == sizes.n && end != dim))
        {
          onnx_refuse (node, SF_ERROR_INVALID_DATA,
                       "%zu pieces or more that do not add up to %" G_GINT64_FORMAT
                       ", wanted at most %d that do",
                       i + 1, dim, MAX_PIECES);
          return;
        }
      SfValue piece = onnx_slice (node, v, axis, start, end, 1);
      if (!keep)
        piece = drop_axis (node, piece, axis);
      if (!onnx_failed (node))
        g_ptr_array_add (items, onnx_value_of_graph (node->import, piece));
      start = end;
    }
  set_list (node, (OnnxValue *const *) items->pdata, items->len);
}

static void
join (OnnxNode *node)
{
  const OnnxValue *list = want_list (node, 0);
  int64_t axis = onnx_int (node, "axis", 0);
  bool is_new = onnx_int (node, "new_axis", 0) != 0;
  size_t n = list != NULL ? list->n_items : 0;
  onnx_want_attr (node, "axis");
  if (!onnx_failed (node) && n == 0)
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "an empty sequence, wanted one tensor at least");
  g_autofree SfValue *parts = g_new (SfValue, n + 1);
  for (size_t i = 0; i < n && !onnx_failed (node); i++)
    {
      GError *error = NULL;
      parts[i] = onnx_value_place (node->import, list->items[i], &error);
      if (parts[i] == SF_NONE)
        onnx_adopt (node, error);
      SfShape shape = onnx_shape (node, parts[i]), wider = { 0 };
      if (!is_new || onnx_failed (node))
        continue;
      int64_t at = onnx_axis (node, axis, shape.rank + 1);
      if (shape.rank == SF_MAX_RANK)
        onnx_refuse (node, SF_ERROR_UNSUPPORTED, "a result of more than %d dimensions",
                     SF_MAX_RANK);
      for (int d = 0; d <= shape.rank && !onnx_failed (node); d++)
        wider.dim[wider.rank++] = d == at ? 1 : shape.dim[d < at ? d : d - 1];
      parts[i] = onnx_reshape (node, parts[i], wider);
    }
  onnx_set (node, 0, onnx_concat (node, parts, n, axis));
}

/* The body once for each element; other sequences step along, tensors stay. */
static void
map (OnnxNode *node)
{
  const Onnx__GraphProto *body = onnx_graph_attr (node, "body");
  const OnnxValue *list = want_list (node, 0);
  if (onnx_failed (node))
    return;
  size_t n = list->n_items, n_out = body->n_output;
  g_autofree OnnxValue **in = g_new0 (OnnxValue *, node->n_inputs + 1);
  g_autofree OnnxValue **out = g_new0 (OnnxValue *, n_out + 1);
  g_autofree OnnxValue **all = g_new0 (OnnxValue *, n * n_out + 1);
  for (size_t t = 0; t < n && !onnx_failed (node); t++)
    {
      g_autofree char *label = g_strdup_printf ("%zu", t);
      for (size_t i = 0; i < node->n_inputs; i++)
        {
          OnnxValue *value = onnx_input_value (node, i);
          bool is_list = value != NULL && value->kind == ONNX_SEQUENCE;
          if (value == NULL || (is_list && value->n_items != n))
            onnx_refuse (node, SF_ERROR_INVALID_DATA,
                         "input %zu, wanted a tensor or a sequence of %zu", i, n);
          else
            in[i] = is_list ? value->items[t] : value;
        }
      if (!onnx_run_graph (node, body, label, in, node->n_inputs, out))
        return;
      for (size_t i = 0; i < n_out; i++)
        all[i * n + t] = out[i];
    }
  for (size_t i = 0; i < n_out && !onnx_failed (node); i++)
    onnx_set_value (node, i, onnx_value_of_list (node->import, all + i * n, n));
}

/* ---- optionals ---- */

static void
optional (OnnxNode *node)
{
  onnx_has_attr (node, "type");
  if (onnx_has_input (node, 0))
    onnx_forward (node, 0, 0);
  else
    onnx_set_value (node, 0, onnx_value_new (node->import, ONNX_NOTHING));
}

static void
get_element (OnnxNode *node)
{
  if (!onnx_has_input (node, 0))
    onnx_refuse (node, SF_ERROR_INVALID_DATA, "an optional without content, wanted its content");
  onnx_forward (node, 0, 0);
}

static void
has_element (OnnxNode *node)
{
  bool has = onnx_has_input (node, 0);
  onnx_set_known (node, 0, SF_BOOL, sf_shape_scalar (), &(uint8_t){ has });
}

#define NO_STRINGS "a dataflow program has no strings; do this before the model"

const OnnxRow onnx_rows_sequence[] = {
  { "SequenceEmpty", 11, empty, ONNX_LIST },
  { "SequenceConstruct", 11, construct, ONNX_LIST },
  { "SequenceInsert", 11, insert, ONNX_LIST },
  { "SequenceErase", 11, erase, ONNX_LIST },
  { "SequenceAt", 11, item, ONNX_LIST },
  { "SequenceLength", 11, length, ONNX_LIST },
  { "SplitToSequence", 11, split, ONNX_LIST, "known sizes" },
  { "ConcatFromSequence", 11, join, ONNX_LIST },
  { "SequenceMap", 17, map, ONNX_LIST },
  { "Optional", 15, optional, ONNX_LIST },
  { "OptionalGetElement", 15, get_element, ONNX_LIST },
  { "OptionalHasElement", 15, has_element, ONNX_LIST },
  { "TfIdfVectorizer", 9, onnx_tfidf, ONNX_NO_GRAD, "of integers; a pool of strings is refused" },
  { "ImageDecoder", 20, NULL, 0,
    "a dataflow program has no image formats; decode before the model" },
  { "StringNormalizer", 10, NULL, 0, NO_STRINGS },
  { "StringConcat", 20, NULL, 0, NO_STRINGS },
  { "StringSplit", 20, NULL, 0, NO_STRINGS },
  { "RegexFullMatch", 20, NULL, 0, NO_STRINGS },
  { NULL },
};
