/* SPDX-License-Identifier: Apache-2.0 */
/* The readable sheet of a machine. */
#include <inttypes.h>
#include <string.h>

#include "core/arch/arch.h"

#define LINE_CHARS 100

static void G_GNUC_PRINTF (3, 4) put (GString *out, const char *what, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_string_append_printf (out, "  %-17s", what);
  g_string_append_vprintf (out, format, args);
  g_string_append_c (out, '\n');
  va_end (args);
}

/* ---- units ---- */

static void
put_units (GString *out, const SfArchInfo *i)
{
  put (out, "clock", "%.2f GHz", (double) i->clock_hz / 1e9);
  put (out, "RDU tiles", "%" PRId64 " per RDU", i->rdu_tiles);
  put (out, "units",
       "%" PRId64 " PCUs, %" PRId64 " PMUs, %" PRId64 " AGCUs per RDU tile, grid %" PRId64
       " x %" PRId64 "; %" PRId64 " PCUs, %" PRId64 " PMUs per RDU",
       i->pcus_per_tile, i->pmus_per_tile, i->agcus_per_tile, i->columns, i->rows,
       i->pcus_per_tile * i->rdu_tiles, i->pmus_per_tile * i->rdu_tiles);
  put (out, "PCU",
       "%" PRId64 " lanes x %" PRId64 " stages, %" PRId64
       " cycles from header to tail; a tail unit of %" PRId64 " lanes",
       i->pcu_lanes, i->pcu_stages, i->pcu_latency_cycles, i->pcu_lanes);
  double port = (double) i->vector_bytes * (double) i->clock_hz, tile = (double) i->pmus_per_tile,
         rdu = tile * (double) i->rdu_tiles;
  int64_t ports = i->pmu_read_ports + i->pmu_write_ports;
  put (out, "PMU", "%" PRId64 " KiB in %" PRId64 " banks; %.1f MiB per RDU tile, %.1f MiB per RDU",
       i->pmu_bytes / 1024, i->pmu_banks, (double) i->pmu_bytes * tile / 1048576,
       (double) i->pmu_bytes * rdu / 1048576);
  put (out, "PMU ports",
       "%" PRId64 " vectors read and %" PRId64
       " written a cycle, %.0f GB/s; %.1f TB/s per RDU tile,"
       " %.1f TB/s per RDU",
       i->pmu_read_ports, i->pmu_write_ports, port * (double) ports / 1e9,
       port * (double) ports * tile / 1e12, port * (double) ports * rdu / 1e12);
}

/* ---- rates ---- */

/* The array does lanes x stages multiply-adds in a step of `cycles`, the pipeline as many results.
 */
static double
tera_per_s (const SfArchInfo *i, int64_t ops, int64_t cycles, int64_t units)
{
  return (double) (ops * i->pcu_lanes * i->pcu_stages * units) * (double) i->clock_hz
         / (double) cycles / 1e12;
}

static void
put_rate (GString *out, const SfArchInfo *i, const char *what, const char *unit, int64_t ops,
          const int64_t cycles[SF_N_WIDTHS])
{
  static const char *const widths[] = { [SF_WIDTH_8] = "  8 bit (i8)",
                                        [SF_WIDTH_16] = "  16 bit (bf16)",
                                        [SF_WIDTH_32] = "  32 bit (f32)" };
  put (out, what, "cycles a step  %6s per PCU  per RDU tile  per RDU", unit);
  for (size_t w = 0; w < SF_N_WIDTHS; w++)
    put (out, widths[w], "%13" PRId64 " %15.3f %13.1f %8.1f", cycles[w],
         tera_per_s (i, ops, cycles[w], 1), tera_per_s (i, ops, cycles[w], i->pcus_per_tile),
         tera_per_s (i, ops, cycles[w], i->pcus_per_tile * i->rdu_tiles));
}

/* ---- networks ---- */

static void
put_networks (GString *out, const SfArchInfo *i)
{
  static const struct
  {
    const char *name, *moves;
  } networks[] = { [SF_NETWORK_VECTOR] = { "vector", "vectors" },
                   [SF_NETWORK_SCALAR] = { "scalar", "elements" },
                   [SF_NETWORK_CONTROL] = { "control", "tokens" } };
  put (out, "switches",
       "one at every place; vectors of %" PRId64 " bytes, cycles of a hop: %" PRId64
       ", vectors of a net held at each: %" PRId64,
       i->vector_bytes, i->hop_cycles, i->fifo_vectors);
  for (size_t n = 0; n < SF_N_NETWORKS; n++)
    {
      g_autofree char *what = g_strdup_printf ("  %s", networks[n].name);
      g_autofree char *rate = n == SF_NETWORK_VECTOR ? g_strdup_printf (
                                  ", %" PRId64 " bytes/cycle", i->channels[n] * i->vector_bytes)
                                                     : g_strdup ("");
      put (out, what,
           "%" PRId64 " channels each way (%s a cycle%s), at most %" PRId64 " nets a link",
           i->channels[n], networks[n].moves, rate, i->flows[n]);
    }
  put (out, "AGCU",
       "%" PRId64 " vectors a cycle, %" PRId64 " bytes/cycle each, %" PRId64
       " bytes/cycle per RDU tile",
       i->agcu_vectors, i->agcu_vectors * i->vector_bytes,
       i->agcu_vectors * i->vector_bytes * i->agcus_per_tile);
}

