/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds a fuzz target its corpus during `make check`: each file whole, cut short, and changed in a
 * few hundred seeded ways.
 *
 * SF_FUZZ_NAME names the target and its folder in tests/fuzz/corpus; each file shows as one test.
 */
#include <string.h>

#include "tests/fuzz/target.h"
#include "tests/support/sftest.h"

enum
{
  MAX_CUTS = 256,
  N_CHANGES = 400
};

/* A copy that ends where its allocation ends, so that ASan sees a read behind it. */
static void
feed (const char *bytes, size_t n)
{
  uint8_t *copy = g_malloc (MAX (n, 1));
  memcpy (copy, bytes, n);
  if (n == 0)
    {
      g_free (copy);
      copy = NULL;
    }
  LLVMFuzzerTestOneInput (copy, n);
  g_free (copy);
}

static void
change (GRand *rand, GString *bytes)
{
  gsize at = bytes->len > 0 ? (gsize) g_rand_int_range (rand, 0, (gint32) bytes->len) : 0;
  switch (g_rand_int_range (rand, 0, 5))
    {
    case 0: /* another byte */
      if (bytes->len > 0)
        bytes->str[at] = (char) g_rand_int_range (rand, 0, 256);
      break;
    case 1: /* one bit */
      if (bytes->len > 0)
        bytes->str[at] ^= (char) (1 << g_rand_int_range (rand, 0, 8));
      break;
    case 2:
      g_string_erase (bytes, (gssize) at, MIN (8, (gssize) (bytes->len - at)));
      break;
    case 3: /* a piece twice */
      {
        g_autofree char *piece = g_strndup (bytes->str + at, MIN (32, bytes->len - at));
        g_string_insert (bytes, (gssize) at, piece);
        break;
      }
    default: /* what lengths and counts go wrong with */
      {
        static const char odd[] = { 0, -1, 127, -128, '"', '{', '(', '9' };
        g_autofree char *run = g_strnfill (4, odd[g_rand_int_range (rand, 0, G_N_ELEMENTS (odd))]);
        if (bytes->len - at >= 4)
          memcpy (bytes->str + at, run, 4);
      }
    }
}

static void
replay (const void *data)
{
  const char *path = data;
  g_autofree char *bytes = NULL;
  gsize n;
  SF_REQUIRE (g_file_get_contents (path, &bytes, &n, NULL));
  feed (bytes, n);
  gsize step = MAX (n / MAX_CUTS, 1);
  for (gsize cut = 0; cut < n; cut += step)
    feed (bytes, cut);
  GRand *rand = g_rand_new_with_seed ((guint32) n);
  for (int i = 0; i < N_CHANGES; i++)
    {
      g_autoptr (GString) changed = g_string_new_len (bytes, (gssize) n);
      for (int k = g_rand_int_range (rand, 1, 4); k > 0; k--)
        change (rand, changed);
      feed (changed->str, changed->len);
    }
  g_rand_free (rand);
}

static void
corpus_is_there (const void *data)
{
  SF_CHECK_MSG (data != NULL,
                "tests/fuzz/corpus/" SF_FUZZ_NAME ": found no file, wanted one at least");
}

__attribute__ ((constructor)) static void
register_corpus (void)
{
  g_autofree char *folder = sf_test_source_path ("tests/fuzz/corpus/" SF_FUZZ_NAME);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name, *any = NULL;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      /* Interned: lives as long as the program, for the test reads it. */
      g_autofree char *built = g_build_filename (folder, name, NULL);
      const char *path = g_intern_string (built);
      g_autofree char *label = g_strdup_printf (SF_FUZZ_NAME "/%s", name);
      sf_test_register ("Fuzz", label, replay, path, __FILE__, __LINE__);
      any = path;
    }
  sf_test_register ("Fuzz", SF_FUZZ_NAME "_corpus", corpus_is_there, any, __FILE__, __LINE__);
}
