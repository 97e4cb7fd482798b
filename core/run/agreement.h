/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a tensor is the one that was wanted. */
#ifndef SF_CORE_RUN_AGREEMENT_H
#define SF_CORE_RUN_AGREEMENT_H

#include <sf/tensor.h>

typedef struct
{
  double rtol, atol; /* |found - wanted| <= atol + rtol |wanted| */
  double of_range;   /* > 0: |found - wanted| <= of_range x (largest - smallest wanted), instead */
} SfTolerance;

/* Two dense tensors: dtype and shape equal, integers and booleans exact, floats within the
 * tolerance, NaN and infinities the same. *worst (may be NULL) becomes the largest
 * |found - wanted| of a float as a part of the range, if it is larger or *worst is NaN.
 * False with CHECK_FAILED names the worst element; `name` opens the message. */
bool sf_tensors_agree (const char *name, const SfTensor *found, const SfTensor *wanted,
                       const SfTolerance *tolerance, double *worst, GError **error);

#endif
