/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged, truncated, crafted and foreign PEFs are refused with what to do; none is followed. */
#include <string.h>

#include "pef/layout.h"
#include "pef/pef.h"
#include "pef/writer.h"
#include "tests/support/sftest.h"
#include "tests/unit/pef/sample.h"

static uint8_t *
sample_bytes (size_t *n)
{
  g_autoptr (SfPef) pef = sample_pef ();
  const uint8_t *data = sf_pef_data (pef, n);
  return g_memdup2 (data, *n);
}

static void
redigest (uint8_t *bytes, size_t n)
{
  uint8_t digest[16];
  pef_digest (bytes, n, digest);
  memcpy (bytes + G_STRUCT_OFFSET (PefHeader, digest), digest, sizeof digest);
}

/* Whether the bytes are refused with INVALID_DATA and a remedy. */
static bool
is_refused (const uint8_t *bytes, size_t n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfPef) pef = sf_pef_from_bytes (bytes, n, &error);
  return pef == NULL && g_error_matches (error, SF_ERROR, SF_ERROR_INVALID_DATA)
         && strstr (error->message, "; ") != NULL;
}

SF_TEST (PefDamage, EveryFlippedByteIsRefused)
{
  size_t n;
  g_autofree uint8_t *bytes = sample_bytes (&n);
  for (size_t i = 0; i < n; i++)
    {
      uint8_t kept = bytes[i];
      bytes[i] ^= (uint8_t) (1u << (i % 8));
      SF_CHECK_MSG (is_refused (bytes, n), "byte %zu of %zu flipped and not refused", i, n);
      bytes[i] = kept;
    }
  SF_CHECK (!is_refused (bytes, n));
}

SF_TEST (PefDamage, EveryTruncationIsRefused)
{
  size_t n;
  g_autofree uint8_t *bytes = sample_bytes (&n);
  for (size_t i = 0; i < n; i++)
    SF_CHECK_MSG (is_refused (bytes, i), "%zu of %zu bytes not refused", i, n);
  g_autofree uint8_t *longer = g_malloc0 (n + 1);
  memcpy (longer, bytes, n);
  SF_CHECK (is_refused (longer, n + 1));
}

/* With the digest made right, a wild word is refused or harmless (a name, a weight); never
 * followed. */
SF_TEST (PefDamage, CraftedWordsAreRefusedOrHarmless)
{
  static const uint32_t wild[] = { UINT32_MAX, 0x80000000u, 0x00010000u, 1, 0 };
  size_t n, n_refused = 0;
  g_log_set_always_fatal (
      (GLogLevelFlags) (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK));
  g_autofree uint8_t *bytes = sample_bytes (&n);
  for (size_t i = sizeof (PefHeader); i + 4 <= n; i += 4)
    for (size_t k = 0; k < G_N_ELEMENTS (wild); k++)
      {
        uint32_t kept;
        memcpy (&kept, bytes + i, 4);
        memcpy (bytes + i, &wild[k], 4);
        redigest (bytes, n);
        g_autoptr (GError) error = NULL;
        g_autoptr (SfPef) pef = sf_pef_from_bytes (bytes, n, &error);
        n_refused += pef == NULL;
        SF_CHECK ((pef == NULL) == (error != NULL));
        if (pef != NULL)
          SF_CHECK (
              sf_program_verify (sf_pef_program (pef), sf_pef_arch (pef), SF_CHECK_MEMORY, NULL));
        memcpy (bytes + i, &kept, 4);
      }
  SF_CHECK_MSG (n_refused > n / 4, "only %zu refused", n_refused);
}

/* The section's record in the table of `bytes`. */
static PefSection *
find_section (uint8_t *bytes, const char *name)
{
  PefHeader *header = (PefHeader *) (void *) bytes;
  PefSection *sections = (PefSection *) (void *) (bytes + sizeof *header);
  for (uint32_t i = 0; i < header->n_sections; i++)
    if (strcmp (sections[i].name, name) == 0)
      return &sections[i];
  return NULL;
}

typedef struct
{
  const char *name;
  const char *section;
  size_t offset; /* of the word in record 0 */
  uint32_t value;
  const char *message;
} CraftCase;

