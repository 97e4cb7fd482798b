/* SPDX-License-Identifier: Apache-2.0 */
/* Philox4x32-10 and what is drawn from it. */
#include <sf/rng.h>

#include <math.h>

#include <sf/exact.h>

enum
{
  PHILOX_ROUNDS = 10
};

void
sf_philox (const SfRng *rng, uint64_t block, uint32_t out[4])
{
  uint32_t c0 = (uint32_t) block, c1 = (uint32_t) (block >> 32), c2 = rng->step, c3 = rng->stream;
  uint32_t k0 = (uint32_t) rng->seed, k1 = (uint32_t) (rng->seed >> 32);
  for (int round = 0; round < PHILOX_ROUNDS; round++)
    {
      uint64_t p0 = (uint64_t) 0xD2511F53u * c0;
      uint64_t p1 = (uint64_t) 0xCD9E8D57u * c2;
      c0 = (uint32_t) (p1 >> 32) ^ c1 ^ k0;
      c2 = (uint32_t) (p0 >> 32) ^ c3 ^ k1;
      c1 = (uint32_t) p1;
      c3 = (uint32_t) p0;
      k0 += 0x9E3779B9u; /* golden ratio */
      k1 += 0xBB67AE85u; /* sqrt (3) - 1 */
    }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

float
sf_rng_uniform (const SfRng *rng, uint64_t i)
{
  uint32_t words[4];
  sf_philox (rng, i / 4, words);
  return (float) (words[i % 4] >> 8) * 0x1p-24f;
}

double
sf_rng_normal (const SfRng *rng, uint64_t i)
{
  uint32_t words[4];
  sf_philox (rng, i / 2, words);
  /* (0, 1], so that the logarithm is finite. */
  double u = ((double) words[i % 2 * 2] + 1.0) * 0x1p-32;
  double v = (double) words[i % 2 * 2 + 1] * 0x1p-32;
  return sqrt (-2.0 * sf_exact_log (u)) * sf_exact_cos (0x1.921fb54442d18p+2 * v);
}

uint64_t
sf_rng_u64 (const SfRng *rng, uint64_t i)
{
  uint32_t words[4];
  sf_philox (rng, i / 2, words);
  return (uint64_t) words[i % 2 * 2] | (uint64_t) words[i % 2 * 2 + 1] << 32;
}

void
sf_rng_permutation (const SfRng *rng, uint32_t n, uint32_t *out)
{
  for (uint32_t i = 0; i < n; i++)
    out[i] = i;
  uint64_t drawn = 0;
  for (uint32_t i = n; i > 1; i--)
    {
      /* Words at or above the largest multiple of i would favour small remainders. */
      uint64_t limit = UINT64_MAX - (UINT64_MAX % i + 1) % i;
      uint64_t word;
      do
        word = sf_rng_u64 (rng, drawn++);
      while (word > limit);
      uint32_t j = (uint32_t) (word % i);
      uint32_t swapped = out[i - 1];
      out[i - 1] = out[j];
      out[j] = swapped;
    }
}

uint32_t
sf_rng_stream_of (const char *name)
{
  uint32_t hash = 2166136261u;
  for (const unsigned char *p = (const unsigned char *) name; *p != '\0'; p++)
    hash = (hash ^ *p) * 16777619u;
  return hash;
}
