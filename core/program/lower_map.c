/* SPDX-License-Identifier: Apache-2.0 */
/* Maps from the axes of an iteration space to the dimensions of tensors. */
#include "core/program/lower.h"

int
sf_low_axis (SfLowGroup *group, int64_t extent, bool reduction)
{
  if (group->n_axes == SF_MAX_AXES)
    {
      sf_low_refuse (group, "more than %d axes", SF_MAX_AXES);
      return 0;
    }
  group->axis[group->n_axes] = (SfAxis){
    .extent = extent, .reduction = reduction, .grain = 1, .step = extent, .counter = -1
  };
  return group->n_axes++;
}

SfDimMap
sf_dim_whole (int64_t extent)
{
  return (SfDimMap){ .stride = 1, .extra = extent - 1 };
}

SfDimMap
sf_dim_axis (int axis)
{
  return (SfDimMap){ .stride = 1, .n_terms = 1, .axis = { axis }, .coef = { 1 } };
}

SfMap
sf_map_whole (const SfShape *shape)
{
  SfMap map = { .rank = shape->rank };
  for (int i = 0; i < shape->rank; i++)
    map.dim[i] = sf_dim_whole (shape->dim[i]);
  return map;
}

SfMap
sf_map_broadcast (const SfMap *map, const SfShape *full, const SfShape *shape)
{
  SfMap out = { .rank = shape->rank };
  int shift = full->rank - shape->rank;
  for (int i = 0; i < shape->rank; i++)
    out.dim[i] = shape->dim[i] == full->dim[i + shift] ? map->dim[i + shift] : sf_dim_whole (1);
  return out;
}

static bool
dim_equal (const SfDimMap *a, const SfDimMap *b)
{
  if (a->base != b->base || a->stride != b->stride || a->extra != b->extra
      || a->n_terms != b->n_terms)
    return false;
  for (int i = 0; i < a->n_terms; i++)
    if (a->axis[i] != b->axis[i] || a->coef[i] != b->coef[i])
      return false;
  return true;
}

bool
sf_map_equal (const SfMap *a, const SfMap *b)
{
  if (a->rank != b->rank)
    return false;
  for (int i = 0; i < a->rank; i++)
    if (!dim_equal (&a->dim[i], &b->dim[i]))
      return false;
  return true;
}

bool
sf_dim_depends_on (const SfDimMap *dim, int axis)
{
  for (int t = 0; t < dim->n_terms; t++)
    if (dim->axis[t] == axis)
      return true;
  return false;
}

bool
sf_map_depends_on (const SfMap *map, int axis)
{
  for (int i = 0; i < map->rank; i++)
    if (sf_dim_depends_on (&map->dim[i], axis))
      return true;
  return false;
}

int64_t
sf_map_box_elems (const SfLowGroup *group, const SfMap *map)
{
  int64_t n = 1;
  for (int i = 0; i < map->rank; i++)
    {
      const SfDimMap *dim = &map->dim[i];
      int64_t size = 1 + dim->extra;
      for (int t = 0; t < dim->n_terms; t++)
        size += dim->coef[t] / dim->stride * (group->axis[dim->axis[t]].step - 1);
      n *= size;
    }
  return n;
}

/* ---- ops that follow ---- */

static bool
is_reduced (const SfGraph *graph, SfNode node, int dim)
{
  size_t n;
  const int64_t *axes = sf_node_attr_ints (graph, node, "axes", &n);
  const SfShape *shape = sf_value_shape (graph, sf_node_input (graph, node, 0));
  for (size_t i = 0; i < n; i++)
    if (axes[i] == dim || axes[i] + shape->rank == dim)
      return true;
  return false;
}

SfShape
sf_follow_domain (const SfGraph *graph, SfNode node)
{
  SfLowerClass lower_class = sf_lower_class (graph, node);
  if (lower_class == SF_LOWER_REDUCE || lower_class == SF_LOWER_ROW)
    return *sf_value_shape (graph, sf_node_input (graph, node, 0));
  return *sf_value_shape (graph, sf_node_output (graph, node, 0));
}

