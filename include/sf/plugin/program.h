/* SPDX-License-Identifier: Apache-2.0 */
/* The hardware program: what a PEF runs. docs/program.md explains it with worked examples; this
 * header is its vocabulary.
 *
 * The structs here are what accessors hand out and builders take; they are copies or read-only
 * views, never the program's own storage. Arrays inside are borrowed from the program and valid
 * while it lives and is not added to. */
#ifndef SF_PLUGIN_PROGRAM_H
#define SF_PLUGIN_PROGRAM_H

#include <sf/graph.h>
#include <sf/plugin/arch.h>

SF_BEGIN_DECLS

typedef struct SfProgram SfProgram;

#define SF_MAX_COUNTERS 6
#define SF_MAX_SRC      8
#define SF_MAX_DST      4
#define SF_MAX_IMM      16
#define SF_MAX_FIMM     4

/* ---- memory ---- */

typedef enum
{
  SF_TENSOR_INPUT,  /* written by the feed before the step */
  SF_TENSOR_SCALAR, /* written by the host before the step */
  SF_TENSOR_OUTPUT, /* read by the host after the step; lives like a temporary otherwise */
  SF_TENSOR_STATE,  /* kept between steps */
  SF_TENSOR_NEXT,   /* next content of a state: becomes it at the end of the phase that made it */
  SF_TENSOR_CONST,
  SF_TENSOR_TEMP, /* between launches of one entry */
} SfTensorRole;

/* A tensor in emulated device memory, dense row-major in its dtype. */
typedef struct
{
  const char *name; /* states, inputs, scalars, outputs: their name; others: for people */
  SfTensorRole role;
  SfDtype dtype;
  SfShape shape;
  uint32_t level;       /* memory level of the arch */
  int64_t offset_bytes; /* in that level; -1 before the memory plan */
  uint32_t state;       /* NEXT: tensor id of its state; else SF_NONE */
  const void *data;     /* CONST, and initial data of STATE (NULL: zeros) */
  size_t data_bytes;
} SfProgramTensor;

/* ---- section bodies ---- */

typedef enum
{
  SF_COUNTER_PARALLEL,   /* firings are independent */
  SF_COUNTER_SEQUENTIAL, /* in order, but nothing accumulates */
  SF_COUNTER_REDUCTION,  /* accumulating instructions add up over it, in order */
} SfCounterKind;

/* Takes 0, step, 2 step, ... below extent; the last block may be short. Counter 0 is the outermost.
 */
typedef struct
{
  int64_t extent, step;
  SfCounterKind kind;
} SfCounter;

/* Box of an operand along one dimension, for counter values c: positions lo + j * stride, 0 <= j <
 * n, with lo = base + sum coef[k] c[k] and n = size - sum over k of (coef[k] / stride) (step[k] -
 * n_k), n_k = min (step[k], extent[k] - c[k]) being the length of the block. Positions outside 0 ..
 * dim-1 are padding; only instructions that say so may see them. */
typedef struct
{
  int64_t base, coef[SF_MAX_COUNTERS], size, stride;
} SfAccess;

typedef enum
{
  SF_OPERAND_IN,
  SF_OPERAND_OUT,
  SF_OPERAND_TEMP, /* scratch of the stage, one box; lives within a firing, or over the inner
                      reduction counters when accumulated into */
} SfOperandKind;

/* What a stage reads or writes. */
typedef struct
{
  SfOperandKind kind;
  uint32_t buffer; /* of the config; SF_NONE for TEMP */
  SfDtype
      dtype; /* f32 or i32 or bool inside the stage; conversion and rounding happen at the buffer */
  SfShape shape; /* how the stage sees the buffer: row-major, same element count; TEMP: the virtual
                    whole tensor that boxes are cut from */
  int32_t counter; /* the counter whose iterations advance the buffer by `rate` tokens; only counter
                      0 can be. -1: resident, all tokens at once */
  int32_t rate;
  SfAccess dim[SF_MAX_RANK];
} SfOperand;

typedef enum
{
  SF_WHEN_EACH, /* every firing */
  SF_WHEN_LAST, /* when every reduction counter is in its last block: epilogues */
} SfWhen;

/* One instruction: a tile-op by name and version, on operands of the stage (by index), with
 * immediates as the tile-op table defines them. */
