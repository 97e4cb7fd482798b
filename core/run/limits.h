/* SPDX-License-Identifier: Apache-2.0 */
/* How far a backend may be from the reference, and how far it is. */
#ifndef SF_CORE_RUN_LIMITS_H
#define SF_CORE_RUN_LIMITS_H

#include <sf/graph.h>

typedef struct SfLimits SfLimits;

/* `path` NULL: etc/limits.cfg. Owned. */
SfLimits *sf_limits_read (const char *path, GError **error);
void sf_limits_free (SfLimits *limits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfLimits, sf_limits_free)

/* Row that a value is judged by: "contraction", "other", "gradient", "update"; integers and bool
 * must agree exactly ("exact"). */
const char *sf_limits_class (const SfGraph *graph, SfValue value);
double sf_limits_nmse (const SfLimits *limits, SfDtype dtype, const char *op_class);

/* RMS-free magnitude B of each element of `value` (n doubles, owned: g_free): the producing op on
 * absolute values of its inputs where it sums, the largest input or output magnitude elsewhere.
 * reference[v] is the data of value v as double, NULL when unknown. */
double *sf_limits_magnitude (const SfGraph *graph, SfValue value, double *const *reference,
                             GError **error);

/* Whether terms may cancel in `value`: sums, means, losses. What is left of them is as uncertain as
 * the terms are large, so a difference within `scale` roundings of B is none. */
bool sf_limits_cancels (const SfGraph *graph, SfValue value);

/* Normalised mean square error of n elements; infinite where one is not finite and the other
 * differs. `magnitude` NULL: nothing is taken for rounding. *max_abs: largest difference. */
double sf_limits_measure (const SfLimits *limits, const double *reference, const double *found,
                          const double *magnitude, bool cancels, int64_t n, double *max_abs);

#endif
