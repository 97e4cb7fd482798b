/* SPDX-License-Identifier: Apache-2.0 */
/* Items made ahead: in order, from anywhere, with their errors, and stopped at any time. */
#include "core/run/ahead.h"

#include "tests/support/sftest.h"

enum
{
  N_ITEMS = 40
};

typedef struct
{
  int64_t items[16]; /* by place */
  int64_t factor;    /* item i is i times this */
  int64_t broken;    /* item that cannot be made; -1: none */
  int64_t n_made;
} Maker;

static bool
make_item (void *user_data, int64_t index, int64_t place, GError **error)
{
  Maker *maker = user_data;
  maker->n_made++;
  if (index == maker->broken)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "item %d is broken", (int) index);
  maker->items[place] = index * maker->factor;
  return true;
}

/* Takes item `index` and checks it. */
static void
check_item (SfAhead *ahead, const Maker *maker, int64_t per_block, int64_t index)
{
  g_autoptr (GError) error = NULL;
  int64_t place = -1;
  SF_CHECK (sf_ahead_take (ahead, index, &place, &error));
  SF_REQUIRE_NO_ERROR (error);
  SF_REQUIRE (place >= 0 && place < 2 * per_block);
  SF_CHECK_INT (maker->items[place], index * maker->factor);
}

SF_TEST (Ahead, InOrderAndFromAnywhere)
{
  static const int64_t jumps[] = { 0, 39, 7, 7, 6, 38, 39, 0 };
  for (int64_t per_block = 1; per_block <= 8; per_block++)
    {
      g_autoptr (GError) error = NULL;
      Maker maker = { .factor = 3, .broken = -1 };
      SfAhead *ahead = sf_ahead_new (per_block, make_item, &maker, &error);
      SF_REQUIRE_NO_ERROR (error);
      sf_ahead_start (ahead, 0, N_ITEMS);
      for (int64_t i = 0; i < N_ITEMS; i++)
        check_item (ahead, &maker, per_block, i);
      /* Each was made once: nothing was begun anew. */
      sf_ahead_pause (ahead);
      SF_CHECK_INT (maker.n_made, N_ITEMS);
      for (size_t i = 0; i < G_N_ELEMENTS (jumps); i++)
        check_item (ahead, &maker, per_block, jumps[i]);
      sf_ahead_free (ahead);
    }
}

/* No more than two blocks are made before the user takes one. */
SF_TEST (Ahead, IsBounded)
{
  g_autoptr (GError) error = NULL;
  Maker maker = { .factor = 1, .broken = -1 };
  SfAhead *ahead = sf_ahead_new (4, make_item, &maker, &error);
  SF_REQUIRE_NO_ERROR (error);
  sf_ahead_start (ahead, 0, N_ITEMS);
  check_item (ahead, &maker, 4, 0);
  g_usleep (20000);
  sf_ahead_pause (ahead);
  SF_CHECK (maker.n_made >= 4 && maker.n_made <= 8);
  sf_ahead_free (ahead);
}

/* What was made under the old rule is not handed over after a pause. */
SF_TEST (Ahead, PauseDropsWhatIsThere)
{
  g_autoptr (GError) error = NULL;
  Maker maker = { .factor = 1, .broken = -1 };
  SfAhead *ahead = sf_ahead_new (3, make_item, &maker, &error);
  SF_REQUIRE_NO_ERROR (error);
  for (int64_t round = 1; round < 50; round++)
    {
      sf_ahead_pause (ahead);
      maker.factor = round;
      sf_ahead_start (ahead, round % N_ITEMS, N_ITEMS);
      for (int64_t i = round % N_ITEMS; i < N_ITEMS && i < round % 7; i++)
        check_item (ahead, &maker, 3, i);
    }
  sf_ahead_free (ahead);
}

SF_TEST (Ahead, AnErrorComesWithItsItem)
{
  for (int64_t per_block = 1; per_block <= 4; per_block++)
    for (int64_t broken = 0; broken < 6; broken++)
      {
        g_autoptr (GError) error = NULL;
        Maker maker = { .factor = 2, .broken = broken };
        int64_t place;
        SfAhead *ahead = sf_ahead_new (per_block, make_item, &maker, &error);
        SF_REQUIRE_NO_ERROR (error);
        sf_ahead_start (ahead, 0, N_ITEMS);
        for (int64_t i = 0; i < broken; i++)
          check_item (ahead, &maker, per_block, i);
        for (int again = 0; again < 2; again++)
          {
            g_autofree char *message = g_strdup_printf ("item %d is broken", (int) broken);
            SF_CHECK (!sf_ahead_take (ahead, broken, &place, &error));
            SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, message);
          }
        check_item (ahead, &maker, per_block, broken + 1);
        if (broken > 0)
          check_item (ahead, &maker, per_block, broken - 1);
        sf_ahead_free (ahead);
      }
}

SF_TEST (Ahead, FreedInTheMiddle)
{
  for (int round = 0; round < 50; round++)
    {
      g_autoptr (GError) error = NULL;
      Maker maker = { .factor = 1, .broken = -1 };
      SfAhead *ahead = sf_ahead_new (1 + round % 8, make_item, &maker, &error);
      SF_REQUIRE_NO_ERROR (error);
      if (round % 3 > 0)
        sf_ahead_start (ahead, 0, N_ITEMS);
      if (round % 3 > 1)
        check_item (ahead, &maker, 1 + round % 8, 0);
      sf_ahead_free (ahead);
    }
}
