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
  int64_t bytes_per_s;
} SfMemoryLevel;

/* Figures of one RDU; borrowed strings. */
typedef struct
{
  const char *name;
  int64_t clock_hz;
  int64_t rdu_tiles;     /* per RDU */
  int64_t columns, rows; /* of the unit grid of one RDU tile; unit (x, y) is a PCU where x + y is
                            even, else a PMU; AGCUs sit in columns -1 and `columns` */
  int64_t pcus_per_tile, pmus_per_tile, agcus_per_tile;
  int64_t pcu_lanes, pcu_stages; /* systolic: lanes x stages multiply-adds per cycle in bf16; SIMD:
                                    `lanes` results per cycle and stage */
  int64_t f32_slowdown;          /* cycles of f32 per cycle of bf16 */
  int64_t pmu_bytes, pmu_banks;
  int64_t vector_bytes;            /* per cycle over one vector channel */
  int64_t channels[SF_N_NETWORKS]; /* per direction between neighbouring switches */
  int64_t config_load_ns;          /* per section */
  size_t n_memory_levels;          /* fastest first */
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
/* What stands at (x, y) of an RDU tile. */
SF_API SfUnitKind sf_arch_unit_at (const SfArch *arch, int64_t x, int64_t y);
/* Readable sheet for `sf inspect sn10`; owned. */
SF_API char *sf_arch_text (const SfArch *arch);

SF_END_DECLS
#endif
