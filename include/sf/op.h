/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked of the op table: name, version, class, arity, attributes. docs/ops.md has the
 * meaning of each op. */
#ifndef SF_OP_H
#define SF_OP_H

#include <sf/dtype.h>
#include <sf/shape.h>

SF_BEGIN_DECLS

typedef enum
{
  SF_ATTR_INT,
  SF_ATTR_FLOAT,
  SF_ATTR_BOOL,
  SF_ATTR_DTYPE,
  SF_ATTR_STRING,
  SF_ATTR_INTS,
} SfAttrType;

/* An attribute to be set on a node. Names and arrays are copied by the graph. */
typedef struct
{
  const char *name;
  SfAttrType type;
  int64_t i;           /* INT, BOOL, DTYPE */
  double f;            /* FLOAT */
  const char *s;       /* STRING */
  const int64_t *ints; /* INTS */
  size_t n_ints;
} SfAttr;

#define SF_ATTR_I(name_, value_) ((SfAttr){ .name = (name_), .type = SF_ATTR_INT, .i = (value_) })
#define SF_ATTR_F(name_, value_) ((SfAttr){ .name = (name_), .type = SF_ATTR_FLOAT, .f = (value_) })
#define SF_ATTR_B(name_, value_) ((SfAttr){ .name = (name_), .type = SF_ATTR_BOOL, .i = (value_) })
#define SF_ATTR_D(name_, value_) ((SfAttr){ .name = (name_), .type = SF_ATTR_DTYPE, .i = (value_) })
#define SF_ATTR_S(name_, value_) \
  ((SfAttr){ .name = (name_), .type = SF_ATTR_STRING, .s = (value_) })
#define SF_ATTR_IS(name_, ints_, n_) \
  ((SfAttr){ .name = (name_), .type = SF_ATTR_INTS, .ints = (ints_), .n_ints = (n_) })

typedef enum
{
  SF_OP_UNARY,   /* elementwise, one input */
  SF_OP_BINARY,  /* elementwise, NumPy broadcasting */
  SF_OP_TERNARY, /* select */
  SF_OP_REDUCE,
  SF_OP_MOVEMENT,
  SF_OP_CONTRACTION,
  SF_OP_WINDOW,
  SF_OP_INDEX,      /* gather, scatter_add */
  SF_OP_SOURCE,     /* no tensor input: iota, rng_uniform */
  SF_OP_COMPOSITE,  /* has a decomposition */
  SF_OP_COLLECTIVE, /* rows only; refused until something implements them */
} SfOpClass;

/* A row of the op table; constant, never freed. */
typedef struct SfOp SfOp;

SF_API const SfOp *sf_op_find (const char *name,
                               GError **error); /* unknown: NOT_FOUND with the nearest name */
SF_API size_t sf_op_count (void);
SF_API const SfOp *sf_op_at (size_t index);
SF_API const char *sf_op_name (const SfOp *op);
SF_API int sf_op_version (const SfOp *op);
SF_API SfOpClass sf_op_class (const SfOp *op);
SF_API int sf_op_min_inputs (const SfOp *op);
SF_API int sf_op_max_inputs (const SfOp *op);
SF_API int sf_op_n_outputs (const SfOp *op);
SF_API bool sf_op_has_gradient (const SfOp *op);
SF_API bool sf_op_has_decomposition (const SfOp *op);
SF_API const char *sf_op_summary (const SfOp *op);
/* Attribute `index` of the row: name, type, default as text or NULL when required; false past the
 * last one. */
SF_API bool sf_op_attr (const SfOp *op, size_t index, const char **name, SfAttrType *type,
                        const char **def);

SF_END_DECLS
#endif
