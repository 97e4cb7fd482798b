/* SPDX-License-Identifier: Apache-2.0 */
/* The readable sheet of a machine. */
#include <sf/plugin/arch.h>

#include <inttypes.h>

static void
put_grid (GString *out, const SfArch *arch)
{
  SfArchInfo info = sf_arch_info (arch);
  static const char marks[]
      = { [SF_UNIT_PCU] = 'C', [SF_UNIT_PMU] = 'm', [SF_UNIT_AGCU] = 'A', [SF_UNIT_NONE] = ' ' };
  g_string_append (out, "grid of one RDU tile (C PCU, m PMU, A AGCU)\n");
  for (int64_t y = 0; y < info.rows; y++)
    {
      g_string_append (out, "  ");
      for (int64_t x = -1; x <= info.columns; x++)
        g_string_append_c (out, marks[sf_arch_unit_at (arch, x, y)]);
      g_string_append_c (out, '\n');
    }
}

char *
sf_arch_text (const SfArch *arch)
{
  SfArchInfo i = sf_arch_info (arch);
  double flops = 2.0 * (double) (i.pcu_lanes * i.pcu_stages)
                 * (double) (i.pcus_per_tile * i.rdu_tiles) * (double) i.clock_hz;
  double sram = (double) (i.pmu_bytes * i.pmus_per_tile * i.rdu_tiles);
  GString *out = g_string_new (NULL);
  g_string_append_printf (out, "%s\n", i.name);
  g_string_append_printf (out, "  clock            %.2f GHz\n", (double) i.clock_hz / 1e9);
  g_string_append_printf (out, "  RDU tiles        %" PRId64 " per RDU\n", i.rdu_tiles);
  g_string_append_printf (out,
                          "  units            %" PRId64 " PCUs, %" PRId64 " PMUs, %" PRId64
                          " AGCUs per RDU tile, grid %" PRId64 " x %" PRId64 "\n",
                          i.pcus_per_tile, i.pmus_per_tile, i.agcus_per_tile, i.columns, i.rows);
  g_string_append_printf (
      out,
      "  PCU              %" PRId64 " lanes x %" PRId64 " stages; a systolic step takes %" PRId64
      " cycles in bf16, %" PRId64 " in f32\n",
      i.pcu_lanes, i.pcu_stages, i.matrix_cycles[SF_WIDTH_16], i.matrix_cycles[SF_WIDTH_32]);
  g_string_append_printf (out, "  peak             %.1f TFLOPS bf16 per RDU\n", flops / 1e12);
  g_string_append_printf (
      out, "  PMU              %" PRId64 " KiB in %" PRId64 " banks; %.1f MiB per RDU\n",
      i.pmu_bytes / 1024, i.pmu_banks, sram / 1048576.0);
  g_string_append_printf (out,
                          "  switches         vector %" PRId64 " channels of %" PRId64
                          " bytes/cycle, scalar %" PRId64 ", control %" PRId64 ", per direction\n",
                          i.channels[SF_NETWORK_VECTOR], i.vector_bytes,
                          i.channels[SF_NETWORK_SCALAR], i.channels[SF_NETWORK_CONTROL]);
  g_string_append_printf (out, "  section load     %.1f us\n", (double) i.config_load_ns / 1e3);
  for (size_t k = 0; k < i.n_memory_levels; k++)
    {
      SfMemoryLevel level = sf_arch_memory_level (arch, k);
      g_string_append_printf (out, "  memory %-9s %.1f GiB at %.1f GB/s\n", level.name,
                              (double) level.bytes / 1073741824.0,
                              (double) level.bytes_per_s / 1e9);
    }
  put_grid (out, arch);
  return g_string_free (out, FALSE);
}