typedef struct
{
  const char *op;
  int32_t version;
  SfWhen when;
  uint32_t n_src, n_dst;
  uint32_t src[SF_MAX_SRC], dst[SF_MAX_DST];
  int64_t imm[SF_MAX_IMM];
  double fimm[SF_MAX_FIMM];
} SfInstr;

/* A tile program on a group of PCUs. */
typedef struct
{
  const char *name; /* for people; no meaning */
  size_t n_counters;
  SfCounter counter[SF_MAX_COUNTERS];
  size_t n_operands;
  const SfOperand *operands;
  size_t n_instrs;
  const SfInstr *instrs;
  int64_t n_pcus;
  int64_t interval_cycles, latency_cycles; /* T0: of an iteration, to its result */
  int64_t flops;                           /* per run of the section */
} SfStage;

/* PMUs between stages, or between a stream and a stage: a tensor that passes through as `tokens`
 * slices of token_elems elements (the last may be short), contiguous in row-major order, of which
 * `depth` are held at a time. */
typedef struct
{
  const char *name;
  SfDtype dtype; /* values are rounded to it when they are stored */
  SfShape shape;
  int64_t tokens, token_elems, depth;
  int64_t n_pmus;
} SfBuffer;

/* AGCU traffic between a bound tensor and a buffer: all tokens, in order. */
typedef struct
{
  uint32_t buffer;
  bool out;      /* buffer to memory */
  uint32_t slot; /* of the launch's bindings */
} SfStream;

/* A placed unit. */
typedef struct
{
  SfUnitKind kind;
  uint32_t owner; /* PCU: stage, PMU: buffer, AGCU: stream */
  int32_t rdu, rdu_tile, x, y;
} SfPlace;

/* A connection that must exist, from one place to several, derived from stages, buffers and
 * streams; and the switch hops it takes. */
typedef struct
{
  SfNetwork network;
  uint32_t source; /* place index */
  size_t n_sinks;
  const uint32_t *sinks; /* place indices */
  size_t n_hops;         /* 0: not routed */
  const int32_t *hops; /* 4 per hop: x0, y0, x1, y1 of neighbouring switches; a tree that starts at
                          the source's switch and reaches every sink's */
} SfRoute;

/* ---- launches ---- */

typedef struct
{
  uint32_t tensor;
  int64_t offset_elems;
} SfBinding;

typedef enum
{
  SF_TARGET_RDU,
  SF_TARGET_HOST,
} SfTarget;

typedef struct
{
  const char *name;
  SfTarget target;
  SfPhase phase;
  uint32_t config;   /* RDU: the config; HOST: the host graph */
  uint32_t repeat;   /* >= 1 */
  size_t n_bindings; /* RDU: by slot; HOST: the graph's inputs, then its outputs */
  const SfBinding *bindings;
  size_t n_deps;
  const uint32_t *deps; /* earlier launches of the entry */
} SfLaunch;

/* ---- reading ---- */

SF_API size_t sf_program_n_tensors (const SfProgram *program);
SF_API SfProgramTensor sf_program_tensor (const SfProgram *program, uint32_t tensor);
/* What the tensor's `data` takes of memory goes back to the system where it lies in a mapped file;
 * it is there again when it is read. */
SF_API void sf_program_let_go (const SfProgram *program, uint32_t tensor);
/* Whether the file that tensors lie in, if any, is as it was when it was opened (INVALID_DATA). To be asked before data of the program
 * or of its graphs is read once more: it may be from the disk that it comes. */
SF_API bool sf_program_check_file (const SfProgram *program, GError **error);
SF_API size_t sf_program_n_configs (const SfProgram *program);
SF_API size_t sf_config_n_stages (const SfProgram *program, uint32_t config);
SF_API SfStage sf_config_stage (const SfProgram *program, uint32_t config, uint32_t stage);
SF_API size_t sf_config_n_buffers (const SfProgram *program, uint32_t config);
SF_API SfBuffer sf_config_buffer (const SfProgram *program, uint32_t config, uint32_t buffer);
SF_API size_t sf_config_n_streams (const SfProgram *program, uint32_t config);
SF_API SfStream sf_config_stream (const SfProgram *program, uint32_t config, uint32_t stream);
SF_API size_t sf_config_n_slots (const SfProgram *program, uint32_t config);
SF_API size_t sf_config_n_places (const SfProgram *program, uint32_t config);
SF_API SfPlace sf_config_place (const SfProgram *program, uint32_t config, uint32_t place);
SF_API size_t sf_config_n_routes (const SfProgram *program, uint32_t config);
SF_API SfRoute sf_config_route (const SfProgram *program, uint32_t config, uint32_t route);
SF_API size_t sf_program_n_host_graphs (const SfProgram *program);
SF_API const SfGraph *sf_program_host_graph (const SfProgram *program, uint32_t index);

