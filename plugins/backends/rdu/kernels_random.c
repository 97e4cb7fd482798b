/* SPDX-License-Identifier: Apache-2.0 */
/* Uniform random numbers, the same bits as sf_rng_uniform: Philox4x32-10 (Salmon et al., SC'11) for
 * sixteen blocks at a time. */
#include "plugins/backends/rdu/kernels_rows.h"

#define BLOCKS 16
#define ROUNDS 10

/* One word of 32 bits of eight blocks, each wide enough for its product. */
typedef uint64_t Eight __attribute__ ((vector_size (64)));

/* Four words of sixteen blocks, side by side. */
typedef union
{
  uint64_t word[4][BLOCKS];
  Eight eight[4][BLOCKS / 8];
} Words;

/* One round of all blocks. */
static inline void
mix (Words *w, uint64_t key0, uint64_t key1)
{
#pragma GCC unroll 2
  for (int h = 0; h < BLOCKS / 8; h++)
    {
      Eight p0 = w->eight[0][h] * 0xD2511F53u, p1 = w->eight[2][h] * 0xCD9E8D57u;
      w->eight[0][h] = p1 >> 32 ^ w->eight[1][h] ^ key0;
      w->eight[2][h] = p0 >> 32 ^ w->eight[3][h] ^ key1;
      w->eight[1][h] = p1 & UINT32_MAX;
      w->eight[3][h] = p0 & UINT32_MAX;
    }
}

/* From block numbers to their words. */
static inline void
philox (const SfRng *rng, const uint64_t *block, Words *words)
{
  Words w;
  for (int b = 0; b < BLOCKS; b++)
    {
      words->word[0][b] = block[b] & UINT32_MAX;
      words->word[1][b] = block[b] >> 32;
      words->word[2][b] = rng->step;
      words->word[3][b] = rng->stream;
    }
  uint64_t key0 = rng->seed & UINT32_MAX, key1 = rng->seed >> 32;
  w = *words;
#pragma GCC unroll 10
  for (int r = 0; r < ROUNDS; r++)
    {
      mix (&w, key0, key1);
      key0 = (key0 + 0x9E3779B9u) & UINT32_MAX;
      key1 = (key1 + 0xBB67AE85u) & UINT32_MAX;
    }
  *words = w;
}

static float
uniform_of (uint64_t word)
{
  return (float) (int32_t) (word >> 8) * 0x1p-24f;
}

/* Elements one after the other: each block gives four. */
static void
dense (const SfRng *rng, uint64_t first, float *y, int64_t n)
{
  Words w;
  uint64_t block[BLOCKS];
  for (int64_t done = -(int64_t) (first % 4); done < n; done += 4 * BLOCKS)
    {
      float made[4 * BLOCKS], *to = y + done;
      bool is_whole = done >= 0 && done + 4 * BLOCKS <= n;
      for (int b = 0; b < BLOCKS; b++)
        block[b] = (first + (uint64_t) done) / 4 + (uint64_t) b;
      philox (rng, block, &w);
      to = is_whole ? to : made;
      for (int b = 0; b < BLOCKS; b++)
        for (int i = 0; i < 4; i++)
          to[4 * b + i] = uniform_of (w.word[i][b]);
      for (int64_t i = 0; !is_whole && i < 4 * BLOCKS; i++)
        if (done + i >= 0 && done + i < n)
          y[done + i] = made[i];
    }
}

/* Elements apart: each has a block of its own. */
static void
spread (const SfRng *rng, uint64_t first, int64_t step, float *y, int64_t n)
{
  Words w;
  uint64_t block[BLOCKS];
  for (int64_t done = 0; done < n; done += BLOCKS)
    {
      for (int b = 0; b < BLOCKS; b++)
        block[b] = (first + (uint64_t) ((done + b) * step)) / 4;
      philox (rng, block, &w);
      for (int b = 0; b < BLOCKS && done + b < n; b++)
        y[done + b] = uniform_of (w.word[(first + (uint64_t) ((done + b) * step)) % 4][b]);
    }
}

void
RDU_SYMBOL (rdu_uniform) (const SfRng *rng, uint64_t first, int64_t step, float *y, int64_t n)
{
  if (step == 1)
    dense (rng, first, y, n);
  else
    spread (rng, first, step, y, n);
}
