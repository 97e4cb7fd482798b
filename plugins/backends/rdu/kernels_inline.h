/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that are part of a loop's body: one that is left a call takes the loop's vectors. */
#ifndef SF_RDU_KERNELS_INLINE_H
#define SF_RDU_KERNELS_INLINE_H

#define RDU_INLINE static inline __attribute__ ((always_inline))

#endif