SF_API size_t sf_program_n_entries (const SfProgram *program);
SF_API const char *sf_entry_name (const SfProgram *program, uint32_t entry);
SF_API bool sf_program_find_entry (const SfProgram *program, const char *name, uint32_t *entry);
SF_API size_t sf_entry_n_launches (const SfProgram *program, uint32_t entry);
SF_API SfLaunch sf_entry_launch (const SfProgram *program, uint32_t entry, uint32_t launch);
/* Interface tensors, in the order of the source graph. */
SF_API size_t sf_entry_n_inputs (const SfProgram *program, uint32_t entry);
SF_API uint32_t sf_entry_input (const SfProgram *program, uint32_t entry, size_t index);
SF_API size_t sf_entry_n_scalars (const SfProgram *program, uint32_t entry);
SF_API uint32_t sf_entry_scalar (const SfProgram *program, uint32_t entry, size_t index);
SF_API size_t sf_entry_n_outputs (const SfProgram *program, uint32_t entry);
SF_API uint32_t sf_entry_output (const SfProgram *program, uint32_t entry, size_t index);
SF_API const char *sf_entry_output_name (const SfProgram *program, uint32_t entry, size_t index);
SF_API SfOutputRole sf_entry_output_role (const SfProgram *program, uint32_t entry, size_t index);
/* Gradients that stay in memory between BWD and OPT: pairs of state tensor and gradient tensor. */
SF_API size_t sf_entry_n_grads (const SfProgram *program, uint32_t entry);
SF_API void sf_entry_grad (const SfProgram *program, uint32_t entry, size_t index, uint32_t *state,
                           uint32_t *grad);

/* Debug map; all SF_NONE / NULL in a program without one. Origin: the source graph's value that the
 * buffer of this launch holds. */
SF_API SfValue sf_launch_origin (const SfProgram *program, uint32_t entry, uint32_t launch,
                                 uint32_t buffer);
SF_API const char *sf_launch_stage_name (const SfProgram *program, uint32_t entry, uint32_t launch,
                                         uint32_t stage); /* after source nodes: "conv1+relu" */

/* ---- building (passes) ---- */

SF_API SfProgram *sf_program_new (void);
SF_API SfProgram *sf_program_ref (SfProgram *program);
SF_API void sf_program_unref (SfProgram *program);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfProgram, sf_program_unref)
/* Every add copies what it is given and returns the new id; ids are dense. Nothing is checked here
 * but sizes: the verifier does. */
SF_API uint32_t sf_program_add_tensor (SfProgram *program, const SfProgramTensor *tensor);
SF_API void sf_program_set_memory (SfProgram *program, uint32_t tensor, uint32_t level,
                                   int64_t offset_bytes);
SF_API uint32_t sf_program_add_config (SfProgram *program);
SF_API uint32_t sf_config_add_buffer (SfProgram *program, uint32_t config, const SfBuffer *buffer);
SF_API uint32_t sf_config_add_stream (SfProgram *program, uint32_t config, const SfStream *stream);
SF_API uint32_t sf_config_add_stage (SfProgram *program, uint32_t config, const SfStage *stage);
SF_API void sf_config_set_buffer (SfProgram *program, uint32_t config, uint32_t buffer,
                                  int64_t depth, int64_t n_pmus);
SF_API void sf_config_set_stage (SfProgram *program, uint32_t config, uint32_t stage,
                                 int64_t n_pcus, int64_t interval_cycles, int64_t latency_cycles);
/* Replace all places / all routes of a config. */
SF_API void sf_config_set_places (SfProgram *program, uint32_t config, const SfPlace *places,
                                  size_t n);
SF_API void sf_config_set_routes (SfProgram *program, uint32_t config, const SfRoute *routes,
                                  size_t n);
