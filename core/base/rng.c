/* SPDX-License-Identifier: Apache-2.0 */
/* Philox4x32-10 and what is drawn from it. */
#include <sf/rng.h>

#include <math.h>
#include <sf/exact.h>

static inline void
round_of (uint32_t c[4], uint32_t k0, uint32_t k1)
{
  uint64_t p0 = (uint64_t) 0xD2511F53u * c[0], p1 = (uint64_t) 0xCD9E8D57u * c[2];
  uint32_t c1 = c[1], c3 = c[3];
  c[0] = (uint32_t) (p1 >> 32) ^ c1 ^ k0;
  c[1] = (uint32_t) p1;
  c[2] = (uint32_t) (p0 >> 32) ^ c3 ^ k1;
  c[3] = (uint32_t) p0;
}

void
sf_philox (const SfRng *rng, uint64_t block, uint32_t out[4])
{
  uint32_t c[4] = { (uint32_t) block, (uint32_t) (block >> 32), rng->step, rng->stream };
  uint32_t k0 = (uint32_t) rng->seed, k1 = (uint32_t) (rng->seed >> 32);
  for (int i = 0; i < 10; i++)
    {
      round_of (c, k0, k1);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  for (int i = 0; i < 4; i++)
    out[i] = c[i];
}

static uint32_t
word (const SfRng *rng, uint64_t i)
{
  uint32_t out[4];
  sf_philox (rng, i / 4, out);
  return out[i % 4];
}

float
sf_rng_uniform (const SfRng *rng, uint64_t i)
{
  return (float) (word (rng, i) >> 8) * 0x1p-24f;
}

double
sf_rng_normal (const SfRng *rng, uint64_t i)
{
  double u = ((double) word (rng, 2 * i) + 0.5) * 0x1p-32, v = (double) word (rng, 2 * i + 1) * 0x1p-32;
  return sqrt (-2 * sf_exact_log (u)) * sf_exact_cos (6.283185307179586 * v);
}

uint64_t
sf_rng_u64 (const SfRng *rng, uint64_t i)
{
  return (uint64_t) word (rng, 2 * i + 1) << 32 | word (rng, 2 * i);
}

void
sf_rng_permutation (const SfRng *rng, uint32_t n, uint32_t *out)
{
  uint64_t drawn = 0;
  for (uint32_t i = 0; i < n; i++)
    out[i] = i;
  for (uint32_t i = n; i > 1; i--)
    {
      /* The largest multiple of i bounds what keeps every remainder equally likely. */
      uint64_t limit = UINT64_MAX - UINT64_MAX % i, draw;
      do
        draw = sf_rng_u64 (rng, drawn++);
      while (draw >= limit);
      uint32_t j = (uint32_t) (draw % i), kept = out[i - 1];
      out[i - 1] = out[j];
      out[j] = kept;
    }
}

uint32_t
sf_rng_stream_of (const char *name)
{
  uint32_t hash = 2166136261u;
  for (; *name != '\0'; name++)
    hash = (hash ^ (uint8_t) *name) * 16777619u;
  return hash;
}
