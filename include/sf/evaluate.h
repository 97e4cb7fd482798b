/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates values of a graph with the reference backend (plugin `cpu`): for constant folding, host
 * launches, tests and comparisons. */
#ifndef SF_EVALUATE_H
#define SF_EVALUATE_H

#include <sf/graph.h>

SF_BEGIN_DECLS

/* A value given from outside: input, state, scalar, or any result (its producer is then not run).
 * Data borrowed, any dtype, converted. */
typedef struct
{
  SfValue value;
  SfTensor tensor;
} SfFeed;

/* A value wanted. tensor.data == NULL: allocated (sf_tensor_alloc) in the value's dtype, f64 for
 * float values when `f64` is set; else filled, converting. */
typedef struct
{
  SfValue value;
  SfTensor tensor;
} SfFetch;

typedef struct
{
  bool f64;              /* every float value in double, nothing rounded to its storage dtype */
  int n_threads;         /* 0: sf_threads_available () */
  const uint8_t *stored; /* per value: 1 = round to the value's dtype, 0 = keep what was computed;
                            NULL: all are rounded */
  /* Called for each evaluated value in graph order with its data (dtype: f64 for floats, i64 for
   * integers and bool); may change it in place. NULL: none. */
  void (*observe) (void *user_data, SfValue value, SfTensor *data);
  void *user_data;
} SfEvaluateOptions;

/* Runs the nodes that the fetches need, in graph order. States that are not fed have their initial
 * data; an input or scalar that is needed and not fed is INVALID_ARGUMENT. `options` may be NULL.
 * On failure no fetch owns memory. Thread-safe for one graph in several threads. */
SF_API bool sf_evaluate (const SfGraph *graph, const SfEvaluateOptions *options,
                         const SfFeed *feeds, size_t n_feeds, SfFetch *fetches, size_t n_fetches,
                         GError **error);

SF_END_DECLS
#endif
