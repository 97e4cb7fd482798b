/* SPDX-License-Identifier: Apache-2.0 */
/* Groups that pass over a large box together, a piece of it at a time: a fused program, and sums of
 * what it makes, which find it in cache. What nobody reads afterwards needs no more memory than a
 * piece. Sums of a piece go on in f64 from those of the pieces before, in the order that they have
 * over the whole box: where it is cut changes no bit. */
#include <string.h>

#include "plugins/backends/rdu/kernels_view.h"
#include "plugins/backends/rdu/machine.h"

enum
{
  PIECE_ELEMS = 8192, /* of each operand of the box, so that several are in second level cache */
  MOST_ELEMS = 65536, /* if it has to be as many */
  LEAST_PIECES = 4,   /* of a box that is worth cutting */
  MAX_SUMS = 8,       /* that pass over a box */
};

/* ---- which groups ---- */

bool
rdu_group_reads (const RduGroup *group, uint32_t operand)
{
  for (int k = 0; group->instr != NULL && k < group->instr->n_src; k++)
    if (group->instr->src[k] == operand)
      return true;
  for (int s = 0; group->fused != NULL && s < group->fused->n_slots; s++)
    if (group->fused->slots[s].kind == RDU_SLOT_READ && group->fused->slots[s].view == operand)
      return true;
  return false;
}

bool
rdu_group_writes (const RduGroup *group, uint32_t operand)
{
  for (int k = 0; group->instr != NULL && k < group->instr->n_dst; k++)
    if (group->instr->dst[k] == operand)
      return true;
  for (int s = 0; group->fused != NULL && s < group->fused->n_slots; s++)
    if (group->fused->slots[s].kind == RDU_SLOT_WRITTEN && group->fused->slots[s].view == operand)
      return true;
  return false;
}

static bool
touches (const RduGroup *group, uint32_t operand)
{
  return rdu_group_reads (group, operand) || rdu_group_writes (group, operand);
}

static bool
is_sum (const RduGroup *group)
{
  return group->instr != NULL && strcmp (group->instr->op, "reduce_sum") == 0;
}

/* Two names of one place in memory. */
static bool
same_memory (const RduStage *stage, uint32_t a, uint32_t b)
{
  const RduOperand *x = &stage->operands[a], *y = &stage->operands[b];
  return a != b && x->kind != SF_OPERAND_TEMP && y->kind != SF_OPERAND_TEMP
         && x->buffer == y->buffer;
}

/* Whether one of two groups writes what the other one touches; by_other_names: under another name
 * of the same memory only. */
static bool
meet (const RduStage *stage, const RduGroup *a, const RduGroup *b, bool by_other_names)
{
  for (uint32_t o = 0; o < stage->n_operands; o++)
    {
      bool a_writes = rdu_group_writes (a, o), b_writes = rdu_group_writes (b, o);
      if (!by_other_names && ((a_writes && touches (b, o)) || (b_writes && touches (a, o))))
        return true;
      for (uint32_t p = 0; (a_writes || b_writes) && p < stage->n_operands; p++)
        if (same_memory (stage, o, p)
            && ((a_writes && touches (b, p)) || (b_writes && touches (a, p))))
          return true;
    }
  return false;
}

/* Sums move up to what they read, as far as nothing in between is in their way. */
static void
move_sums (RduStage *stage)
{
  for (size_t g = 1; g < stage->n_groups; g++)
    {
      RduGroup group = stage->groups[g];
      size_t to = g;
      while (is_sum (&group) && to > 0 && !meet (stage, &group, &stage->groups[to - 1], false))
        to--;
      for (size_t i = g; i > to; i--)
        stage->groups[i] = stage->groups[i - 1];
      stage->groups[to] = group;
    }
}

static bool
same_box (const RduOperand *a, const RduOperand *b)
{
  bool same = a->rank == b->rank;
  for (int d = 0; d < a->rank && same; d++)
    same = a->access[d].size == b->access[d].size
           && memcmp (a->shrink[d], b->shrink[d], sizeof a->shrink[d]) == 0;
  return same;
}

