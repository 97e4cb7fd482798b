/* SPDX-License-Identifier: Apache-2.0 */
/* Random inputs for test runs, comparisons and benchmarks. */
#include <math.h>
#include <sf/rng.h>
#include <sf/run.h>

static bool
fill_input (SfSession *session, const char *entry, uint64_t seed, const SfPort *port,
            SfTensor *tensor, GError **error)
{
  const SfRng rng = { .seed = seed, .stream = sf_rng_stream_of (port->name), .step = 0 };
  g_autofree char *key = g_strdup_printf ("bounds.%s.%s", entry, port->name);
  const char *bounds = sf_pef_fact (sf_session_pef (session), key);
  g_auto (GStrv) words = g_strsplit (bounds == NULL ? "0 2" : bounds, " ", -1);
  double low = g_ascii_strtod (words[0], NULL),
         high = g_strv_length (words) > 1 ? g_ascii_strtod (words[1], NULL) : low + 1;
  int64_t n = sf_shape_n_elems (&port->shape);
  g_autofree double *data = g_new (double, n + 1);
  for (int64_t i = 0; i < n; i++)
    data[i] = sf_dtype_is_float (port->dtype)
                  ? sf_rng_normal (&rng, (uint64_t) i)
                  : floor (low + (double) sf_rng_uniform (&rng, (uint64_t) i) * (high - low));
  SfTensor from = sf_tensor (SF_F64, port->shape, data);
  return sf_tensor_alloc (port->dtype, &port->shape, tensor, error)
         && sf_tensor_copy (&from, tensor, error);
}

bool
sf_random_inputs (SfSession *session, const char *entry, uint64_t seed, SfTensor **inputs,
                  GError **error)
{
  SfPort port;
  size_t n = 0;
  while (sf_session_input (session, entry, n, &port))
    n++;
  *inputs = g_new0 (SfTensor, n + 1); /* the last stays empty: the end */
  for (size_t i = 0; i < n; i++)
    {
      sf_session_input (session, entry, i, &port);
      if (!fill_input (session, entry, seed, &port, &(*inputs)[i], error))
        {
          sf_random_inputs_free (*inputs);
          *inputs = NULL;
          return false;
        }
    }
  return true;
}

void
sf_random_inputs_free (SfTensor *inputs)
{
  for (SfTensor *at = inputs; at != NULL && at->data != NULL; at++)
    sf_tensor_clear (at);
  g_free (inputs);
}
