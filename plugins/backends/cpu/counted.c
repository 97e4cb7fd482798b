/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that find as many results as the data hold: nonzero, unique. */
#include <stdlib.h>

#include <sf/checked.h>

#include "kernel.h"

bool
cpu_check_count (const CpuCall *call, int64_t found, const char *what, GError **error)
{
  int64_t n = cpu_attr_int (call, "n");
  if (found == n)
    return true;
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: found %" G_GINT64_FORMAT " %s, wanted %" G_GINT64_FORMAT
                  " as the model declares; correct the model or the data that is fed",
                  sf_node_name (call->graph, call->node), found, what, n);
}

/* ---- nonzero ---- */

static bool
is_nonzero (const CpuTensor *x, int64_t e)
{
  return sf_dtype_is_float (x->dtype) ? x->f[e] != 0 : x->i[e] != 0;
}

static bool
run_nonzero (CpuCall *call, GError **error)
{
  const CpuTensor *x = &call->in[0];
  int64_t n = 0, at = 0, strides[SF_MAX_RANK];
  for (int64_t e = 0; e < x->n; e++)
    n += is_nonzero (x, e);
  if (!cpu_check_count (call, n, "elements that are not 0", error))
    return false;
  sf_shape_strides (&x->shape, strides);
  for (int64_t e = 0; e < x->n; e++)
    if (is_nonzero (x, e))
      {
        for (int d = 0; d < x->shape.rank; d++)
          call->out[0].i[d * n + at] = e / strides[d] % x->shape.dim[d];
        at++;
      }
  return true;
}

/* ---- unique ---- */

/* What is compared: elements, or slices along an axis, each of outer * inner elements. */
typedef struct
{
  const CpuTensor *x;
  CpuAxis axis;
} Things;

/* -1, 0 or 1; NaN equals NaN and is greater than every number. */
static int
compare_elements (const CpuTensor *x, int64_t a, int64_t b)
{
  if (sf_dtype_is_float (x->dtype))
    {
      bool a_nan = isnan (x->f[a]), b_nan = isnan (x->f[b]);
      if (a_nan || b_nan)
        return a_nan - b_nan;
      return (x->f[a] > x->f[b]) - (x->f[a] < x->f[b]);
    }
  if (x->dtype == SF_U64)
    return ((uint64_t) x->i[a] > (uint64_t) x->i[b]) - ((uint64_t) x->i[a] < (uint64_t) x->i[b]);
  return (x->i[a] > x->i[b]) - (x->i[a] < x->i[b]);
}

static int
compare_things (const Things *things, int64_t a, int64_t b)
{
  const CpuAxis axis = things->axis;
  for (int64_t outer = 0; outer < axis.outer; outer++)
    for (int64_t i = 0; i < axis.inner; i++)
      {
        int64_t first = outer * axis.n * axis.inner + i;
        int order = compare_elements (things->x, first + a * axis.inner, first + b * axis.inner);
        if (order != 0)
          return order;
      }
  return 0;
}

/* Equal things stay in their order, so that the first of a group is the first in x. */
static int
compare_places (gconstpointer a, gconstpointer b, gpointer things)
{
  int64_t one = *(const int64_t *) a, other = *(const int64_t *) b;
  int order = compare_things (things, one, other);
  return order != 0 ? order : (one > other) - (one < other);
}

/* A set of equal things. */
typedef struct
{
  int64_t first, count;
} Group;

static int
compare_firsts (gconstpointer a, gconstpointer b, gpointer data)
{
  const Group *one = a, *other = b;
  return (one->first > other->first) - (one->first < other->first);
}

/* Sorts the places 0 .. n-1 and cuts them in groups of equal things; returns how many. */
static int64_t
find_groups (Things *things, int64_t *places, Group *groups)
{
  int64_t n = things->axis.n, n_groups = 0;
  for (int64_t k = 0; k < n; k++)
    places[k] = k;
  if (n > 0)
    g_qsort_with_data (places, (gint) n, sizeof *places, compare_places, things);
  for (int64_t k = 0; k < n; k++)
    {
      if (k == 0 || compare_things (things, places[k - 1], places[k]) != 0)
        groups[n_groups++] = (Group){ places[k], 0 };
      groups[n_groups - 1].count++;
    }
  return n_groups;
}

static void
write_groups (CpuCall *call, const Things *things, const Group *groups, int64_t n_groups)
{
  const CpuAxis axis = things->axis;
  for (int64_t g = 0; g < n_groups; g++)
    {
      call->out[1].i[g] = groups[g].first;
      call->out[3].i[g] = groups[g].count;
      for (int64_t outer = 0; outer < axis.outer; outer++)
        memcpy ((char *) call->out[0].data + 8 * (outer * n_groups + g) * axis.inner,
                (const char *) call->in[0].data
                    + 8 * (outer * axis.n + groups[g].first) * axis.inner,
                8 * (size_t) axis.inner);
    }
}

/* Which group each thing belongs to, found by the group's first thing. */
static void
write_inverse (CpuCall *call, Things *things, const int64_t *places, const Group *groups,
               int64_t n_groups)
{
  int64_t *inverse = call->out[2].i;
  for (int64_t g = 0; g < n_groups; g++)
    inverse[groups[g].first] = g;
  int64_t group = 0;
  for (int64_t k = 0; k < things->axis.n; k++)
    {
      if (k == 0 || compare_things (things, places[k - 1], places[k]) != 0)
        group = inverse[places[k]];
      inverse[places[k]] = group;
    }
}

static bool
run_unique (CpuCall *call, GError **error)
{
  const CpuTensor *x = &call->in[0];
  Things things = { x, { 1, x->n, 1 } };
  if (cpu_attr_int (call, "has_axis") != 0)
    things.axis = cpu_axis (&x->shape, cpu_attr_axis (call, x->shape.rank));
  const char *name = sf_node_name (call->graph, call->node);
  size_t n = (size_t) MAX (things.axis.n, 1);
  int64_t *places = sf_aligned_alloc (n, sizeof *places, name, error);
  Group *groups = places == NULL ? NULL : sf_aligned_alloc (n, sizeof *groups, name, error);
  bool ok = groups != NULL;
  if (ok)
    {
      int64_t n_groups = find_groups (&things, places, groups);
      ok = cpu_check_count (call, n_groups, "different values", error);
      if (ok && n_groups > 0)
        {
          if (!cpu_attr_int (call, "sorted"))
            g_qsort_with_data (groups, (gint) n_groups, sizeof *groups, compare_firsts, NULL);
          write_groups (call, &things, groups, n_groups);
          write_inverse (call, &things, places, groups, n_groups);
        }
    }
  sf_aligned_free (places);
  sf_aligned_free (groups);
  return ok;
}

const CpuKernel cpu_kernels_counted[] = {
  { "nonzero", 1, run_nonzero, NULL },
  { "unique", 1, run_unique, NULL },
  { "nms", 1, cpu_run_nms, NULL },
  { NULL },
};
