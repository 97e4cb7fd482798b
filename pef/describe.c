/* SPDX-License-Identifier: Apache-2.0 */
/* A PEF described for a person: what it is, what it needs, what runs when, and where the units
 * stand. */
#include <inttypes.h>
#include <string.h>

#include <sf/pef.h>

static const char *const role_names[] = { "input", "scalar", "output", "state",
                                          "next",  "const",  "temp" };
static const char *const phase_names[] = { "fwd", "bwd", "opt" };

/* "306.3 KiB" */
static void
put_bytes (GString *out, double bytes)
{
  static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < G_N_ELEMENTS (units); unit++)
    bytes /= 1024;
  g_string_append_printf (out, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static int64_t
elem_bytes (const SfShape *shape, SfDtype dtype)
{
  return sf_shape_n_elems (shape) * (int64_t) sf_dtype_bytes (dtype);
}

static void
put_head (GString *out, const SfPef *pef)
{
  size_t n_bytes;
  sf_pef_data (pef, &n_bytes);
  const SfModule *source = sf_pef_source (pef);
  g_string_append_printf (out, "%s\n  size         ", sf_pef_name (pef));
  put_bytes (out, (double) n_bytes);
  g_string_append_printf (out, "\n  digest       %s\n  arch         %s\n  source       ",
                          sf_pef_digest (pef), sf_arch_info (sf_pef_arch (pef)).name);
  for (size_t i = 0; source != NULL && i < sf_module_n_entries (source); i++)
    g_string_append_printf (
        out, "%s%s graph of %zu nodes", i > 0 ? ", " : "", sf_module_entry (source, i),
        sf_graph_n_nodes (sf_module_graph (source, sf_module_entry (source, i))));
  g_string_append (out, source != NULL ? "\n" : "none: stripped, for the backend rdu alone\n");
  const char *const *keys = sf_pef_fact_keys (pef);
  if (keys[0] != NULL)
    g_string_append (out, "\nfacts\n");
  for (size_t i = 0; keys[i] != NULL; i++)
    {
      g_autofree char *value = g_strdup (sf_pef_fact (pef, keys[i]));
      g_string_append_printf (out, "  %-26s %s\n", keys[i], g_strdelimit (value, "\n\r\t", ' '));
    }
}

/* ---- tensors ---- */

static void
put_roles (GString *out, const SfProgram *program)
{
  g_string_append (out, "\ntensors     count       bytes\n");
  for (unsigned role = 0; role < G_N_ELEMENTS (role_names); role++)
    {
      size_t n = 0;
      double bytes = 0;
      for (uint32_t i = 0; i < sf_program_n_tensors (program); i++)
        {
          SfProgramTensor t = sf_program_tensor (program, i);
          if (t.role != role)
            continue;
          n++;
          bytes += (double) elem_bytes (&t.shape, t.dtype);
        }
      if (n == 0)
        continue;
      g_autoptr (GString) size = g_string_new (NULL);
      put_bytes (size, bytes);
      g_string_append_printf (out, "  %-8s %6zu  %10s\n", role_names[role], n, size->str);
    }
}

/* The highest byte planned in each memory level. */
static void
put_levels (GString *out, const SfPef *pef)
{
  const SfProgram *program = sf_pef_program (pef);
  for (size_t level = 0; level < sf_arch_info (sf_pef_arch (pef)).n_memory_levels; level++)
    {
      int64_t top = 0;
      for (uint32_t i = 0; i < sf_program_n_tensors (program); i++)
        {
          SfProgramTensor t = sf_program_tensor (program, i);
          if (t.level == level)
            top = MAX (top, t.offset_bytes + elem_bytes (&t.shape, t.dtype));
        }
      SfMemoryLevel memory = sf_arch_memory_level (sf_pef_arch (pef), level);
      g_string_append_printf (out, "  planned in %s: ", memory.name);
      put_bytes (out, (double) top);
      g_string_append (out, " of ");
      put_bytes (out, (double) memory.bytes);
      g_string_append_c (out, '\n');
    }
}

static void
put_interface (GString *out, const SfProgram *program)
{
  g_string_append (out, "\nstates and interface of the entries\n");
  for (uint32_t i = 0; i < sf_program_n_tensors (program); i++)
    {
      SfProgramTensor t = sf_program_tensor (program, i);
      if (t.role > SF_TENSOR_STATE)
        continue;
      g_autofree char *shape = sf_shape_text (&t.shape);
      g_autoptr (GString) size = g_string_new (NULL);
      put_bytes (size, (double) elem_bytes (&t.shape, t.dtype));
      g_string_append_printf (out, "  %-7s %-32s %-5s %-20s %s\n", role_names[t.role], t.name,
                              sf_dtype_name (t.dtype), shape, size->str);
    }
}

/* ---- entries ---- */

typedef struct
{
  int64_t pcus, pmus, flops;
  size_t hops;
} ConfigSums;

static ConfigSums
sum_config (const SfProgram *program, uint32_t config)
{
  ConfigSums sums = { 0 };
  for (uint32_t i = 0; i < sf_config_n_stages (program, config); i++)
    {
      sums.pcus += sf_config_stage (program, config, i).n_pcus;
      sums.flops += sf_config_stage (program, config, i).flops;
    }
  for (uint32_t i = 0; i < sf_config_n_buffers (program, config); i++)
    sums.pmus += sf_config_buffer (program, config, i).n_pmus;
  for (uint32_t i = 0; i < sf_config_n_routes (program, config); i++)
    sums.hops += sf_config_route (program, config, i).n_hops;
  return sums;
}

static void
put_launch (GString *out, const SfProgram *program, uint32_t entry, uint32_t index)
{
  SfLaunch l = sf_entry_launch (program, entry, index);
  g_string_append_printf (out, "  %4u  %-4s ", index, phase_names[l.phase]);
  if (l.target == SF_TARGET_HOST)
    g_string_append_printf (out, "host %-4u %6s %5s %5s  %8s", l.config, "", "", "", "");
  else
    {
      ConfigSums sums = sum_config (program, l.config);
      g_string_append_printf (out, "%-9u %6zu %5" PRId64 " %5" PRId64 "  %8.2f", l.config,
                              sf_config_n_stages (program, l.config), sums.pcus, sums.pmus,
                              (double) sums.flops / 1e6);
    }
  g_string_append_printf (out, "  %s", l.name != NULL ? l.name : "");
  if (l.repeat > 1)
    g_string_append_printf (out, " x%u", l.repeat);
  g_string_append_c (out, '\n');
}

static void
put_entry (GString *out, const SfProgram *program, uint32_t entry)
{
  size_t n = sf_entry_n_launches (program, entry), n_host = 0;
  for (uint32_t i = 0; i < n; i++)
    n_host += sf_entry_launch (program, entry, i).target == SF_TARGET_HOST;
  g_string_append_printf (out, "\nentry %s: %zu launches, %zu of them on the host\n",
                          sf_entry_name (program, entry), n, n_host);
  g_string_append (out, "  launch phase section stages  PCUs  PMUs    MFLOP  name\n");
  for (uint32_t i = 0; i < n; i++)
    put_launch (out, program, entry, i);
}

/* ---- sections ---- */

static void
put_stages (GString *out, const SfProgram *program, uint32_t config)
{
  g_string_append (
      out,
      "  stage                              PCUs   firings  interval   latency  instructions\n");
  for (uint32_t i = 0; i < sf_config_n_stages (program, config); i++)
    {
      SfStage s = sf_config_stage (program, config, i);
      int64_t firings = 1;
      for (size_t k = 0; k < s.n_counters; k++)
        firings *= s.counter[k].extent == 0 ? 0 : (s.counter[k].extent - 1) / s.counter[k].step + 1;
      g_string_append_printf (out,
                              "  %c %-32.32s %4" PRId64 " %9" PRId64 " %9" PRId64 " %9" PRId64 " ",
                              (char) ('A' + i % 26), s.name != NULL ? s.name : "", s.n_pcus,
                              firings, s.interval_cycles, s.latency_cycles);
      for (size_t k = 0; k < s.n_instrs; k++)
        g_string_append_printf (out, " %s", s.instrs[k].op);
      g_string_append_c (out, '\n');
    }
}

static void
put_buffers (GString *out, const SfProgram *program, uint32_t config)
{
  g_string_append (
      out, "  buffer                             PMUs     depth    tokens     bytes held\n");
  for (uint32_t i = 0; i < sf_config_n_buffers (program, config); i++)
    {
      SfBuffer b = sf_config_buffer (program, config, i);
      g_autofree char *shape = sf_shape_text (&b.shape);
      g_autoptr (GString) size = g_string_new (NULL);
      put_bytes (size,
                 (double) b.depth * (double) b.token_elems * (double) sf_dtype_bytes (b.dtype));
      g_string_append_printf (out,
                              "  %c %-32.32s %4" PRId64 " %9" PRId64 " %9" PRId64 " %14s  %s %s\n",
                              (char) ('a' + i % 26), b.name != NULL ? b.name : "", b.n_pmus,
                              b.depth, b.tokens, size->str, sf_dtype_name (b.dtype), shape);
    }
}

/* The RDU tile as characters: capital letters are the PCUs of a stage, small ones the PMUs of a
 * buffer, * a used AGCU. */
static void
put_grid (GString *out, const SfPef *pef, uint32_t config)
{
  const SfProgram *program = sf_pef_program (pef);
  SfArchInfo info = sf_arch_info (sf_pef_arch (pef));
  int64_t width = info.columns + 2;
  g_autofree char *cells = g_malloc ((size_t) (width * info.rows));
  for (int64_t y = 0; y < info.rows; y++)
    for (int64_t x = -1; x <= info.columns; x++)
      cells[y * width + x + 1] = sf_arch_unit_at (sf_pef_arch (pef), x, y) == SF_UNIT_NONE ? ' '
                                                                                           : '.';
  for (uint32_t i = 0; i < sf_config_n_places (program, config); i++)
    {
      SfPlace p = sf_config_place (program, config, i);
      char *cell = &cells[p.y * width + p.x + 1];
      *cell = p.kind == SF_UNIT_AGCU
                  ? '*'
                  : (char) ((p.kind == SF_UNIT_PCU ? 'A' : 'a') + (char) (p.owner % 26));
    }
  for (int64_t y = 0; y < info.rows; y++)
    {
      g_string_append (out, "    ");
      g_string_append_len (out, cells + y * width, width);
      g_string_append_c (out, '\n');
    }
}

static void
put_section (GString *out, const SfPef *pef, uint32_t config)
{
  const SfProgram *program = sf_pef_program (pef);
  ConfigSums sums = sum_config (program, config);
  SfArchInfo info = sf_arch_info (sf_pef_arch (pef));
  g_string_append_printf (out,
                          "\nsection %u: %" PRId64 " of %" PRId64 " PCUs, %" PRId64 " of %" PRId64
                          " PMUs, %zu streams, %zu nets over %zu hops\n",
                          config, sums.pcus, info.pcus_per_tile, sums.pmus, info.pmus_per_tile,
                          sf_config_n_streams (program, config),
                          sf_config_n_routes (program, config), sums.hops);
  put_stages (out, program, config);
  put_buffers (out, program, config);
  if (info.columns <= 96 && info.rows <= 48)
    put_grid (out, pef, config);
}

char *
sf_pef_describe_text (const SfPef *pef)
{
  const SfProgram *program = sf_pef_program (pef);
  GString *out = g_string_new (NULL);
  put_head (out, pef);
  put_roles (out, program);
  put_levels (out, pef);
  put_interface (out, program);
  for (uint32_t i = 0; i < sf_program_n_entries (program); i++)
    put_entry (out, program, i);
  for (uint32_t i = 0; i < sf_program_n_configs (program); i++)
    put_section (out, pef, i);
  return g_string_free (out, FALSE);
}