static SfMap
reduced_map (const SfGraph *graph, SfNode node, const SfMap *domain)
{
  bool keepdims = sf_node_attr_int (graph, node, "keepdims") != 0;
  SfMap out = { 0 };
  for (int i = 0; i < domain->rank; i++)
    if (!is_reduced (graph, node, i))
      out.dim[out.rank++] = domain->dim[i];
    else if (keepdims)
      out.dim[out.rank++] = sf_dim_whole (1);
  return out;
}

static bool
is_norm (const SfGraph *graph, SfNode node)
{
  return g_str_has_prefix (sf_node_op_name (graph, node), "layer_norm");
}

/* Of layer_norm and layer_norm_dx: what has elements has the domain's map, gamma and beta its tail,
 * mean and rstd its head. */
static SfMap
norm_map (const SfGraph *graph, SfNode node, const SfMap *domain, bool output, size_t index)
{
  bool forward = sf_node_n_outputs (graph, node) == 3;
  bool head = forward ? output && index > 0 : index > 2;
  bool tail = forward ? !output && index > 0 : index == 2;
  if (!head && !tail)
    return *domain;
  int64_t axis = sf_node_attr_int (graph, node, "axis");
  axis += axis < 0 ? domain->rank : 0;
  SfMap out = { 0 };
  for (int i = head ? 0 : (int) axis; i < (head ? (int) axis : domain->rank); i++)
    out.dim[out.rank++] = domain->dim[i];
  return out;
}

SfMap
sf_follow_map (const SfGraph *graph, SfNode node, const SfMap *domain, bool output, size_t index)
{
  SfLowerClass lower_class = sf_lower_class (graph, node);
  if (lower_class == SF_LOWER_REDUCE)
    return output ? reduced_map (graph, node, domain) : *domain;
  if (is_norm (graph, node))
    return norm_map (graph, node, domain, output, index);
  if (output || lower_class == SF_LOWER_ROW)
    return *domain;
  const SfShape *shape = sf_value_shape (graph, sf_node_input (graph, node, index));
  if (lower_class == SF_LOWER_SOURCE)
    return sf_map_whole (shape);
  SfShape full = sf_follow_domain (graph, node);
  return sf_map_broadcast (domain, &full, shape);
}

static bool
needs_whole (const SfGraph *graph, SfNode node, const SfMap *domain, int dim)
{
  SfLowerClass lower_class = sf_lower_class (graph, node);
  if (lower_class == SF_LOWER_REDUCE)
    return is_reduced (graph, node, dim);
  if (lower_class != SF_LOWER_ROW)
    return false;
  int64_t axis = sf_node_attr_int (graph, node, "axis");
  axis += axis < 0 ? domain->rank : 0;
  return is_norm (graph, node) ? dim >= axis : dim == axis;
}

bool
sf_follow_constrain (SfLowGroup *group, SfNode node, const SfMap *domain)
{
  for (int i = 0; i < domain->rank; i++)
    if (needs_whole (group->graph, node, domain, i))
      for (int t = 0; t < domain->dim[i].n_terms; t++)
        {
          SfAxis *axis = &group->axis[domain->dim[i].axis[t]];
          if (axis->reduction || axis->single)
            return false;
          axis->whole = true;
        }
  return true;
}

/* An axis for each dimension of the node's own domain; a reduction runs over its reduced ones. */
void
sf_layout_domain (SfLowGroup *group, SfNode node)
{
  const SfGraph *graph = group->graph;
  SfShape shape = sf_follow_domain (graph, node);
  bool reduce = sf_lower_class (graph, node) == SF_LOWER_REDUCE;
  SfMap domain = { .rank = shape.rank };
  for (int i = 0; i < shape.rank; i++)
    domain.dim[i] = sf_dim_axis (
        sf_low_axis (group, shape.dim[i], reduce && is_reduced (graph, node, i)));
  if (!reduce)
    sf_follow_constrain (group, node, &domain);
  *sf_low_domain (group, node) = domain;
  group->flops = sf_shape_n_elems (&shape);
  for (size_t i = 0; i < sf_node_n_outputs (graph, node); i++)
    {
      SfMap map = sf_follow_map (graph, node, &domain, true, i);
      sf_low_set_known (group, sf_node_output (graph, node, i), &map);
    }
}
