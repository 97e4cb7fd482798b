/* SPDX-License-Identifier: Apache-2.0 */
/* Non-maximum suppression: boxes by falling score, each kept unless it overlaps one kept before. */
#include "kernel.h"

typedef struct
{
  double low[2], high[2]; /* corners */
} Box;

typedef struct
{
  double score;
  int64_t at;
} Candidate;

/* Four numbers as two opposite corners, or as centre and size. */
static Box
box_of (const double *at, bool center)
{
  Box box;
  for (int d = 0; d < 2; d++)
    {
      double a = center ? at[d] - at[d + 2] / 2 : at[d];
      double b = center ? at[d] + at[d + 2] / 2 : at[d + 2];
      box.low[d] = MIN (a, b);
      box.high[d] = MAX (a, b);
    }
  return box;
}

/* Shared area over the area of both together. */
static double
overlap (const Box *a, const Box *b)
{
  double shared = 1, area_a = 1, area_b = 1;
  for (int d = 0; d < 2; d++)
    {
      shared *= MAX (MIN (a->high[d], b->high[d]) - MAX (a->low[d], b->low[d]), 0);
      area_a *= a->high[d] - a->low[d];
      area_b *= b->high[d] - b->low[d];
    }
  return area_a > 0 && area_b > 0 && shared > 0 ? shared / (area_a + area_b - shared) : 0;
}

static int
compare_candidates (gconstpointer a, gconstpointer b)
{
  const Candidate *one = a, *other = b;
  if (one->score != other->score)
    return one->score < other->score ? 1 : -1;
  return (one->at > other->at) - (one->at < other->at);
}

typedef struct
{
  int64_t n_boxes, max_per_class;
  double iou, score;
  bool center;
  GArray *candidates; /* of one class */
  GArray *kept;       /* of one class */
  GArray *selected;   /* int64_t: batch, class, box of all that were kept */
} Suppression;

/* The boxes of one image that one class keeps. */
static void
select_class (Suppression *s, const double *boxes, const double *scores, int64_t batch,
              int64_t class_index)
{
  g_array_set_size (s->candidates, 0);
  g_array_set_size (s->kept, 0);
  for (int64_t k = 0; k < s->n_boxes; k++)
    {
      Candidate candidate = { scores[k], k };
      if (scores[k] > s->score || (s->score == -INFINITY && !isnan (scores[k])))
        g_array_append_val (s->candidates, candidate);
    }
  g_array_sort (s->candidates, compare_candidates);
  for (guint k = 0; k < s->candidates->len && s->kept->len < s->max_per_class; k++)
    {
      int64_t at = g_array_index (s->candidates, Candidate, k).at;
      int64_t row[3] = { batch, class_index, at };
      Box box = box_of (boxes + 4 * at, s->center);
      bool suppressed = false;
      for (guint i = 0; i < s->kept->len && !suppressed; i++)
        suppressed = overlap (&box, &g_array_index (s->kept, Box, i)) > s->iou;
      if (suppressed)
        continue;
      g_array_append_val (s->kept, box);
      g_array_append_vals (s->selected, row, 3);
    }
}

bool
cpu_run_nms (CpuCall *call, GError **error)
{
  const CpuTensor *boxes = &call->in[0], *scores = &call->in[1];
  int64_t n_batches = scores->shape.dim[0], n_classes = scores->shape.dim[1];
  Suppression s = { .n_boxes = scores->shape.dim[2],
                    .max_per_class = MIN (cpu_attr_int (call, "max_per_class"), INT32_MAX),
                    .iou = sf_node_attr_float (call->graph, call->node, "iou"),
                    .score = sf_node_attr_float (call->graph, call->node, "score"),
                    .center = cpu_attr_int (call, "center") != 0,
                    .candidates = g_array_new (FALSE, FALSE, sizeof (Candidate)),
                    .kept = g_array_new (FALSE, FALSE, sizeof (Box)),
                    .selected = g_array_new (FALSE, FALSE, sizeof (int64_t)) };
  for (int64_t batch = 0; batch < n_batches; batch++)
    for (int64_t k = 0; k < n_classes; k++)
      select_class (&s, boxes->f + batch * s.n_boxes * 4,
                    scores->f + (batch * n_classes + k) * s.n_boxes, batch, k);
  bool ok = cpu_check_count (call, s.selected->len / 3, "boxes", error);
  if (ok && s.selected->len > 0)
    memcpy (call->out[0].i, s.selected->data, s.selected->len * sizeof (int64_t));
  g_array_unref (s.candidates);
  g_array_unref (s.kept);
  g_array_unref (s.selected);
  return ok;
}
