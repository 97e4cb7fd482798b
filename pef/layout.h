/* SPDX-License-Identifier: Apache-2.0 */
/* Byte layout of a PEF, version 1: header, section table, fixed-width records. docs/pef.md explains
 * it. All little endian, without holes. */
#ifndef SF_PEF_LAYOUT_H
#define SF_PEF_LAYOUT_H

#include <stdint.h>

#include <sf/plugin/program.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "PEF records are read in place, which needs a little-endian machine"
#endif

#define PEF_MAGIC        "\x89PEF\r\n\x1a\n"
#define PEF_VERSION      1
#define PEF_MAX_SECTIONS 256
#define PEF_CRITICAL \
  1u /* section flag: a reader that does not know the section must refuse the file */
#define PEF_DATA_ALIGN  64 /* of each array of constants or initial weights */
#define PEF_TABLE_ALIGN 8
#define PEF_NO_DATA     UINT64_MAX

/* Magic, version, file_bytes and digest keep their places in all versions, so that a reader can
 * tell a newer file from a damaged one. */
typedef struct
{
  char magic[8];
  uint32_t version;
  uint32_t n_sections;
  uint64_t file_bytes;
  uint8_t digest[16]; /* XXH3-128, canonical, of the whole file with this field zero */
  uint8_t reserved[24];
} PefHeader;

typedef struct
{
  char name[16]; /* padded with zeros */
  uint32_t record_bytes;
  uint32_t flags;
  uint64_t offset;
  uint64_t bytes;
  uint64_t align;
} PefSection;

/* Strings are offsets into "strings"; SF_NONE is no string. Ranges are first index and count in
 * another table. */
typedef struct
{
  uint32_t first, n;
} PefRange;

typedef struct
{
  uint32_t name, role, dtype, level, state;
  PefRange dims;
  uint32_t reserved;
  int64_t offset_bytes;
  uint64_t data, data_bytes; /* in "data"; PEF_NO_DATA */
} PefTensor;

typedef struct
{
  PefRange buffers, streams, stages, places, routes;
} PefConfig;

typedef struct
{
  uint32_t name, dtype;
  PefRange dims;
  int64_t tokens, token_elems, depth, n_pmus;
} PefBuffer;

typedef struct
{
  uint32_t buffer, out, slot;
} PefStream;

typedef struct
{
  uint32_t name, reserved;
  PefRange counters, operands, instrs;
  int64_t n_pcus, interval_cycles, latency_cycles, flops;
} PefStage;

typedef struct
{
  int64_t extent, step, kind;
} PefCounter;

typedef struct
{
  uint32_t kind, buffer, dtype;
  int32_t counter, rate;
  PefRange dims;     /* of the operand's shape */
  uint32_t accesses; /* first of as many accesses as dims */
} PefOperand;

typedef struct
{
  int64_t base, coef[SF_MAX_COUNTERS], size, stride;
} PefAccess;

typedef struct
{
  uint32_t op;
  int32_t version;
  uint32_t when, n_src, n_dst, reserved;
  uint32_t src[SF_MAX_SRC], dst[SF_MAX_DST];
  int64_t imm[SF_MAX_IMM];
  double fimm[SF_MAX_FIMM];
} PefInstr;

typedef struct
{
  uint32_t kind, owner;
  int32_t rdu, rdu_tile, x, y;
} PefPlace;

typedef struct
{
  uint32_t network, source;
  PefRange sinks, hops; /* words; hops */
} PefRoute;

typedef struct
{
  int32_t from_x, from_y, to_x, to_y;
} PefHop;

typedef struct
{
  uint32_t name;
  PefRange launches, inputs, scalars, outputs, grads; /* inputs, scalars: words */
} PefEntry;

typedef struct
{
  uint32_t name, target, phase, config, repeat;
  PefRange bindings, deps; /* deps: words */
} PefLaunch;

typedef struct
{
  int64_t offset_elems;
  uint32_t tensor, reserved;
} PefBinding;

