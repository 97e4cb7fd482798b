/* SPDX-License-Identifier: Apache-2.0 */
/* exp, log, cos, sin and pow in f64 that give the same bits on any machine, libm and -march: plain add/mul/div and sqrt, no fused
 * operations. Used for whatever reaches a PEF, an initial weight or a schedule. Error at most 2 ulp over the stated range. */
#ifndef SF_EXACT_H
#define SF_EXACT_H

#include <sf/export.h>

SF_BEGIN_DECLS

SF_API double sf_exact_exp (double x); /* overflow: +inf; underflow: 0 */
SF_API double sf_exact_log (double x); /* x > 0; 0: -inf; negative: NaN */
SF_API double sf_exact_cos (double x); /* |x| <= 2^20 */
SF_API double sf_exact_sin (double x); /* |x| <= 2^20 */
SF_API double sf_exact_pow (double x, double y); /* x >= 0 (else NaN); exp (y log x) in double-double */

SF_END_DECLS
#endif
