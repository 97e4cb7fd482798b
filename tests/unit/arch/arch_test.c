/* SPDX-License-Identifier: Apache-2.0 */
/* Machine descriptions: those that ship agree with the published figures, the grid is a
 * checkerboard, and wrong ones are refused. */
#include <sf/plugin/program.h>

#include <string.h>

#include "tests/support/sftest.h"

typedef struct
{
  const char *name;
  int64_t pcus, pmus; /* per RDU, as published */
  double tflops;      /* bf16, as published; 0: not */
  double sram_mb;
} Published;

static const Published published[] = {
  { "plasticine", 64, 64, 12.3, 16 }, { "sn10", 640, 640, 307, 320 },
  { "sn30", 1280, 1280, 614, 640 },   { "sn40l", 1040, 1040, 638, 520 },
  { "tiny", 24, 24, 0, 1.5 },
};

SF_TEST_CASES (Arch, AgreesWithPublished, published, G_N_ELEMENTS (published), sf_test_row_name)
{
  const Published *p = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load (p->name, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfArchInfo info = sf_arch_info (arch);
  SF_CHECK_STR (info.name, p->name);
  SF_CHECK_INT (info.pcus_per_tile * info.rdu_tiles, p->pcus);
  SF_CHECK_INT (info.pmus_per_tile * info.rdu_tiles, p->pmus);
  double flops = 2.0 * (double) (info.pcu_lanes * info.pcu_stages * p->pcus)
                 * (double) info.clock_hz;
  if (p->tflops > 0)
    SF_CHECK_NEAR (flops / 1e12, p->tflops, p->tflops * 0.01);
  SF_CHECK_NEAR ((double) (info.pmu_bytes * p->pmus) / 1048576.0, p->sram_mb, 0.01);
  g_autofree char *sheet = sf_arch_text (arch);
  SF_CHECK (strstr (sheet, p->name) == sheet && strstr (sheet, "PCU") != NULL);
}

SF_TEST_CASES (Arch, GridHoldsItsUnits, published, G_N_ELEMENTS (published), sf_test_row_name)
{
  const Published *p = data;
  g_autoptr (SfArch) arch = sf_arch_load (p->name, NULL);
  SF_REQUIRE (arch != NULL);
  SfArchInfo info = sf_arch_info (arch);
  int64_t count[SF_UNIT_NONE + 1] = { 0 };
  for (int64_t y = -2; y < info.rows + 2; y++)
    for (int64_t x = -3; x < info.columns + 3; x++)
      {
        SfUnitKind kind = sf_arch_unit_at (arch, x, y);
        count[kind]++;
        bool inside = x >= 0 && x < info.columns && y >= 0 && y < info.rows;
        SF_CHECK (inside == (kind == SF_UNIT_PCU || kind == SF_UNIT_PMU));
        if (inside)
          SF_CHECK (kind == ((x + y) % 2 == 0 ? SF_UNIT_PCU : SF_UNIT_PMU));
      }
  SF_CHECK_INT (count[SF_UNIT_PCU], info.pcus_per_tile);
  SF_CHECK_INT (count[SF_UNIT_PMU], info.pmus_per_tile);
  SF_CHECK_INT (count[SF_UNIT_AGCU], info.agcus_per_tile);
}

SF_TEST (Arch, JsonRoundTrip)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("sn40l", &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autofree char *text = sf_arch_to_json (arch);
  g_autoptr (SfArch) again = sf_arch_from_json (text, strlen (text), &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autofree char *text_again = sf_arch_to_json (again);
  SF_CHECK_STR (text_again, text);
  SF_CHECK_STR (sf_arch_memory_level (again, 0).name, "hbm");
  SF_CHECK_INT (sf_arch_memory_level (again, 1).bytes_per_s, 100000000000);
}

SF_TEST (Arch, UnknownNameListsTheKnown)
{
  g_autoptr (GError) error = NULL;
  SF_CHECK (sf_arch_load ("sn11", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "plasticine, sn10, sn30, sn40l, tiny");
}

/* A line with a figure says where it comes from: a source of the file's head in brackets, or the
 * word assumed. */
SF_TEST_CASES (Arch, EveryFigureHasASource, published, G_N_ELEMENTS (published), sf_test_row_name)
{
  const Published *p = data;
  g_autofree char *relative = g_strdup_printf ("etc/arch/%s.cfg", p->name);
  g_autofree char *path = sf_test_source_path (relative);
  g_autofree char *text = NULL;
  SF_REQUIRE (g_file_get_contents (path, &text, NULL, NULL));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) head = g_string_new (NULL);
  int n = 0;
  for (char **line = lines; *line != NULL; line++)
    {
      const char *equals = strchr (*line, '='), *comment = strchr (*line, '#');
      if (comment == *line)
        g_string_append (head, *line);
      if (equals == NULL || comment == *line || g_str_has_prefix (*line, "name =")
          || strpbrk (equals, "0123456789") == NULL)
        continue;
      n++;
      const char *open = comment != NULL ? strchr (comment, '[') : NULL,
                 *close = open != NULL ? strchr (open, ']') : NULL;
      g_autofree char *source = close != NULL ? g_strndup (open, (gsize) (close - open) + 1) : NULL;
      bool named = source != NULL && strstr (head->str, source) != NULL;
      bool assumed = comment != NULL && strstr (comment, "assumed") != NULL;
      SF_CHECK_MSG (named || assumed, "%s: found no source of the head and no 'assumed' in: %s",
                    relative, *line);
    }
  SF_CHECK (n >= 34);
}

/* What the table lacks would be taken for one slot, silently. */
SF_TEST_CASES (Arch, EveryTileOpHasACost, published, G_N_ELEMENTS (published), sf_test_row_name)
{
  const Published *p = data;
  g_autoptr (SfArch) arch = sf_arch_load (p->name, NULL);
  SF_REQUIRE (arch != NULL);
  for (size_t i = 0; i < sf_tile_op_count (); i++)
    {
      const char *op = sf_tile_op_at (i)->name;
      SF_CHECK_MSG (sf_arch_op_cost (arch, op) != NULL,
                    "etc/arch/ops/pcu.cfg: found no row for %s, wanted one for every tile-op", op);
    }
}

/* sn10 by hand: 640 x 32 x 6 x 2 x 1.25 GHz, 160 of them on a tile, f32 in four steps; 640 PMUs of
 * three ports of 64 bytes; 128 GB/s over 1.25 GHz. */
SF_TEST (Arch, SheetOfSn10)
{
  static const char *const wanted[] = {
    "1.25 GHz",
    "160 PCUs, 160 PMUs, 32 AGCUs per RDU tile, grid 20 x 16; 640 PCUs, 640 PMUs per RDU",
    "32 lanes x 6 stages",
    " 0.480 ",  /* TFLOPS of a PCU in bf16 */
    " 76.8 ",   /* of a tile */
    " 307.2\n", /* of an RDU */
    " 0.120 ",
    " 19.2 ", /* in f32 */
    "512 KiB in 16 banks; 80.0 MiB per RDU tile, 320.0 MiB per RDU",
    "153.6 TB/s per RDU",
    "8 channels each way (vectors a cycle, 512 bytes/cycle), at most 64 nets a link",
    "1536.0 GiB, 128.0 GB/s = 102.40 bytes/cycle per RDU, first byte after 120 ns = 150 cycles",
    "10.0 us = 12500 cycles",
    "1 tail pass a result: ",
    "\n    ACmCmCmCmCmCmCmCmCmCmA\n    AmCmC",
  };
  g_autoptr (SfArch) arch = sf_arch_load ("sn10", NULL);
  SF_REQUIRE (arch != NULL);
  g_autofree char *sheet = sf_arch_text (arch);
  for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++)
    SF_CHECK_MSG (strstr (sheet, wanted[i]) != NULL, "no '%s' in\n%s", wanted[i], sheet);
}

typedef struct
{
  const char *name, *from, *to; /* tiny.cfg with one piece of text replaced */
  const char *message;
} BadCase;

static const BadCase bad_cases[] = {
  { "missing_key", "clock_hz", "clock_hertz", "clock_hz" },
  { "unknown_key", "rdu_tiles = 1;", "rdu_tiles = 1; rdu_tile = 1;", "rdu_tile" },
  { "zero_tiles", "rdu_tiles = 1", "rdu_tiles = 0", "rdu_tiles is 0, wanted 1 to 64" },
  { "grid_disagrees", "columns = 8", "columns = 10",
    "wanted 30 and 30, the checkerboard of 10 x 6" },
  { "too_many_agcus", "agcus_per_tile = 12", "agcus_per_tile = 13",
    "agcus_per_tile is 13, wanted at most 12" },
  { "huge", "pmu_bytes = 65536", "pmu_bytes = 99999999999L", "pmu_bytes is 99999999999" },
  { "no_memory",
    "{ name = \"ddr\"; bytes = 1073741824L; bytes_per_s = 8000000000L; latency_ns = 100; }", "",
    "memory has 0 levels" },
  { "memory_size", "bytes = 1073741824L", "bytes = 0", "memory level 0 (ddr) has 0 bytes" },
  { "text_for_number", "rows = 6", "rows = \"6\"", "rows" },
};

SF_TEST_CASES (Arch, Refuses, bad_cases, G_N_ELEMENTS (bad_cases), sf_test_row_name)
{
  const BadCase *c = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *source = sf_test_source_path ("etc/arch/tiny.cfg");
  g_autofree char *text = NULL;
  SF_REQUIRE (g_file_get_contents (source, &text, NULL, NULL));
  g_auto (GStrv) parts = g_strsplit (text, c->from, 2);
  SF_REQUIRE (g_strv_length (parts) == 2);
  g_autofree char *changed = g_strjoinv (c->to, parts);
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *path = sf_test_write_file (folder, "bad.cfg", changed, -1);
  SF_CHECK (sf_arch_load (path, &error) == NULL);
  SF_REQUIRE (error != NULL);
  SF_CHECK_MSG (strstr (error->message, c->message) != NULL, "%s", error->message);
  SF_CHECK (error->code == SF_ERROR_INVALID_DATA || error->code == SF_ERROR_INVALID_ARGUMENT);
}