typedef struct
{
  uint32_t tensor, name, role;
} PefOutput;

typedef struct
{
  uint32_t state, grad;
} PefGrad;

/* A host graph, or (entry a string) the source graph of an entry. */
typedef struct
{
  uint32_t name, entry;
  PefRange values, nodes, outputs, updates; /* updates: words, state and value in turn */
} PefGraph;

typedef struct
{
  uint32_t kind, dtype, name, state_kind, node,
      reserved; /* node: that makes a result, by index in its graph */
  PefRange dims;
  uint64_t data, data_bytes;
} PefValue;

typedef struct
{
  uint32_t op, version, name, phase;
  PefRange inputs, attrs; /* inputs: words */
  uint32_t n_outputs, reserved;
} PefNode;

typedef struct
{
  uint32_t name, type, text, reserved;
  PefRange ints; /* in "dims" */
  int64_t i;
  double f;
} PefAttr;

/* Debug map. */
typedef struct
{
  uint32_t entry, launch, buffer, origin;
} PefOrigin;

typedef struct
{
  uint32_t entry, launch, stage, name;
} PefStageName;

/* X (id, "name", record bytes, alignment, critical): the sections in file order. */
#define PEF_SECTIONS(X)                                                         \
  X (META, "meta", 1, PEF_TABLE_ALIGN, true)                                    \
  X (ARCH, "arch", 1, PEF_TABLE_ALIGN, true)                                    \
  X (STRINGS, "strings", 1, PEF_TABLE_ALIGN, true)                              \
  X (DIMS, "dims", sizeof (int64_t), PEF_TABLE_ALIGN, true)                     \
  X (WORDS, "words", sizeof (uint32_t), PEF_TABLE_ALIGN, true)                  \
  X (TENSORS, "tensors", sizeof (PefTensor), PEF_TABLE_ALIGN, true)             \
  X (CONFIGS, "configs", sizeof (PefConfig), PEF_TABLE_ALIGN, true)             \
  X (BUFFERS, "buffers", sizeof (PefBuffer), PEF_TABLE_ALIGN, true)             \
  X (STREAMS, "streams", sizeof (PefStream), PEF_TABLE_ALIGN, true)             \
  X (STAGES, "stages", sizeof (PefStage), PEF_TABLE_ALIGN, true)                \
  X (COUNTERS, "counters", sizeof (PefCounter), PEF_TABLE_ALIGN, true)          \
  X (OPERANDS, "operands", sizeof (PefOperand), PEF_TABLE_ALIGN, true)          \
  X (ACCESSES, "accesses", sizeof (PefAccess), PEF_TABLE_ALIGN, true)           \
  X (INSTRS, "instrs", sizeof (PefInstr), PEF_TABLE_ALIGN, true)                \
  X (PLACES, "places", sizeof (PefPlace), PEF_TABLE_ALIGN, true)                \
  X (ROUTES, "routes", sizeof (PefRoute), PEF_TABLE_ALIGN, true)                \
  X (HOPS, "hops", sizeof (PefHop), PEF_TABLE_ALIGN, true)                      \
  X (ENTRIES, "entries", sizeof (PefEntry), PEF_TABLE_ALIGN, true)              \
  X (LAUNCHES, "launches", sizeof (PefLaunch), PEF_TABLE_ALIGN, true)           \
  X (BINDINGS, "bindings", sizeof (PefBinding), PEF_TABLE_ALIGN, true)          \
  X (OUTPUTS, "outputs", sizeof (PefOutput), PEF_TABLE_ALIGN, true)             \
  X (GRADS, "grads", sizeof (PefGrad), PEF_TABLE_ALIGN, true)                   \
  X (GRAPHS, "graphs", sizeof (PefGraph), PEF_TABLE_ALIGN, true)                \
  X (VALUES, "values", sizeof (PefValue), PEF_TABLE_ALIGN, true)                \
  X (NODES, "nodes", sizeof (PefNode), PEF_TABLE_ALIGN, true)                   \
  X (ATTRS, "attrs", sizeof (PefAttr), PEF_TABLE_ALIGN, true)                   \
  X (ORIGINS, "origins", sizeof (PefOrigin), PEF_TABLE_ALIGN, false)            \
  X (STAGE_NAMES, "stage_names", sizeof (PefStageName), PEF_TABLE_ALIGN, false) \
  X (DATA, "data", 1, PEF_DATA_ALIGN, true)

