/* A dataset made up on the spot: points of the unit square, labelled by whether their coordinates
 * lie on one side of the middle (xor). */
#include <sf/plugin/dataset.h>

#include <string.h>

#include <sf/rng.h>

typedef struct
{
  SfRng rng; /* a row is a function of its number: nothing is stored, reading is thread-safe */
  int64_t n_rows;
} Xor;

/* Files that end in ".@name@" are ours; their content does not matter. */
static int
probe (const char *path)
{
  return g_str_has_suffix (path, ".@name@") ? 100 : 0;
}

static void *
open_xor (const char *path, const char *split, const SfOptionValues *options, GError **error)
{
  Xor *set = g_new0 (Xor, 1);
  set->rng.seed = 1;
  set->rng.stream = sf_rng_stream_of (split);
  set->n_rows = sf_option_int (options, "rows");
  return set;
}

static int64_t
n_rows (void *instance)
{
  return ((Xor *) instance)->n_rows;
}

static size_t
n_fields (void *instance)
{
  return 2;
}

static bool
field (void *instance, size_t index, SfDatasetField *out, GError **error)
{
  const int64_t two = 2;
  out->name = index == 0 ? "x" : "labels";
  out->dtype = index == 0 ? SF_F32 : SF_I32;
  out->shape = index == 0 ? sf_shape (1, &two) : sf_shape_scalar ();
  return true;
}

static bool
read_rows (void *instance, size_t index, const int64_t *rows, size_t n, void *out, GError **error)
{
  const Xor *set = (const Xor *) instance;
  for (size_t i = 0; i < n; i++)
    {
      float x[2] = { sf_rng_uniform (&set->rng, (uint64_t) rows[i] * 2),
                     sf_rng_uniform (&set->rng, (uint64_t) rows[i] * 2 + 1) };
      if (index == 0)
        memcpy ((float *) out + 2 * i, x, sizeof x);
      else
        ((int32_t *) out)[i] = (x[0] < 0.5f) != (x[1] < 0.5f);
    }
  return true;
}

static const SfOption options[] = {
  { .name = "rows",
    .type = SF_OPTION_INT,
    .def = "2000",
    .min = 1,
    .max = 1e6,
    .arg = "N",
    .help = "rows of a split" },
  { .name = NULL },
};

static const SfDatasetOps ops = {
  .size = sizeof (SfDatasetOps),
  .probe = probe,
  .open = open_xor,
  .close = g_free,
  .n_rows = n_rows,
  .n_fields = n_fields,
  .field = field,
  .read = read_rows,
};

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_DATASET, "@name@", "1.0",
                  "points labelled by xor, made up on the spot"),
  .options = options,
  .ops = { .dataset = &ops },
};
