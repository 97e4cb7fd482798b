/* SPDX-License-Identifier: Apache-2.0 */
/* Tile kernels that move elements or make them: copy, fill, iota, uniform. */
#include <string.h>

#include <sf/rng.h>

#include "plugins/backends/rdu/kernels_view.h"

/* The bits of a constant in the type of `view`. */
static int32_t
bits_of (const RduView *view, double value)
{
  int32_t bits = view->dtype == SF_BOOL ? value != 0 : 0;
  float f = (float) value;
  if (!view->is_int)
    memcpy (&bits, &f, 4);
  else if (view->dtype != SF_BOOL)
    bits = (int32_t) value;
  return bits;
}

static void
copy_row (int32_t *to, int64_t s_to, const int32_t *from, int64_t s_from, int64_t n)
{
  if (s_to == 1 && s_from == 1)
    memcpy (to, from, (size_t) n * 4);
  else if (s_to == 1)
    for (int64_t i = 0; i < n; i++)
      to[i] = from[i * s_from];
  else
    for (int64_t i = 0; i < n; i++)
      to[i * s_to] = from[i * s_from];
}

static void
fill_view (const RduView *view, int32_t bits)
{
  RduWalk walk;
  if (!rdu_walk_begin (&walk, &view, 1))
    return;
  int64_t n = rdu_walk_row (&walk), stride = rdu_walk_stride (&walk, 0);
  do
    for (int64_t i = 0; i < n; i++)
      walk.at[0][i * stride] = bits;
  while (rdu_walk_next (&walk));
}

/* x with its dimensions in the order of y, so that both can be walked in step. */
static RduView
permuted (const RduView *x, const RduView *y, const int64_t *perm)
{
  RduView view = *x;
  view.rank = y->rank;
  for (int d = 0; d < y->rank; d++)
    {
      int from = (int) perm[d];
      view.n[d] = x->n[from];
      view.stride[d] = x->stride[from];
      view.valid_lo[d] = x->valid_lo[from];
      view.valid_hi[d] = x->valid_hi[from];
    }
  return view;
}

static void
copy (const RduCall *call)
{
  RduView to = *call->dst[0], from = permuted (call->src[0], &to, call->imm);
  bool is_padded = false, is_empty = false;
  for (int d = 0; d < to.rank; d++)
    {
      bool repeats = from.n[d] == 1 && to.n[d] != 1;
      int64_t lo = repeats ? 0 : from.valid_lo[d], hi = repeats ? to.n[d] : from.valid_hi[d];
      if (repeats && from.valid_lo[d] >= from.valid_hi[d])
        hi = lo;
      is_padded |= lo > 0 || hi < to.n[d];
      is_empty |= lo >= hi;
    }
  if (is_padded)
    fill_view (&to, bits_of (&to, call->fimm[0]));
  if (is_empty)
    return;
  for (int d = 0; d < to.rank; d++)
    if (from.n[d] != 1 || to.n[d] == 1)
      {
        to.data = (int32_t *) to.data + from.valid_lo[d] * to.stride[d];
        from.data = (int32_t *) from.data + from.valid_lo[d] * from.stride[d];
        to.n[d] = from.n[d] = from.valid_hi[d] - from.valid_lo[d];
      }
  const RduView *views[] = { &to, &from };
  RduWalk walk;
  if (!rdu_walk_begin (&walk, views, 2))
    return;
  do
    copy_row (walk.at[0], rdu_walk_stride (&walk, 0), walk.at[1], rdu_walk_stride (&walk, 1),
              rdu_walk_row (&walk));
  while (rdu_walk_next (&walk));
}

static void
fill (const RduCall *call)
{
  fill_view (call->dst[0], bits_of (call->dst[0], call->fimm[0]));
}

/* Calls `set` for each element of a box with its index in every dimension. */
typedef void (*SetFunc) (void *user_data, const RduView *view, const int64_t *index, void *at);

static void
each_element (const RduView *view, SetFunc set, void *user_data)
{
  int64_t index[SF_MAX_RANK] = { 0 }, n = rdu_view_n_elems (view);
  for (int64_t i = 0; i < n; i++)
    {
      int32_t *at = view->data;
      for (int d = 0; d < view->rank; d++)
        at += index[d] * view->stride[d];
      set (user_data, view, index, at);
      for (int d = view->rank - 1; d >= 0; d--)
        {
          if (++index[d] < view->n[d])
            break;
          index[d] = 0;
        }
    }
}

static void
set_index (void *user_data, const RduView *view, const int64_t *index, void *at)
{
  int axis = *(const int *) user_data;
  int64_t value = view->lo[axis] + index[axis] * view->step[axis];
  if (view->is_int)
    *(int32_t *) at = (int32_t) value;
  else
    *(float *) at = (float) value;
}

static void
iota (const RduCall *call)
{
  int axis = (int) call->imm[0];
  each_element (call->dst[0], set_index, &axis);
}

/* Random words come in blocks of four. */
typedef struct
{
  SfRng rng;
  uint64_t block;
  uint32_t words[4];
} Generator;

static void
set_uniform (void *user_data, const RduView *view, const int64_t *index, void *at)
{
  Generator *generator = user_data;
  uint64_t element = 0;
  for (int d = 0; d < view->rank; d++)
    element = element * (uint64_t) view->dim[d]
              + (uint64_t) (view->lo[d] + index[d] * view->step[d]);
  if (element / 4 != generator->block)
    {
      generator->block = element / 4;
      sf_philox (&generator->rng, generator->block, generator->words);
    }
  *(float *) at = (float) (generator->words[element % 4] >> 8) * 0x1p-24f;
}

static void
uniform (const RduCall *call)
{
  const RduView *rng = call->src[0];
  const uint32_t *word = rng->data;
  int64_t stride = rng->stride[rng->rank - 1];
  Generator generator = { .rng = { .seed = (uint64_t) word[stride] << 32 | word[0],
                                   .stream = (uint32_t) call->imm[0],
                                   .step = word[2 * stride] },
                          .block = UINT64_MAX };
  each_element (call->dst[0], set_uniform, &generator);
}

const RduKernel RDU_SYMBOL (rdu_move_kernels)[] = {
  { "copy", 1, copy },       { "fill", 1, fill }, { "iota", 1, iota },
  { "uniform", 1, uniform }, { NULL, 0, NULL },
};