typedef enum
{
#define PEF_SECTION_ID(id, name, record_bytes, align, critical) PEF_##id,
  PEF_SECTIONS (PEF_SECTION_ID)
#undef PEF_SECTION_ID
      PEF_N_SECTIONS,
} PefSectionId;

typedef struct
{
  const char *name;
  uint32_t record_bytes;
  uint64_t align;
  bool critical;
} PefSectionRow;

extern const PefSectionRow pef_section_rows[PEF_N_SECTIONS];

/* The numbers of these enums are part of the format. */
G_STATIC_ASSERT (SF_TENSOR_INPUT == 0 && SF_TENSOR_SCALAR == 1 && SF_TENSOR_OUTPUT == 2
                 && SF_TENSOR_STATE == 3);
G_STATIC_ASSERT (SF_TENSOR_NEXT == 4 && SF_TENSOR_CONST == 5 && SF_TENSOR_TEMP == 6);
G_STATIC_ASSERT (SF_COUNTER_PARALLEL == 0 && SF_COUNTER_SEQUENTIAL == 1
                 && SF_COUNTER_REDUCTION == 2);
G_STATIC_ASSERT (SF_OPERAND_IN == 0 && SF_OPERAND_OUT == 1 && SF_OPERAND_TEMP == 2);
G_STATIC_ASSERT (SF_WHEN_EACH == 0 && SF_WHEN_LAST == 1 && SF_TARGET_RDU == 0
                 && SF_TARGET_HOST == 1);
G_STATIC_ASSERT (SF_UNIT_PCU == 0 && SF_UNIT_PMU == 1 && SF_UNIT_AGCU == 2);
G_STATIC_ASSERT (SF_NETWORK_VECTOR == 0 && SF_NETWORK_SCALAR == 1 && SF_NETWORK_CONTROL == 2);
G_STATIC_ASSERT (SF_PHASE_FWD == 0 && SF_PHASE_BWD == 1 && SF_PHASE_OPT == 2);
G_STATIC_ASSERT (SF_VALUE_INPUT == 0 && SF_VALUE_STATE == 1 && SF_VALUE_SCALAR == 2
                 && SF_VALUE_CONSTANT == 3 && SF_VALUE_RESULT == 4);
G_STATIC_ASSERT (SF_STATE_PARAM == 0 && SF_STATE_OPTIMIZER == 1 && SF_STATE_STATISTIC == 2
                 && SF_STATE_FROZEN == 3);
G_STATIC_ASSERT (SF_OUTPUT_PREDICTION == 0 && SF_OUTPUT_LOSS == 1 && SF_OUTPUT_OTHER == 2);
G_STATIC_ASSERT (SF_ATTR_INT == 0 && SF_ATTR_FLOAT == 1 && SF_ATTR_BOOL == 2 && SF_ATTR_DTYPE == 3
                 && SF_ATTR_STRING == 4 && SF_ATTR_INTS == 5);
G_STATIC_ASSERT (sizeof (PefHeader) == 64 && sizeof (PefSection) == 48 && sizeof (PefTensor) == 56);
G_STATIC_ASSERT (sizeof (PefInstr) == 232 && sizeof (PefStage) == 64 && sizeof (PefOperand) == 32);
G_STATIC_ASSERT (sizeof (PefGraph) == 40 && sizeof (PefValue) == 48 && sizeof (PefNode) == 40
                 && sizeof (PefAttr) == 40);

#endif
