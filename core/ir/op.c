/* SPDX-License-Identifier: Apache-2.0 */
/* The op table: the families' rows as one list, by index and by name. */
#include "core/ir/op.h"

#include <string.h>

static const SfOp *const families[] = {
  sf_ops_elementwise, sf_ops_reduce, sf_ops_movement,   sf_ops_contraction,
  sf_ops_window,      sf_ops_pool,   sf_ops_index,      sf_ops_counted,
  sf_ops_norm,        sf_ops_loss,   sf_ops_collective,
};

typedef struct
{
  GPtrArray *rows;
  GHashTable *by_name;
} Table;

/* Built once from constant rows and never changed. */
static const Table *
table_get (void)
{
  static Table *table = NULL;
  if (g_once_init_enter (&table))
    {
      Table *t = g_new (Table, 1);
      t->rows = g_ptr_array_new ();
      t->by_name = g_hash_table_new (g_str_hash, g_str_equal);
      for (size_t f = 0; f < G_N_ELEMENTS (families); f++)
        for (const SfOp *op = families[f]; op->name != NULL; op++)
          {
            g_ptr_array_add (t->rows, (gpointer) op);
            g_hash_table_insert (t->by_name, (gpointer) op->name, (gpointer) op);
          }
      g_once_init_leave (&table, t);
    }
  return table;
}

const SfOp *
sf_op_find (const char *name, GError **error)
{
  const Table *table = table_get ();
  const SfOp *op = g_hash_table_lookup (table->by_name, name);
  if (op != NULL)
    return op;
  g_autofree const char **names = g_new (const char *, table->rows->len);
  for (guint i = 0; i < table->rows->len; i++)
    names[i] = ((const SfOp *) table->rows->pdata[i])->name;
  const char *nearest = sf_nearest_word (name, names, table->rows->len);
  if (nearest != NULL)
    sf_fail (error, SF_ERROR_NOT_FOUND, "op '%s': not in the op table; did you mean '%s'?", name,
             nearest);
  else
    sf_fail (error, SF_ERROR_NOT_FOUND,
             "op '%s': not in the op table; docs/ops.md lists the %u ops there are", name,
             table->rows->len);
  return NULL;
}

size_t
sf_op_count (void)
{
  return table_get ()->rows->len;
}

const SfOp *
sf_op_at (size_t index)
{
  const Table *table = table_get ();
  return index < table->rows->len ? table->rows->pdata[index] : NULL;
}

const char *
sf_op_name (const SfOp *op)
{
  return op->name;
}

int
sf_op_version (const SfOp *op)
{
  return op->version;
}

SfOpClass
sf_op_class (const SfOp *op)
{
  return op->op_class;
}

int
sf_op_min_inputs (const SfOp *op)
{
  return op->min_inputs;
}

int
sf_op_max_inputs (const SfOp *op)
{
  return op->max_inputs;
}

int
sf_op_n_outputs (const SfOp *op)
{
  return op->n_outputs;
}

bool
sf_op_has_gradient (const SfOp *op)
{
  return op->gradient != NULL;
}

bool
sf_op_has_decomposition (const SfOp *op)
{
  return op->decompose != NULL;
}

const char *
sf_op_summary (const SfOp *op)
{
  return op->summary;
}

size_t
sf_op_n_attrs (const SfOp *op)
{
  size_t n = 0;
  if (op->attrs != NULL)
    while (op->attrs[n].name != NULL)
      n++;
  return n;
}

bool
sf_op_attr (const SfOp *op, size_t index, const char **name, SfAttrType *type, const char **def)
{
  if (index >= sf_op_n_attrs (op))
    return false;
  *name = op->attrs[index].name;
  *type = op->attrs[index].type;
  *def = op->attrs[index].def;
  return true;
}