SF_API uint32_t sf_program_add_host_graph (SfProgram *program, SfGraph *graph);
SF_API uint32_t sf_program_add_entry (SfProgram *program, const char *name);
SF_API uint32_t sf_entry_add_launch (SfProgram *program, uint32_t entry, const SfLaunch *launch);
SF_API void sf_entry_add_input (SfProgram *program, uint32_t entry, uint32_t tensor);
SF_API void sf_entry_add_scalar (SfProgram *program, uint32_t entry, uint32_t tensor);
SF_API void sf_entry_add_output (SfProgram *program, uint32_t entry, uint32_t tensor,
                                 const char *name, SfOutputRole role);
SF_API void sf_entry_add_grad (SfProgram *program, uint32_t entry, uint32_t state, uint32_t grad);
SF_API void sf_launch_set_origin (SfProgram *program, uint32_t entry, uint32_t launch,
                                  uint32_t buffer, SfValue origin);
SF_API void sf_launch_set_stage_name (SfProgram *program, uint32_t entry, uint32_t launch,
                                      uint32_t stage, const char *name);
/* Configs with equal canonical content (all but names) become one; launches are rewritten. Before
 * place and route. */
SF_API void sf_program_share_configs (SfProgram *program);

/* ---- connections, checks, text ---- */

/* The nets that places of a config need. On the vector network, or the scalar one for buffers whose
 * tokens are single elements: each buffer's PMUs to the PCUs of the stages that read it, each
 * stage's PCUs to the PMUs it writes, streams likewise. On the control network: credits, from the
 * first unit of each reader to the first of the buffer's writer. A place is the source of one net
 * at most for each network. Sources and sinks are place indices; hops empty. Owned array of SfRoute
 * (g_array_unref), sinks owned by it. */
SF_API GArray *sf_config_nets (const SfProgram *program, uint32_t config);

/* How far the program is built: which rules apply. */
typedef enum
{
  SF_CHECK_BODY,   /* types, ids, maps inside tensors, tile-op arity and box shapes, rates balanced,
                      launches and dependencies */
  SF_CHECK_DEPTH,  /* token simulation: no deadlock, each buffer deep enough; buffers fit PMUs */
  SF_CHECK_PLACE,  /* every unit placed on a unit of its kind, none twice, counts right */
  SF_CHECK_ROUTE,  /* every net routed, connected, over existing links, within their flows */
  SF_CHECK_MEMORY, /* plan within levels, live ranges free of overlap */
  SF_N_CHECKS,
} SfProgramCheck;

/* All checks up to and including `upto`. The checkers share no code with the passes that they
 * check. Failure: CHECK_FAILED (or INVALID_DATA) naming config, stage or buffer. */
SF_API bool sf_program_verify (const SfProgram *program, const SfArch *arch, SfProgramCheck upto,
                               GError **error);

/* Whether the box shapes of every instruction fit together, in full and in last blocks. For a
 * backend that runs a verified stage in blocks of other lengths than its program's; its tile-ops
 * are known. */
SF_API bool sf_stage_boxes_fit (const SfStage *stage);

/* Smallest depths with which the section does not deadlock, starting from `depth` (n_buffers
 * entries, at least 1 each), grown in place by token simulation; false names the buffer when none
 * exists. */
SF_API bool sf_config_min_depths (const SfProgram *program, uint32_t config, int64_t *depth,
                                  GError **error);

/* Readable form of everything, stable. Owned. */
SF_API char *sf_program_text (const SfProgram *program);

/* ---- tile-ops ---- */

typedef enum
{
  SF_TILE_MAP, /* elementwise over boxes that broadcast right-aligned */
  SF_TILE_REDUCE,
  SF_TILE_GEMM,
  SF_TILE_WINDOW,
  SF_TILE_MOVE,
  SF_TILE_INDEX,
  SF_TILE_ROW, /* softmax and the like: whole rows in the box */
  SF_TILE_SOURCE,
} SfTileClass;

typedef struct
{
  const char *name;
  int version;
  SfTileClass tile_class;
  int min_src, max_src, n_dst;
  bool accumulates; /* adds to dst over reduction counters */
  bool pads;        /* may see padding */
  int n_imm, n_fimm;
  const char *summary;
} SfTileOp;

SF_API size_t sf_tile_op_count (void);
SF_API const SfTileOp *sf_tile_op_at (size_t index);
SF_API const SfTileOp *sf_tile_op_find (const char *name, int version); /* NULL */

SF_END_DECLS
#endif
