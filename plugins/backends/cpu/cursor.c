/* SPDX-License-Identifier: Apache-2.0 */
/* Row-major walks over strided operands. */
#include "kernel.h"

void
cpu_cursor_init (CpuCursor *cursor, const SfShape *shape)
{
  *cursor = (CpuCursor){ .rank = MAX (shape->rank, 1), .dim = { 1 } };
  for (int d = 0; d < shape->rank; d++)
    cursor->dim[d] = shape->dim[d];
}

void
cpu_cursor_add (CpuCursor *cursor, const int64_t strides[SF_MAX_RANK])
{
  int k = cursor->n_operands++;
  for (int d = 0; d < cursor->rank; d++)
    cursor->stride[k][d] = cursor->dim[d] == 1 ? 0 : strides[d];
  cursor->inner[k] = cursor->stride[k][cursor->rank - 1];
}

static bool
joins (const CpuCursor *cursor, int outer, int inner)
{
  if (cursor->dim[outer] == 1 || cursor->dim[inner] == 1)
    return true;
  for (int k = 0; k < cursor->n_operands; k++)
    if (cursor->stride[k][outer] != cursor->stride[k][inner] * cursor->dim[inner])
      return false;
  return true;
}

void
cpu_cursor_collapse (CpuCursor *cursor)
{
  int last = 0;
  for (int d = 1; d < cursor->rank; d++)
    {
      bool join = joins (cursor, last, d);
      bool keep_outer = join && cursor->dim[d] == 1;
      int64_t dim = join ? cursor->dim[last] * cursor->dim[d] : cursor->dim[d];
      last += join ? 0 : 1;
      cursor->dim[last] = dim;
      for (int k = 0; k < cursor->n_operands && !keep_outer; k++)
        cursor->stride[k][last] = cursor->stride[k][d];
    }
  cursor->rank = last + 1;
  for (int k = 0; k < cursor->n_operands; k++)
    cursor->inner[k] = cursor->stride[k][last];
}

void
cpu_cursor_seek (CpuCursor *cursor, int64_t element)
{
  memset (cursor->offset, 0, sizeof cursor->offset);
  for (int d = cursor->rank - 1; d >= 0; d--)
    {
      cursor->index[d] = element % cursor->dim[d];
      element /= cursor->dim[d];
      for (int k = 0; k < cursor->n_operands; k++)
        cursor->offset[k] += cursor->index[d] * cursor->stride[k][d];
    }
}

int64_t
cpu_cursor_run (const CpuCursor *cursor)
{
  return cursor->dim[cursor->rank - 1] - cursor->index[cursor->rank - 1];
}

void
cpu_cursor_advance (CpuCursor *cursor, int64_t n)
{
  int d = cursor->rank - 1;
  cursor->index[d] += n;
  for (int k = 0; k < cursor->n_operands; k++)
    cursor->offset[k] += n * cursor->inner[k];
  while (d > 0 && cursor->index[d] == cursor->dim[d])
    {
      cursor->index[d] = 0;
      cursor->index[d - 1]++;
      for (int k = 0; k < cursor->n_operands; k++)
        cursor->offset[k] += cursor->stride[k][d - 1] - cursor->dim[d] * cursor->stride[k][d];
      d--;
    }
}

typedef struct
{
  CpuCursor cursor; /* operand 0 is read, 1 written */
  const char *src;
  char *dst;
} BoxCopy;

static void
copy_box (void *data, int worker, int64_t begin, int64_t end)
{
  const BoxCopy *copy = data;
  CpuCursor cursor = copy->cursor;
  cpu_cursor_seek (&cursor, begin);
  while (begin < end)
    {
      int64_t n = MIN (cpu_cursor_run (&cursor), end - begin);
      const char *src = copy->src + 8 * cursor.offset[0];
      char *dst = copy->dst + 8 * cursor.offset[1];
      if (cursor.inner[0] == 1 && cursor.inner[1] == 1)
        memcpy (dst, src, 8 * (size_t) n);
      else
        for (int64_t i = 0; i < n; i++)
          memcpy (dst + 8 * i * cursor.inner[1], src + 8 * i * cursor.inner[0], 8);
      begin += n;
      cpu_cursor_advance (&cursor, n);
    }
}

void
cpu_copy_box (CpuWorkers *workers, const SfShape *box, const void *src, int64_t from_base,
              const int64_t from[SF_MAX_RANK], void *dst, int64_t to_base,
              const int64_t to[SF_MAX_RANK])
{
  BoxCopy copy = { .src = (const char *) src + 8 * from_base, .dst = (char *) dst + 8 * to_base };
  cpu_cursor_init (&copy.cursor, box);
  cpu_cursor_add (&copy.cursor, from);
  cpu_cursor_add (&copy.cursor, to);
  cpu_cursor_collapse (&copy.cursor);
  cpu_parallel (workers, sf_shape_n_elems (box), 2, copy_box, &copy);
}
