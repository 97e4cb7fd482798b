/* SPDX-License-Identifier: Apache-2.0 */
/* A PEF keeps what it was built from, byte for byte the same each time, in memory and through a
 * file. */
#include "tests/unit/pef/sample.h"

#include <string.h>

#include <sf/json.h>

#include "tests/support/sftest.h"
#include "tests/unit/program/sample.h"

static size_t
count_bytes (const uint8_t *data, size_t n, const void *needle, size_t n_needle)
{
  size_t found = 0;
  for (size_t i = 0; i + n_needle <= n; i++)
    found += memcmp (data + i, needle, n_needle) == 0;
  return found;
}

SF_TEST (Pef, KeepsProgramAndGraphs)
{
  g_autoptr (SfPef) pef = sample_pef ();
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  g_autofree char *wanted = sf_program_text (program),
                  *found = sf_program_text (sf_pef_program (pef));
  SF_CHECK_STR (found, wanted);
  g_autoptr (SfModule) module = sample_module ();
  g_autofree char *graph = sf_graph_text (sf_module_graph (module, "train"));
  g_autofree char *kept = sf_graph_text (sf_module_graph (sf_pef_source (pef), "train"));
  SF_CHECK_STR (kept, graph);
  SF_CHECK_INT (sf_launch_origin (sf_pef_program (pef), 0, 0, 2), 5);
  SF_CHECK_STR (sf_launch_stage_name (sf_pef_program (pef), 0, 0, 0), "fc1+relu");
  g_autofree char *machine = sf_arch_to_json (arch),
                  *machine_kept = sf_arch_to_json (sf_pef_arch (pef));
  SF_CHECK_STR (machine_kept, machine);
}

SF_TEST (Pef, KeepsFacts)
{
  g_autoptr (SfPef) pef = sample_pef ();
  SF_CHECK_STR (sf_pef_name (pef), "sample");
  SF_CHECK_STR (sf_pef_fact (pef, "batch_size"), "8");
  SF_CHECK_STR (sf_pef_fact (pef, "absent"), NULL);
  const char *const *keys = sf_pef_fact_keys (pef);
  SF_CHECK_STR (keys[0], "batch_size");
  SF_CHECK_STR (keys[1], "model");
  SF_CHECK (keys[2] == NULL);
  g_autofree char *digest = sf_graph_digest (sf_module_graph (sf_pef_source (pef), "train"));
  SF_CHECK_STR (sf_pef_graph_digest (pef), digest);
  SF_CHECK_STR (sf_module_fact (sf_pef_source (pef), "model"), "sample.cfg");
}

SF_TEST (Pef, WeightsAreStoredOnceAndAligned)
{
  g_autoptr (SfPef) pef = sample_pef ();
  SfProgramTensor w = sf_program_tensor (sf_pef_program (pef), SAMPLE_W);
  SF_REQUIRE (w.data != NULL);
  SF_CHECK_INT ((uintptr_t) w.data % 64, 0);
  SF_CHECK_NEAR (((const float *) w.data)[1], -2, 0);
  size_t n;
  const uint8_t *bytes = sf_pef_data (pef, &n);
  SF_CHECK_INT (count_bytes (bytes, n, w.data, 96), 1);
}

SF_TEST (Pef, SameInputSameBytes)
{
  g_autoptr (SfPef) a = sample_pef ();
  g_autoptr (SfPef) b = sample_pef ();
  size_t n_a, n_b;
  const uint8_t *data_a = sf_pef_data (a, &n_a), *data_b = sf_pef_data (b, &n_b);
  SF_REQUIRE (n_a == n_b);
  SF_CHECK (memcmp (data_a, data_b, n_a) == 0);
  SF_CHECK_STR (sf_pef_digest (a), sf_pef_digest (b));
}

