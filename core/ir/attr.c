/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes: the row's defaults and types applied to what a caller gave. */
#include "core/ir/op.h"

#include <math.h>
#include <string.h>

/* Bound of every entry of an integer list: one dimension cannot be larger. */
#define MAX_INT_ENTRY ((int64_t) 1 << 40)

const char *
sf_attr_type_name (SfAttrType type)
{
  static const char *const names[] = {
    [SF_ATTR_INT] = "int",     [SF_ATTR_FLOAT] = "float",   [SF_ATTR_BOOL] = "bool",
    [SF_ATTR_DTYPE] = "dtype", [SF_ATTR_STRING] = "string", [SF_ATTR_INTS] = "list of int",
  };
  return (unsigned) type < G_N_ELEMENTS (names) ? names[type] : "?";
}

static size_t
parse_ints (const char *text, int64_t *ints)
{
  size_t n = 0;
  while (*text != '\0' && n < SF_MAX_RANK)
    {
      char *end;
      ints[n++] = g_ascii_strtoll (text, &end, 10);
      text = *end == ',' ? end + 1 : end;
    }
  return n;
}

static void
set_default (const SfOpAttr *row, SfAttr *attr, int64_t *ints)
{
  SfDtype dtype = SF_F32;
  *attr = (SfAttr){ .name = row->name, .type = row->type };
  switch (row->type)
    {
    case SF_ATTR_INT:
      attr->i = g_ascii_strtoll (row->def, NULL, 10);
      break;
    case SF_ATTR_BOOL:
      attr->i = strcmp (row->def, "true") == 0;
      break;
    case SF_ATTR_DTYPE:
      sf_dtype_parse (row->def, &dtype, NULL);
      attr->i = (int64_t) dtype;
      break;
    case SF_ATTR_FLOAT:
      attr->f = g_ascii_strtod (row->def, NULL);
      break;
    case SF_ATTR_STRING:
      attr->s = row->def;
      break;
    case SF_ATTR_INTS:
      attr->ints = ints;
      attr->n_ints = parse_ints (row->def, ints);
      break;
    }
}

static bool
set_ints (const SfAttr *given, SfAttr *attr, int64_t *ints, GError **error)
{
  if (given->n_ints > SF_MAX_RANK)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "attribute %s has %zu entries, wanted at most %d", given->name, given->n_ints,
                    SF_MAX_RANK);
  for (size_t k = 0; k < given->n_ints; k++)
    {
      if (given->ints[k] > MAX_INT_ENTRY || given->ints[k] < -MAX_INT_ENTRY)
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "attribute %s entry %zu is %" G_GINT64_FORMAT ", wanted within 2^40",
                        given->name, k, given->ints[k]);
      ints[k] = given->ints[k];
    }
  attr->ints = ints;
  attr->n_ints = given->n_ints;
  return true;
}

/* Takes `given` for `row`; an int is taken where a float is wanted. */
static bool
set_given (const SfOpAttr *row, const SfAttr *given, SfAttr *attr, int64_t *ints, GError **error)
{
  bool int_for_float = row->type == SF_ATTR_FLOAT && given->type == SF_ATTR_INT;
  if (given->type != row->type && !int_for_float)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "attribute %s is of type %s, wanted %s",
                    row->name, sf_attr_type_name (given->type), sf_attr_type_name (row->type));
  *attr = (SfAttr){ .name = row->name, .type = row->type, .i = given->i };
  switch (row->type)
    {
    case SF_ATTR_DTYPE:
      if (given->i < 0 || given->i >= SF_N_DTYPES)
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "attribute %s is %" G_GINT64_FORMAT ", wanted a dtype", row->name,
                        given->i);
      return true;
    case SF_ATTR_BOOL:
      attr->i = given->i != 0;
      return true;
    case SF_ATTR_FLOAT:
      attr->i = 0;
      attr->f = int_for_float ? (double) given->i : given->f;
      return true;
    case SF_ATTR_STRING:
      attr->i = 0;
      attr->s = given->s != NULL ? given->s : "";
      return true;
    case SF_ATTR_INTS:
      attr->i = 0;
      return set_ints (given, attr, ints, error);
    default:
      return true;
    }
}

static bool
unknown_attr (const SfOp *op, const char *name, GError **error)
{
  const char *known[SF_MAX_ATTRS];
  size_t n = sf_op_n_attrs (op);
  for (size_t i = 0; i < n; i++)
    known[i] = op->attrs[i].name;
  const char *nearest = n > 0 ? sf_nearest_word (name, known, n) : NULL;
  if (nearest != NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "attribute '%s' is not known; did you mean '%s'?", name, nearest);
  g_autoptr (GString) list = g_string_new (n > 0 ? NULL : " none");
  for (size_t i = 0; i < n; i++)
    g_string_append_printf (list, " %s", known[i]);
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "attribute '%s' is not known, wanted one of:%s",
                  name, list->str);
}

bool
sf_op_complete_attrs (const SfOp *op, const SfAttr *given, size_t n_given, SfAttr *attrs,
                      int64_t (*ints)[SF_MAX_RANK], size_t *n_attrs, GError **error)
{
  const SfAttr *by_row[SF_MAX_ATTRS] = { NULL };
  size_t n = sf_op_n_attrs (op);
  for (size_t g = 0; g < n_given; g++)
    {
      size_t i = 0;
      while (i < n && strcmp (op->attrs[i].name, given[g].name) != 0)
        i++;
      if (i == n)
        return unknown_attr (op, given[g].name, error);
      if (by_row[i] != NULL)
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "attribute %s is given twice; give it once", given[g].name);
      by_row[i] = &given[g];
    }
  for (size_t i = 0; i < n; i++)
    {
      if (by_row[i] != NULL)
        {
          if (!set_given (&op->attrs[i], by_row[i], &attrs[i], ints[i], error))
            return false;
        }
      else if (op->attrs[i].def != NULL)
        set_default (&op->attrs[i], &attrs[i], ints[i]);
      else
        return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                        "attribute %s is missing, wanted one of type %s; set it", op->attrs[i].name,
                        sf_attr_type_name (op->attrs[i].type));
    }
  *n_attrs = n;
  return true;
}

bool
sf_op_attr_is_default (const SfOp *op, size_t index, const SfAttr *attr)
{
  const SfOpAttr *row = &op->attrs[index];
  int64_t ints[SF_MAX_RANK];
  SfAttr def;
  if (row->def == NULL)
    return false;
  set_default (row, &def, ints);
  switch (row->type)
    {
    case SF_ATTR_FLOAT:
      return def.f == attr->f || (isnan (def.f) && isnan (attr->f));
    case SF_ATTR_STRING:
      return strcmp (def.s, attr->s) == 0;
    case SF_ATTR_INTS:
      return def.n_ints == attr->n_ints
             && (def.n_ints == 0 || memcmp (def.ints, attr->ints, def.n_ints * 8) == 0);
    default:
      return def.i == attr->i;
    }
}
