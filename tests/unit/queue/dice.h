/* SPDX-License-Identifier: Apache-2.0 */
/* What random work for the scheduler is made of. */
#ifndef SF_TESTS_UNIT_QUEUE_DICE_H
#define SF_TESTS_UNIT_QUEUE_DICE_H

#include <sf/rng.h>
#include <string.h>

#define NOW        INT64_C (1795435200000000)
#define N_PROJECTS 3

static const char *const project_names[N_PROJECTS] = { "vision", "speech", "nightly" };

typedef struct
{
  SfRng rng;
  uint64_t at;
} Dice;

/* 0 .. n - 1 */
static inline int64_t
roll (Dice *dice, int64_t n)
{
  return (int64_t) (sf_rng_u64 (&dice->rng, dice->at++) % (uint64_t) n);
}

/* Its number; a name that is none of them is a defect of the test. */
static inline int
project_of (const char *name)
{
  int i = 0;
  while (strcmp (project_names[i], name) != 0)
    i++;
  return i;
}

#endif
