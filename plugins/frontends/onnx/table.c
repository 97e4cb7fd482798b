/* SPDX-License-Identifier: Apache-2.0 */
/* The lowering table: the families, and the row that holds for an operator of an opset. */
#include <string.h>

#include "plugins/frontends/onnx/scope.h"

/* One line a family. */
/* clang-format off */
static const OnnxRow *const families[] = {
  onnx_rows_activation,
  onnx_rows_contraction,
  onnx_rows_control,
  onnx_rows_conv,
  onnx_rows_elementwise,
  onnx_rows_generate,
  onnx_rows_index,
  onnx_rows_loss,
  onnx_rows_movement,
  onnx_rows_norm,
  onnx_rows_pool,
  onnx_rows_quantise,
  onnx_rows_recurrent,
  onnx_rows_reduce,
  onnx_rows_resize,
  onnx_rows_select,
  onnx_rows_sequence,
  onnx_rows_shape,
  onnx_rows_signal,
  onnx_rows_train,
};
/* clang-format on */

static const char *
domain_of (const OnnxRow *row)
{
  return row->domain != NULL ? row->domain : "";
}

/* All names of a domain, for the nearest one. */
static const char *
nearest (const char *domain, const char *op)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  for (size_t f = 0; f < G_N_ELEMENTS (families); f++)
    for (const OnnxRow *row = families[f]; row->op != NULL; row++)
      if (strcmp (domain_of (row), domain) == 0)
        g_ptr_array_add (names, (gpointer) row->op);
  return sf_nearest_word (op, (const char *const *) names->pdata, names->len);
}

static void
unknown_op (const char *domain, const char *op, GError **error)
{
  if (*domain != '\0' && strcmp (domain, "ai.onnx.preview.training") != 0)
    {
      sf_fail (error, SF_ERROR_UNSUPPORTED,
               "domain %s, wanted ai.onnx or a function that the model defines; export with "
               "standard operators alone",
               domain);
      return;
    }
  const char *near = nearest (domain, op);
  sf_fail (error, SF_ERROR_UNSUPPORTED,
           "unknown operator%s%s; docs/onnx.md lists what there is, export with another opset or "
           "write it as a function of the model",
           near != NULL ? ", the nearest is " : "", near != NULL ? near : "");
}

/* Whether the version of the standard operators is one that the rows cover. An operator that has
 * kept its meaning since an older one has a row that says so. */
static bool
check_opset (const char *domain, int opset, bool has_row, GError **error)
{
  if (*domain != '\0')
    return true;
  if (opset == 0)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "the model imports no opset of ai.onnx, wanted one of %d .. %d; export again",
                    ONNX_MIN_OPSET, ONNX_MAX_OPSET);
  if ((opset >= ONNX_MIN_OPSET || has_row) && opset <= ONNX_MAX_OPSET)
    return true;
  return sf_fail (error, SF_ERROR_UNSUPPORTED,
                  "opset %d, wanted %d .. %d; export with one of these, or convert the model with "
                  "onnx.version_converter",
                  opset, ONNX_MIN_OPSET, ONNX_MAX_OPSET);
}

const OnnxRow *
onnx_table_find (const char *domain, const char *op, int opset, GError **error)
{
  const OnnxRow *best = NULL, *first = NULL;
  for (size_t f = 0; f < G_N_ELEMENTS (families); f++)
    for (const OnnxRow *row = families[f]; row->op != NULL; row++)
      {
        if (strcmp (row->op, op) != 0 || strcmp (domain_of (row), domain) != 0)
          continue;
        if (first == NULL || row->since < first->since)
          first = row;
        if (row->since <= opset && (best == NULL || row->since > best->since))
          best = row;
      }
  if (!check_opset (domain, opset, best != NULL, error))
    return NULL;
  if (first == NULL)
    unknown_op (domain, op, error);
  else if (best == NULL)
    sf_fail (error, SF_ERROR_UNSUPPORTED,
             "the operator came with opset %d; export with that opset or a later one",
             first->since);
  else if (best->lower == NULL)
    {
      sf_fail (error, SF_ERROR_UNSUPPORTED, "not supported: %s",
               best->note != NULL ? best->note : "it has no bounded form here");
      best = NULL;
    }
  return best;
}

static gint
compare_rows (gconstpointer a, gconstpointer b)
{
  const OnnxRow *x = *(const OnnxRow *const *) a, *y = *(const OnnxRow *const *) b;
  int by_domain = strcmp (domain_of (x), domain_of (y)), by_op = strcmp (x->op, y->op);
  return by_domain != 0 ? by_domain : by_op != 0 ? by_op : x->since - y->since;
}

GPtrArray *
onnx_table_rows (void)
{
  GPtrArray *rows = g_ptr_array_new ();
  for (size_t f = 0; f < G_N_ELEMENTS (families); f++)
    for (const OnnxRow *row = families[f]; row->op != NULL; row++)
      g_ptr_array_add (rows, (gpointer) row);
  g_ptr_array_sort (rows, compare_rows);
  return rows;
}
