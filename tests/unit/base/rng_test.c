/* SPDX-License-Identifier: Apache-2.0 */
/* Philox against the known answers of Random123, and what is drawn from it. */
#include <sf/rng.h>

#include <math.h>
#include <string.h>

#include "tests/support/sftest.h"

typedef struct
{
  const char *name;
  uint32_t counter[4], key[2], wanted[4];
} KnownAnswer;

/* philox4x32 10 of Random123's kat_vectors */
static const KnownAnswer known_answers[] = {
  { "zeros", { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
  { "ones",
    { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
    { 0xffffffff, 0xffffffff },
    { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
  { "pi",
    { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
    { 0xa4093822, 0x299f31d0 },
    { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
};

SF_TEST_CASES (Rng, PhiloxKnownAnswers, known_answers, G_N_ELEMENTS (known_answers),
               sf_test_row_name)
{
  const KnownAnswer *k = data;
  SfRng rng = { .seed = k->key[0] | (uint64_t) k->key[1] << 32,
                .step = k->counter[2],
                .stream = k->counter[3] };
  uint32_t out[4];
  sf_philox (&rng, k->counter[0] | (uint64_t) k->counter[1] << 32, out);
  for (int i = 0; i < 4; i++)
    SF_CHECK_INT (out[i], k->wanted[i]);
}

SF_TEST (Rng, WordsOfTheZeroKey)
{
  SfRng rng = { 0 };
  SF_CHECK_NEAR (sf_rng_uniform (&rng, 1), (double) (0xe169c58d >> 8) / (1 << 24), 0.0);
  SF_CHECK_INT (sf_rng_u64 (&rng, 0), (int64_t) 0xe169c58d6627e8d5);
  SF_CHECK_INT (sf_rng_u64 (&rng, 1), (int64_t) 0x9b00dbd8bc57ac4c);
  double u = (0x6627e8d5 + 1.0) / 4294967296.0, v = 0xe169c58d / 4294967296.0;
  SF_CHECK_NEAR (sf_rng_normal (&rng, 0), sqrt (-2 * log (u)) * cos (2 * G_PI * v), 1e-14);
}

SF_TEST (Rng, Moments)
{
  SfRng rng = { .seed = 7, .stream = 3, .step = 1 };
  enum
  {
    N = 200000
  };
  double sum = 0, square = 0, fourth = 0, uniform = 0;
  for (int i = 0; i < N; i++)
    {
      double z = sf_rng_normal (&rng, i);
      sum += z;
      square += z * z;
      fourth += z * z * z * z;
      float u = sf_rng_uniform (&rng, i);
      SF_REQUIRE (u >= 0.0f && u < 1.0f);
      uniform += u;
    }
  /* Five standard errors each. */
  SF_CHECK_NEAR (sum / N, 0.0, 5 / sqrt (N));
  SF_CHECK_NEAR (square / N, 1.0, 5 * sqrt (2.0 / N));
  SF_CHECK_NEAR (fourth / N, 3.0, 5 * sqrt (96.0 / N));
  SF_CHECK_NEAR (uniform / N, 0.5, 5 * sqrt (1.0 / 12 / N));
}

SF_TEST (Rng, EveryFieldMatters)
{
  SfRng base = { .seed = 1, .stream = 2, .step = 3 };
  SfRng others[] = { { 2, 2, 3 }, { 1, 3, 3 }, { 1, 2, 4 }, { 1 | (uint64_t) 1 << 32, 2, 3 } };
  for (size_t i = 0; i < G_N_ELEMENTS (others); i++)
    SF_CHECK (sf_rng_u64 (&base, 0) != sf_rng_u64 (&others[i], 0));
  SF_CHECK (sf_rng_u64 (&base, 0) != sf_rng_u64 (&base, (uint64_t) 1 << 34));
}

SF_TEST (Rng, PermutationHoldsEachOnce)
{
  SfRng rng = { .seed = 11 };
  for (uint32_t n = 0; n < 70; n++)
    {
      uint32_t order[70];
      uint8_t seen[70] = { 0 };
      sf_rng_permutation (&rng, n, order);
      for (uint32_t i = 0; i < n; i++)
        {
          SF_REQUIRE (order[i] < n);
          SF_CHECK_INT (seen[order[i]]++, 0);
        }
    }
}

/* Each of the 24 orders of four in 24000 draws: 1000 times, within five standard deviations. */
SF_TEST (Rng, PermutationIsFair)
{
  int counts[256] = { 0 };
  for (uint32_t step = 0; step < 24000; step++)
    {
      SfRng rng = { .seed = 5, .step = step };
      uint32_t o[4];
      sf_rng_permutation (&rng, 4, o);
      counts[o[0] * 64 + o[1] * 16 + o[2] * 4 + o[3]]++;
    }
  int n_orders = 0;
  for (int i = 0; i < 256; i++)
    if (counts[i] > 0)
      {
        n_orders++;
        SF_CHECK_NEAR (counts[i], 1000, 5 * sqrt (1000 * 23.0 / 24));
      }
  SF_CHECK_INT (n_orders, 24);
}

SF_TEST (Rng, StreamOfName)
{
  /* Test vectors of the FNV page: "" and "foobar", 32 bits, FNV-1a. */
  SF_CHECK_INT (sf_rng_stream_of (""), 0x811c9dc5);
  SF_CHECK_INT (sf_rng_stream_of ("foobar"), 0xbf9cf968);
}
