/* SPDX-License-Identifier: Apache-2.0 */
/* exp, log, cos, sin and pow in f64 that give the same bits on any machine, libm and -march: plain add/mul/div and sqrt, no fused
 * operations. Used for whatever reaches a PEF, an initial weight or a schedule. Error of exp, log, sin and cos at most
 * 1 ulp over the stated range (pow: y times that). */
#ifndef SF_EXACT_H
#define SF_EXACT_H

#include <sf/export.h>

SF_BEGIN_DECLS

SF_API double sf_exact_exp (double x); /* overflow: +inf; underflow: 0 */
SF_API double sf_exact_log (double x); /* x > 0; 0: -inf; negative: NaN */
SF_API double sf_exact_cos (double x); /* |x| <= 2^20 */
SF_API double sf_exact_sin (double x); /* |x| <= 2^20 */
SF_API double sf_exact_pow (double x, double y); /* x >= 0; exp (y log x), integer |y| <= 2^31 by squaring */

SF_END_DECLS
#endif
