/* SPDX-License-Identifier: Apache-2.0 */
/* How elementwise kernels are written: one expression per element, from which the loops over runs
 * are made that the compiler vectorises. Operations may work in place, so no element is touched
 * before its turn. */
#ifndef SF_RDU_KERNELS_ROWS_H
#define SF_RDU_KERNELS_ROWS_H

#include "plugins/backends/rdu/kernels.h"

#define RDU_LOOP(n) _Pragma ("GCC ivdep") for (int64_t i = 0; i < (n); i++)

/* y = expr of `v`. */
#define RDU_UNARY_ROW(func, type_in, type_out, expr) \
  static void func (const RduRow *row)               \
  {                                                  \
    type_out *y = row->y;                            \
    const type_in *x = row->src[0];                  \
    if (row->repeats == 0)                           \
      RDU_LOOP (row->n)                              \
      {                                              \
        type_in v = x[i];                            \
        y[i] = (type_out) (expr);                    \
      }                                              \
    else                                             \
      {                                              \
        type_in v = x[0];                            \
        type_out all = (type_out) (expr);            \
        RDU_LOOP (row->n) y[i] = all;                \
      }                                              \
  }

/* y = expr of `va` and `vb`. */
#define RDU_BINARY_ROW(func, type_in, type_out, expr) \
  static void func (const RduRow *row)                \
  {                                                   \
    type_out *y = row->y;                             \
    const type_in *a = row->src[0], *b = row->src[1]; \
    if (row->repeats == 0)                            \
      RDU_LOOP (row->n)                               \
      {                                               \
        type_in va = a[i], vb = b[i];                 \
        y[i] = (type_out) (expr);                     \
      }                                               \
    else if (row->repeats == 1)                       \
      {                                               \
        type_in va = a[0];                            \
        RDU_LOOP (row->n)                             \
        {                                             \
          type_in vb = b[i];                          \
          y[i] = (type_out) (expr);                   \
        }                                             \
      }                                               \
    else if (row->repeats == 2)                       \
      {                                               \
        type_in vb = b[0];                            \
        RDU_LOOP (row->n)                             \
        {                                             \
          type_in va = a[i];                          \
          y[i] = (type_out) (expr);                   \
        }                                             \
      }                                               \
    else                                              \
      {                                               \
        type_in va = a[0], vb = b[0];                 \
        type_out all = (type_out) (expr);             \
        RDU_LOOP (row->n) y[i] = all;                 \
      }                                               \
  }

/* The kernel of an elementwise operation, and its rows for f32 and for i32 operands. */
#define RDU_MAP(func, float_row, int_row)                          \
  static const RduRowFunc func##_rows[2] = { float_row, int_row }; \
  static void func (const RduCall *call)                           \
  {                                                                \
    RDU_SYMBOL (rdu_map) (call, func##_rows);                      \
  }

#define RDU_MAP_KERNEL(op, func)     \
  {                                  \
    op, 1, func, .rows = func##_rows \
  }

#endif
