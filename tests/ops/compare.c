/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons of evaluated arrays, and the registration of cases as tests. */
#include "tests/ops/compare.h"

#include "tests/support/sftest.h"

double
op_compare (const double *found, const double *wanted, size_t n)
{
  double scale = 1, worst = 0;
  for (size_t i = 0; i < n; i++)
    if (isfinite (wanted[i]))
      scale = MAX (scale, fabs (wanted[i]));
  for (size_t i = 0; i < n; i++)
    {
      if (isnan (wanted[i]) && isnan (found[i]))
        continue;
      if (isfinite (wanted[i]) && isfinite (found[i]))
        worst = MAX (worst, fabs (found[i] - wanted[i]));
      else if (found[i] != wanted[i])
        return INFINITY;
    }
  return worst / scale;
}

bool
op_case_is_smooth (const OpCase *c)
{
  g_autoptr (GError) error = NULL;
  const SfOp *op = sf_op_find (c->op, &error);
  return op != NULL && sf_op_has_gradient (op) && c->want[0].type == CASE_ABSENT;
}

void
op_register (const char *suite, bool (*chosen) (const OpCase *), void (*test) (const void *),
             const char *file, int line)
{
  for (size_t i = 0; i < op_case_count (); i++)
    {
      const OpCase *c = op_case_at (i);
      if (chosen (c))
        sf_test_register (suite, c->name, test, c, file, line);
    }
}
