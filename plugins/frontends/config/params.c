/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of layers with PyTorch's default initialisers, drawn from counter-based random
 * numbers: the same for a seed on any machine. */
#include "model.h"

#include <math.h>
#include <sf/checked.h>
#include <sf/rng.h>

double
model_fan_in_bound (int64_t fan_in)
{
  return fan_in > 0 ? 1.0 / sqrt ((double) fan_in) : 0.0;
}

double
model_xavier_bound (int64_t fan_in, int64_t fan_out)
{
  return sqrt (6.0 / (double) (fan_in + fan_out));
}

static void
fill (float *data, int64_t n, const SfRng *rng, InitKind init, double bound)
{
  for (int64_t i = 0; i < n; i++)
    switch (init)
      {
      case INIT_ZERO:
        data[i] = 0;
        break;
      case INIT_ONE:
        data[i] = 1;
        break;
      case INIT_UNIFORM:
        data[i] = (float) ((2.0 * (double) sf_rng_uniform (rng, (uint64_t) i) - 1.0) * bound);
        break;
      case INIT_NORMAL:
        data[i] = (float) sf_rng_normal (rng, (uint64_t) i);
        break;
      }
}

SfValue
model_param (Model *model, const char *layer, const char *name, SfStateKind kind, SfShape shape,
             InitKind init, double bound, GError **error)
{
  g_autofree char *full = g_strconcat (layer, ".", name, NULL);
  if (!sf_shape_check (&shape, full, error))
    return SF_NONE;
  int64_t n = sf_shape_n_elems (&shape);
  if (init == INIT_ZERO)
    return sf_graph_state (model->graph, full, kind, SF_F32, shape, NULL, error);
  float *data = sf_aligned_alloc ((size_t) n, sizeof *data, full, error);
  if (data == NULL)
    return SF_NONE;
  SfRng rng = { .seed = model->seed, .stream = sf_rng_stream_of (full), .step = 0 };
  fill (data, n, &rng, init, bound);
  SfValue value = sf_graph_state (model->graph, full, kind, SF_F32, shape, data, error);
  sf_aligned_free (data);
  return value;
}