static const CraftCase craft_cases[] = {
  { "binding_tensor", "bindings", G_STRUCT_OFFSET (PefBinding, tensor), 1000,
    "tensor 1000 does not exist" },
  { "binding_offset", "bindings", 0, 1, "wanted all inside" },
  { "operand_buffer", "operands", G_STRUCT_OFFSET (PefOperand, buffer), 77,
    "buffer 77 does not exist" },
  { "operand_accesses", "operands", G_STRUCT_OFFSET (PefOperand, accesses), 1 << 30,
    "of section accesses" },
  { "dims_range", "tensors", G_STRUCT_OFFSET (PefTensor, dims.first), UINT32_MAX,
    "of section dims" },
  { "record_count", "configs", G_STRUCT_OFFSET (PefConfig, buffers.n), UINT32_MAX,
    "of section buffers" },
  { "shared_records", "configs", G_STRUCT_OFFSET (PefConfig, stages.n), 3, "more than one owner" },
  { "string", "tensors", 0, 1 << 20, "outside" },
  { "tensor_data", "tensors", sizeof (PefTensor) + G_STRUCT_OFFSET (PefTensor, data), 1 << 20,
    "bytes of data" },
  { "instr_sources", "instrs", G_STRUCT_OFFSET (PefInstr, n_src), 9, "9 sources" },
  { "instr_operand", "instrs", G_STRUCT_OFFSET (PefInstr, src), 50, "operand 50" },
  { "stream_buffer", "streams", 0, 9, "buffer 9 does not exist" },
  { "launch_config", "launches", G_STRUCT_OFFSET (PefLaunch, config), 3,
    "config 3 does not exist" },
  { "place_owner", "places", G_STRUCT_OFFSET (PefPlace, owner), 9, "owner 9" },
  { "route_source", "routes", G_STRUCT_OFFSET (PefRoute, source), 999, "does not exist" },
  { "hop", "hops", 0, 1000, "neighbouring switches" },
  { "node_input", "nodes", G_STRUCT_OFFSET (PefNode, inputs.first), 1 << 30, "of section words" },
  { "value_node", "values", 3 * sizeof (PefValue) + G_STRUCT_OFFSET (PefValue, node), 4,
    "is made by node 4" },
  { "counter_kind", "counters", G_STRUCT_OFFSET (PefCounter, kind), 7, "unknown kind" },
  { "section_offset", NULL, G_STRUCT_OFFSET (PefSection, offset), 0, "section meta lies at" },
  { "section_bytes", NULL, G_STRUCT_OFFSET (PefSection, bytes), 1 << 30, "section meta lies at" },
  { "section_align", NULL, G_STRUCT_OFFSET (PefSection, align), 3, "make no sense" },
};

SF_TEST_CASES (PefDamage, Crafted, craft_cases, G_N_ELEMENTS (craft_cases), sf_test_row_name)
{
  const CraftCase *c = data;
  g_autoptr (GError) error = NULL;
  size_t n;
  g_autofree uint8_t *bytes = sample_bytes (&n);
  uint8_t *at = bytes + sizeof (PefHeader);
  if (c->section != NULL)
    {
      PefSection *section = find_section (bytes, c->section);
      SF_REQUIRE (section != NULL);
      at = bytes + section->offset;
    }
  memcpy (at + c->offset, &c->value, 4);
  redigest (bytes, n);
  SF_CHECK (sf_pef_from_bytes (bytes, n, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, c->message);
}

SF_TEST (PefDamage, NewerVersionIsIncompatible)
{
  g_autoptr (GError) error = NULL;
  size_t n;
  g_autofree uint8_t *bytes = sample_bytes (&n);
  ((PefHeader *) (void *) bytes)->version = PEF_VERSION + 1;
  redigest (bytes, n);
  SF_CHECK (sf_pef_from_bytes (bytes, n, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INCOMPATIBLE,
                  "PEF version 2, wanted 1; open it with the newer Spatialflow");
}

/* The debug map is not critical: under another name it is passed over, unless the file says that it
 * matters. */
SF_TEST (PefDamage, UnknownSections)
{
  g_autoptr (GError) error = NULL;
  size_t n;
  g_autofree uint8_t *bytes = sample_bytes (&n);
  PefSection *section = find_section (bytes, "origins");
  SF_REQUIRE (section != NULL);
  memcpy (section->name, "novelty", 8);
  redigest (bytes, n);
  g_autoptr (SfPef) pef = sf_pef_from_bytes (bytes, n, &error);
  SF_CHECK_NO_ERROR (error);
  SF_CHECK (pef != NULL && sf_launch_origin (sf_pef_program (pef), 0, 0, 2) == SF_NONE);
  section->flags = PEF_CRITICAL;
  redigest (bytes, n);
  SF_CHECK (sf_pef_from_bytes (bytes, n, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INCOMPATIBLE, "section novelty is not known here");
}
