/* SPDX-License-Identifier: Apache-2.0 */
/* A machine description as read from etc/arch/NAME.cfg: figures by accessor, none in code. */
#ifndef SF_PLUGIN_ARCH_H
#define SF_PLUGIN_ARCH_H

#include <sf/dtype.h>

SF_BEGIN_DECLS

typedef struct SfArch SfArch;

typedef enum
{
  SF_UNIT_PCU,
  SF_UNIT_PMU,
  SF_UNIT_AGCU,
  SF_UNIT_NONE,
} SfUnitKind;

typedef enum
{
  SF_NETWORK_VECTOR,
  SF_NETWORK_SCALAR,
  SF_NETWORK_CONTROL,
  SF_N_NETWORKS,
} SfNetwork;

typedef struct
{
  const char *name;
  int64_t bytes;
  int64_t bytes_per_s; /* of the whole RDU; one tile at work may have all of it */
  int64_t latency_ns;  /* from a request to its first byte */
} SfMemoryLevel;

/* Width of the widest value that an instruction takes from a buffer; 32 bits when it takes none. */
typedef enum
{
  SF_WIDTH_8,
  SF_WIDTH_16,
  SF_WIDTH_32,
  SF_N_WIDTHS,
} SfWidth;

/* What the elements of a tile-op's box cost on a PCU; docs/timing.md says how it adds up. */
typedef enum
{
  SF_COUNT_OUT,    /* elements of the first destination */
  SF_COUNT_IN,     /* elements of the first source */
  SF_COUNT_MATRIX, /* a contraction, on the systolic array or the SIMD pipeline */
  SF_COUNT_WINDOW, /* destination times the window's area; gradients: source times it */
  SF_COUNT_SORT,   /* source times the steps of a bitonic network over a row */
} SfCount;

typedef struct
{
  SfCount count;
  int64_t body; /* slots of the SIMD pipeline for each */
  int64_t tail; /* passes of the tail unit for each */
} SfOpCost;

/* Figures of one RDU; borrowed strings. */
typedef struct
{
  const char *name;
  int64_t clock_hz;
  int64_t rdu_tiles;     /* per RDU */
  int64_t columns, rows; /* of the unit grid of one RDU tile; unit (x, y) is a PCU where x + y is
                            even, else a PMU; AGCUs sit in columns -1 and `columns` */
  int64_t pcus_per_tile, pmus_per_tile, agcus_per_tile;
  int64_t pcu_lanes, pcu_stages; /* systolic: lanes x stages multiply-adds a step; SIMD: `lanes`
                                    results a step from each of `stages` slots */
  int64_t matrix_cycles[SF_N_WIDTHS], simd_cycles[SF_N_WIDTHS]; /* of such a step */
  int64_t pcu_latency_cycles;                                   /* through header, body and tail */
  int64_t pmu_bytes, pmu_banks;
  int64_t pmu_read_ports, pmu_write_ports; /* vectors a cycle, of all readers and writers */
  int64_t vector_bytes;                    /* of one vector */
  int64_t channels[SF_N_NETWORKS]; /* vectors (scalars, tokens) a cycle over a link from a switch
                                      to its neighbour; one net moves one a cycle at most */
  int64_t flows[SF_N_NETWORKS];    /* nets that may share such a link */
  int64_t hop_cycles;              /* from switch to switch */
  int64_t fifo_vectors;            /* of a net that a switch can hold: credits of a hop */
  int64_t agcu_vectors;            /* a cycle through one AGCU, of all its streams, either way */
  int64_t config_load_ns;          /* per section */
  int64_t host_bytes_per_s, host_launch_ns; /* link to the host; a launch on it besides */
  size_t n_memory_levels;                   /* fastest first */
} SfArchInfo;

/* `name`: of etc/arch (search: $SF_DATA_DIR, the installed data folder), or the path of a file.
 * Every key required, checked and bounded. Owned: sf_arch_free. */
SF_API SfArch *sf_arch_load (const char *name, GError **error);
SF_API SfArch *sf_arch_from_json (const char *text, size_t n_bytes, GError **error);
SF_API char *sf_arch_to_json (const SfArch *arch); /* owned; round trip with sf_arch_from_json */
SF_API void sf_arch_free (SfArch *arch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfArch, sf_arch_free)

SF_API SfArchInfo sf_arch_info (const SfArch *arch);
SF_API SfMemoryLevel sf_arch_memory_level (const SfArch *arch, size_t index);
/* Cost of a tile-op, by name; NULL for an op that the table lacks (then all its elements cost one
 * slot). */
SF_API const SfOpCost *sf_arch_op_cost (const SfArch *arch, const char *op);
/* Cycles of the clock that `ns` take, rounded up. */
SF_API int64_t sf_arch_cycles (const SfArch *arch, int64_t ns);
/* What stands at (x, y) of an RDU tile. */
SF_API SfUnitKind sf_arch_unit_at (const SfArch *arch, int64_t x, int64_t y);
/* Readable sheet for `sf inspect sn10`; owned. */
SF_API char *sf_arch_text (const SfArch *arch);

SF_END_DECLS
#endif