static void
put_memory (GString *out, const SfArch *arch)
{
  SfArchInfo i = sf_arch_info (arch);
  for (size_t k = 0; k < i.n_memory_levels; k++)
    {
      SfMemoryLevel level = sf_arch_memory_level (arch, k);
      g_autofree char *what = g_strdup_printf ("memory %s", level.name);
      put (out, what,
           "%.1f GiB, %.1f GB/s = %.2f bytes/cycle per RDU, first byte after %" PRId64
           " ns = %" PRId64 " cycles",
           (double) level.bytes / 1073741824.0, (double) level.bytes_per_s / 1e9,
           (double) level.bytes_per_s / (double) i.clock_hz, level.latency_ns,
           sf_arch_cycles (arch, level.latency_ns));
    }
  put (out, "section load", "%.1f us = %" PRId64 " cycles", (double) i.config_load_ns / 1e3,
       sf_arch_cycles (arch, i.config_load_ns));
  put (out, "host", "%.1f GB/s, a launch %.1f us = %" PRId64 " cycles besides",
       (double) i.host_bytes_per_s / 1e9, (double) i.host_launch_ns / 1e3,
       sf_arch_cycles (arch, i.host_launch_ns));
}

/* ---- ops ---- */

static int
compare_costs (const SfOpCost *a, const SfOpCost *b)
{
  return a->tail != b->tail     ? (a->tail > b->tail) - (a->tail < b->tail)
         : a->body != b->body   ? (a->body > b->body) - (a->body < b->body)
         : a->count != b->count ? (a->count > b->count) - (a->count < b->count)
                                : 0;
}

static int
compare_ops (const void *a, const void *b, void *user_data)
{
  const char *x = *(const char *const *) a, *y = *(const char *const *) b;
  int order = compare_costs (sf_arch_op_cost (user_data, x), sf_arch_op_cost (user_data, y));
  return order != 0 ? order : strcmp (x, y);
}

static void
put_cost (GString *out, const SfOpCost *cost)
{
  static const char *const per[] = {
    [SF_COUNT_OUT] = "a result",
    [SF_COUNT_IN] = "a source element",
    [SF_COUNT_MATRIX] = "a multiply-add",
    [SF_COUNT_WINDOW] = "an element of a window",
    [SF_COUNT_SORT] = "an element and step of a sort",
  };
  if (cost->count == SF_COUNT_MATRIX)
    g_string_append (out, "    systolic array or SIMD, whichever is less:");
  else
    {
      g_string_append (out, "    ");
      if (cost->body > 0)
        g_string_append_printf (out, "%" PRId64 " slot%s", cost->body, cost->body > 1 ? "s" : "");
      if (cost->tail > 0)
        g_string_append_printf (out, "%s%" PRId64 " tail pass%s", cost->body > 0 ? ", " : "",
                                cost->tail, cost->tail > 1 ? "es" : "");
      g_string_append_printf (out, " %s:", per[cost->count]);
    }
}

/* Ops of equal cost share a line. */
static void
put_ops (GString *out, const SfArch *arch)
{
  g_autoptr (GPtrArray) names = sf_arch_op_names (arch);
  g_ptr_array_sort_with_data (names, compare_ops, (void *) arch);
  g_string_append (out,
                   "  tile-ops, per lane and PCU (slots of the SIMD pipeline, passes of the tail "
                   "unit)\n");
  gsize line = out->len;
  for (guint i = 0; i < names->len; i++)
    {
      const char *name = names->pdata[i];
      const SfOpCost *cost = sf_arch_op_cost (arch, name);
      if (i == 0 || compare_costs (cost, sf_arch_op_cost (arch, names->pdata[i - 1])) != 0)
        {
          if (i > 0)
            g_string_append_c (out, '\n');
          line = out->len;
          put_cost (out, cost);
        }
      else if (out->len - line + strlen (name) > LINE_CHARS)
        {
          g_string_append (out, "\n      ");
          line = out->len - 6;
        }
      g_string_append_printf (out, " %s", name);
    }
  g_string_append_c (out, '\n');
}

/* ---- grid ---- */

static void
put_grid (GString *out, const SfArch *arch)
{
  SfArchInfo info = sf_arch_info (arch);
  static const char marks[]
      = { [SF_UNIT_PCU] = 'C', [SF_UNIT_PMU] = 'm', [SF_UNIT_AGCU] = 'A', [SF_UNIT_NONE] = ' ' };
  g_string_append (out, "  grid of one RDU tile (C PCU, m PMU, A AGCU)\n");
  for (int64_t y = 0; y < info.rows; y++)
    {
      g_string_append (out, "    ");
      for (int64_t x = -1; x <= info.columns; x++)
        g_string_append_c (out, marks[sf_arch_unit_at (arch, x, y)]);
      g_string_append_c (out, '\n');
    }
}

char *
sf_arch_text (const SfArch *arch)
{
  SfArchInfo info = sf_arch_info (arch);
  GString *out = g_string_new (NULL);
  g_string_append_printf (out, "%s\n", info.name);
  put_units (out, &info);
  put_rate (out, &info, "systolic peak", "TFLOPS", 2, info.matrix_cycles);
  put_rate (out, &info, "SIMD peak", "Tops/s", 1, info.simd_cycles);
  put_networks (out, &info);
  put_memory (out, arch);
  put_ops (out, arch);
  put_grid (out, arch);
  return g_string_free (out, FALSE);
}