SF_TEST (Pef, ThroughAFile)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *path = g_build_filename (folder, "a.pef", NULL);
  g_autoptr (SfPef) pef = sample_pef ();
  sf_pef_save (pef, path, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfPef) opened = sf_pef_open (path, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (sf_pef_digest (opened), sf_pef_digest (pef));
  g_autofree char *wanted = sf_program_text (sf_pef_program (pef));
  g_autofree char *found = sf_program_text (sf_pef_program (opened));
  SF_CHECK_STR (found, wanted);
  SF_CHECK_STR (sf_pef_name (opened), path);
  SF_CHECK (sf_pef_open ("/nowhere/a.pef", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "/nowhere/a.pef");
}

SF_TEST (Pef, StripLeavesTheProgram)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = sf_test_tmpdir ();
  g_autofree char *path = g_build_filename (folder, "a.pef", NULL);
  g_autoptr (SfPef) pef = sample_pef ();
  g_autoptr (SfPef) stripped = sf_pef_strip (pef, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_pef_source (stripped) == NULL);
  SF_CHECK_STR (sf_pef_graph_digest (stripped), sf_pef_graph_digest (pef));
  SF_CHECK_STR (sf_pef_fact (stripped, "batch_size"), "8");
  SF_CHECK_INT (sf_launch_origin (sf_pef_program (stripped), 0, 0, 2), SF_NONE);
  g_autofree char *wanted = sf_program_text (sf_pef_program (pef));
  g_autofree char *found = sf_program_text (sf_pef_program (stripped));
  SF_CHECK_STR (found, wanted);
  sf_pef_save (pef, path, &error);
  SF_REQUIRE_NO_ERROR (error);
  g_autoptr (SfPef) opened = sf_pef_open (path, &error);
  g_autoptr (SfPef) again = sf_pef_strip (opened, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_STR (sf_pef_digest (again), sf_pef_digest (stripped));
}

SF_TEST (Pef, DescribedForPeople)
{
  g_autoptr (SfPef) pef = sample_pef ();
  g_autofree char *text = sf_pef_describe_text (pef);
  SF_CHECK (strstr (text, "entry train: 4 launches, 1 of them on the host\n") != NULL);
  /* Vectors: 2 streams in, 2 buffers to the stage, 3 PCUs to h, its 2 PMUs to memory; credits: from
   * the stage to both streams, from memory to the stage. */
  SF_CHECK (strstr (text, "section 0: 3 of 24 PCUs, 4 of 24 PMUs, 3 streams, 11 nets over ")
            != NULL);
  /* Row 0 of the grid: two AGCUs at the ends, the stage's PCUs, x and w and h on PMUs. */
  SF_CHECK_MSG (strstr (text, "    *AaAbAc.c*\n") != NULL, "%s", text);
}

SF_TEST (Pef, DescribedForPrograms)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfPef) pef = sample_pef ();
  g_autofree char *text = sf_pef_describe_json (pef);
  g_autoptr (json_t) root = sf_json_parse (text, strlen (text), "description", &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (json_array_size (json_object_get (root, "tensors")), 7);
  SF_CHECK_INT (json_array_size (json_object_get (root, "configs")), 3);
  json_t *config = json_array_get (json_object_get (root, "configs"), 0);
  SF_CHECK_INT (json_array_size (json_object_get (config, "places")), 10);
  SF_CHECK_INT (json_array_size (json_object_get (config, "routes")), 11);
  json_t *stage = json_array_get (json_object_get (config, "stages"), 0);
  SF_CHECK_INT (json_integer_value (json_object_get (stage, "flops")), 384);
  SF_CHECK_INT (json_array_size (json_object_get (stage, "operands")), 4);
}

SF_TEST (Pef, UnsoundProgramIsNotWritten)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = sf_arch_load ("tiny", NULL);
  g_autoptr (SfProgram) program = sample_program (NULL, arch);
  sf_program_set_memory (program, SAMPLE_W, 0, 0);
  SF_CHECK (sf_pef_build (NULL, program, arch, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, "overlap");
}

/* Seeds that the reader refuses at once would fuzz nothing behind its first check. */
SF_TEST (Pef, FuzzCorpusIsOfThisFormat)
{
  static const char *const files[] = { "sample.pef", "stripped.pef" };
  for (size_t i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *relative = g_strconcat ("tests/fuzz/corpus/pef/", files[i], NULL);
      g_autofree char *path = sf_test_source_path (relative);
      g_autoptr (GError) error = NULL;
      g_autoptr (SfPef) pef = sf_pef_open (path, &error);
      SF_CHECK_MSG (pef != NULL, "%s; save sample_pef () and what sf_pef_strip makes of it there",
                    error != NULL ? error->message : relative);
    }
}