/* Whether a group goes with those from `first` to the one before it: a sum of their box. */
static bool
goes_with (const RduStage *stage, size_t first, size_t g)
{
  const RduGroup *head = &stage->groups[first], *group = &stage->groups[g];
  const RduOperand *box = &stage->operands[head->fused->box];
  if (!is_sum (group) || group->on_last != head->on_last || g - first > MAX_SUMS
      || stage->operands[group->instr->src[0]].is_int
      || !same_box (&stage->operands[group->instr->src[0]], box)
      || (g > first + 1 && group->instr->sums != stage->groups[first + 1].instr->sums)
      || meet (stage, head, group, true) || touches (head, group->instr->dst[0]))
    return false;
  for (size_t i = first + 1; i < g; i++)
    if (meet (stage, &stage->groups[i], group, false))
      return false;
  return true;
}

/* Scratch of the box that is written and read by these groups only. */
static void
find_passing (RduStage *stage, size_t first, size_t n)
{
  const RduGroup *head = &stage->groups[first];
  for (uint32_t o = 0; o < stage->n_operands; o++)
    {
      RduOperand *operand = &stage->operands[o];
      bool passes = operand->kind == SF_OPERAND_TEMP && rdu_group_writes (head, o)
                    && same_box (operand, &stage->operands[head->fused->box]);
      for (size_t g = 0; g < stage->n_groups && passes; g++)
        passes = (g >= first && g < first + n) || !touches (&stage->groups[g], o);
      operand->passes |= passes; /* these, or groups before them */
    }
}

void
rdu_stage_find_pieces (RduStage *stage)
{
  move_sums (stage);
  for (size_t g = 0; g < stage->n_groups; g += stage->groups[g].n_together)
    {
      size_t n = 1;
      while (stage->groups[g].fused != NULL && g + n < stage->n_groups
             && goes_with (stage, g, g + n))
        n++;
      stage->groups[g].n_together = n;
      if (n > 1)
        find_passing (stage, g, n);
    }
}

/* ---- pieces of a firing ---- */

typedef struct
{
  const RduStage *stage;
  const RduGroup *groups;
  size_t n_groups;
  uint64_t wanted;
  bool first;
  const RduView *views; /* of the whole firing */
  int dim[2];           /* of the box that are cut, the outermost in memory first, */
  int64_t step[2];      /* into so many elements */
  double sums[MAX_SUMS][RDU_CARRIED];
} Pieces;

/* Whether results lie innermost in the source's memory, few enough, and all else is added up, along
 * dimensions in this order. */
static bool
is_in_order (const RduGroup *group, const RduView *views, const int *order, int n_dims)
{
  const RduView *source = &views[group->instr->src[0]];
  int own[SF_MAX_RANK], last = order[n_dims - 1];
  int64_t axes = group->instr->imm[0];
  bool good = rdu_order_dims (source, own) == n_dims && source->stride[last] == 1
              && source->n[last] <= RDU_CARRIED;
  for (int i = 0; i < n_dims && good; i++)
    good = own[i] == order[i] && (axes >> order[i] & 1) == (i < n_dims - 1);
  return good;
}

/* `n` or a little more, as makes so many times `rows` a multiple of RDU_SUMMED_ROWS. */
static int64_t
whole_groups (int64_t n, int64_t rows)
{
  while (n * rows % RDU_SUMMED_ROWS != 0)
    n++;
  return n;
}

/* How the box is cut; false: it is not. Sums are made of RDU_SUMMED_ROWS rows of results at a
 * time: a piece has as many, or a multiple. */
