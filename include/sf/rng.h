/* SPDX-License-Identifier: Apache-2.0 */
/* Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).
 *
 * A number is a pure function of (seed, stream, step, element), so that every backend, thread count and resume sees the same. */
#ifndef SF_RNG_H
#define SF_RNG_H

#include <sf/error.h>

SF_BEGIN_DECLS

typedef struct
{
  uint64_t seed;   /* key */
  uint32_t stream; /* who asks: a node's rng id, a parameter, the data order */
  uint32_t step;   /* training step or epoch */
} SfRng;

/* Philox block `block` of `rng`: counter = (block low, block high, step, stream), key = seed. Four 32-bit words. */
SF_API void sf_philox (const SfRng *rng, uint64_t block, uint32_t out[4]);

/* Element `i`: word i % 4 of block i / 4, as uniform float in [0, 1) with 24 bits: (word >> 8) * 2^-24. */
SF_API float sf_rng_uniform (const SfRng *rng, uint64_t i);
/* Standard normal by Box-Muller over elements 2i and 2i+1 of the words, with sf_exact_log/cos; the same bits on any machine. */
SF_API double sf_rng_normal (const SfRng *rng, uint64_t i);
/* 64-bit word i: words 2i, 2i+1 of the sequence. */
SF_API uint64_t sf_rng_u64 (const SfRng *rng, uint64_t i);
/* Permutation of 0..n-1 (Fisher-Yates over sf_rng_u64, unbiased by rejection). */
SF_API void sf_rng_permutation (const SfRng *rng, uint32_t n, uint32_t *out);
/* Stable 32-bit stream id of a name (FNV-1a). */
SF_API uint32_t sf_rng_stream_of (const char *name);

SF_END_DECLS
#endif