static bool
find_cuts (Pieces *pieces)
{
  const RduView *box = &pieces->views[pieces->groups->fused->box];
  int order[SF_MAX_RANK], n_dims = rdu_order_dims (box, order);
  if (n_dims < 2)
    return false;
  for (size_t g = 1; g < pieces->n_groups; g++)
    if (!is_in_order (&pieces->groups[g], pieces->views, order, n_dims))
      return false;
  bool has_inner = n_dims > 2;
  int64_t columns = box->n[order[n_dims - 1]], outer = box->n[order[0]];
  int64_t inner = has_inner ? box->n[order[1]] : 1;
  int64_t rows = rdu_view_n_elems (box) / columns, inner_rows = rows / outer / inner;
  int64_t most = MAX (PIECE_ELEMS / columns, 1), image = inner * inner_rows;
  pieces->dim[0] = order[0];
  pieces->dim[1] = order[1];
  pieces->step[0] = MAX (most / image, 1);
  pieces->step[1] = has_inner ? inner : columns;
  if (image > most && image % RDU_SUMMED_ROWS == 0)
    pieces->step[1] = whole_groups (MAX (most / inner_rows, 1), inner_rows);
  else
    pieces->step[0] = whole_groups (pieces->step[0], image);
  return pieces->step[0] * image * columns <= MOST_ELEMS || pieces->step[1] < inner;
}

/* A view's part along dimension `dim` of the box; one that repeats, or passes, stays where it is.
 */
static void
cut (const RduOperand *operand, RduView *view, const RduView *box, int dim, int64_t begin,
     int64_t end)
{
  int own = dim - (box->rank - view->rank);
  if (own < 0 || view->n[own] != box->n[dim])
    return;
  if (!operand->passes)
    view->data = (int32_t *) view->data + begin * view->stride[own];
  view->lo[own] += begin * view->step[own];
  view->n[own] = end - begin;
  view->valid_lo[own] = CLAMP (view->valid_lo[own] - begin, 0, end - begin);
  view->valid_hi[own] = CLAMP (view->valid_hi[own] - begin, 0, end - begin);
}

static void
run_piece (Pieces *pieces, const int64_t *begin, const int64_t *end, RduWorker *worker)
{
  const RduStage *stage = pieces->stage;
  const RduView *box = &pieces->views[pieces->groups->fused->box];
  RduView views[RDU_MAX_OPERANDS];
  bool is_first = true, is_last = true;
  for (int i = 0; i < 2; i++)
    {
      is_first = is_first && begin[i] == 0;
      is_last = is_last && end[i] == box->n[pieces->dim[i]];
    }
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      bool is_result = false;
      if (!stage->operands[o].is_seen)
        continue;
      views[o] = pieces->views[o];
      for (size_t g = 1; g < pieces->n_groups; g++)
        is_result |= pieces->groups[g].instr->dst[0] == o;
      for (int i = 0; i < 2 && !is_result; i++)
        cut (&stage->operands[o], &views[o], box, pieces->dim[i], begin[i], end[i]);
    }
  for (size_t g = 0; g < pieces->n_groups; g++)
    if ((pieces->groups[g].serves & pieces->wanted) != 0)
      {
        RduCarried carried = { .sums = g > 0 ? pieces->sums[g - 1] : NULL,
                               .goes_on = !is_first,
                               .is_left = !is_last };
        rdu_group_run (stage, &pieces->groups[g], views, pieces->first, g > 0 ? &carried : NULL,
                       worker);
      }
}

bool
rdu_pieces_run (const RduStage *stage, const RduGroup *groups, const RduView *views, bool first,
                uint64_t wanted, RduWorker *worker)
{
  const RduView *box = &views[groups->fused->box];
  if (rdu_view_n_elems (box) < LEAST_PIECES * PIECE_ELEMS)
    return false;
  Pieces pieces = { .stage = stage,
                    .groups = groups,
                    .n_groups = groups->n_together,
                    .wanted = wanted,
                    .first = first,
                    .views = views };
  if (!find_cuts (&pieces))
    return false;
  int64_t begin[2], end[2], n[2] = { box->n[pieces.dim[0]], box->n[pieces.dim[1]] };
  for (begin[0] = 0; begin[0] < n[0]; begin[0] = end[0])
    {
      end[0] = MIN (begin[0] + pieces.step[0], n[0]);
      for (begin[1] = 0; begin[1] < n[1]; begin[1] = end[1])
        {
          end[1] = MIN (begin[1] + pieces.step[1], n[1]);
          run_piece (&pieces, begin, end, worker);
        }
    }
  return true;
}
