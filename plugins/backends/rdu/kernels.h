/* SPDX-License-Identifier: Apache-2.0 */
/* What a tile kernel is given, and the table it is found in. The kernels_*.c files are compiled
 * once per ISA, with RDU_ISA as the suffix of their symbols. */
#ifndef SF_RDU_KERNELS_H
#define SF_RDU_KERNELS_H

#include <sf/dtype.h>
#include <sf/rng.h>
#include <sf/shape.h>

#define RDU_MAX_SRC 8
#define RDU_MAX_DST 4

/* So many channels of images, or fewer, leave a vector of them half empty: vectors of pixels are
 * filled better, and these lie in rows. */
#define RDU_CONV_FEW 8

#define RDU_ROW_SRC     3
#define RDU_FUSED_OPS   40
#define RDU_FUSED_SLOTS 64

/* A box of a tensor of 4-byte elements (f32, or i32 where is_int). Index j of dimension d is
 * position lo[d] + j * step[d] of a tensor of dim[d] positions, at data + j * stride[d]. Indices
 * outside valid_lo .. valid_hi-1 are padding and have no memory. */
typedef struct
{
  void *data; /* of index 0 in every dimension, be it padding or not */
  int rank;
  bool is_int;
  SfDtype dtype;
  int64_t n[SF_MAX_RANK], stride[SF_MAX_RANK];
  int64_t lo[SF_MAX_RANK], step[SF_MAX_RANK], dim[SF_MAX_RANK];
  int64_t valid_lo[SF_MAX_RANK], valid_hi[SF_MAX_RANK];
  const void
      *packed; /* the whole operand in its kernel's layout (RduPack), beside `data`; NULL: none */
} RduView;

/* An index operand that points outside its table. */
typedef struct
{
  bool is_set;
  int64_t position; /* in the whole index tensor, row-major */
  int64_t value, bound;
} RduFault;

/* Sums over a box that comes piece by piece, in f64 as they stand between two pieces. */
#define RDU_CARRIED     512 /* results at most */
#define RDU_SUMMED_ROWS 8   /* rows of results that are added together, from a box's first on */
typedef struct
{
  double *sums;
  bool goes_on; /* from what the pieces before have left there */
  bool is_left; /* there for the next piece: this is not the last */
} RduCarried;

typedef struct
{
  const RduView *src[RDU_MAX_SRC];
  const RduView *dst[RDU_MAX_DST];
  int n_src, n_dst;
  const int64_t *imm;
  const double *fimm;
  bool first;                /* accumulating kernels: start from nothing */
  float *scratch;            /* of this worker, rdu_scratch_elems elements, 64-byte aligned */
  RduFault *fault;           /* of this worker */
  const RduCarried *carried; /* reduce_sum: NULL, or the box is a piece */
} RduCall;

typedef void (*RduKernelFunc) (const RduCall *call);

/* An operand that does not change while a stage fires may be brought into its kernel's own layout
 * ahead, once for all firings. `whole` is the operand's tensor, every dimension in full; a firing's
 * view then has that layout in `packed` and finds its box by lo and n. */
typedef struct
{
  /* 4-byte elements that the packed form of source `src` takes; 0: it is read as it is. */
  int64_t (*elems) (const RduView *whole, int src, const int64_t *imm);
  /* Writes part `part` of `n_parts`, which may run at one time. */
  void (*pack) (const RduView *whole, int src, const int64_t *imm, void *to, int64_t part,
                int64_t n_parts);
  bool always; /* it pays, however little of the operand's use is left */
  /* Multiply-adds for each element of the operand that pay for packing it in every step; NULL: few
   * do. */
  int64_t (*least_use) (const RduView *whole);
} RduPack;

/* One run of an elementwise operation: y[i] from src[k][i], i < n. An operand whose bit is set
 * in `repeats` has one element for the whole run. y may be one of the operands. */
typedef struct
{
  void *y;
  const void *src[RDU_ROW_SRC];
  int64_t n;
  unsigned repeats;
  SfDtype dtype; /* of y */
  const int64_t *imm;
} RduRow;

typedef void (*RduRowFunc) (const RduRow *row);

typedef struct RduKernel
{
  const char *name;
  int version;
  RduKernelFunc func;
  const RduPack *pack; /* NULL: no operand is packed ahead */
  /* Dimensions of the first source, as bits, along which the sum of a firing goes on from what the
   * accumulator holds: where such a dimension is cut into firings changes no bit, so neighbouring
   * firings may be one. */
  unsigned goes_on;
  const RduRowFunc *rows; /* elementwise: for f32 and for i32 operands; NULL: it is not */
  /* The kernel that does the same by other sums, if it is the better one for operands of these
   * whole shapes (of which nothing else is set but dtypes); else NULL. `first`: no firing adds to
   * what another one left. */
  const struct RduKernel *(*choose) (const RduCall *whole);
  /* Whether, asked as above, it rounds its bf16 sources itself when it reads them: there may be any
   * floats in their place. NULL: it does not. */
  bool (*rounds) (const RduCall *whole);
} RduKernel;

/* ---- fused programs ---- */

typedef enum
{
  RDU_SLOT_REGISTER, /* lives for a run only */
  RDU_SLOT_READ,     /* a view's box */
  RDU_SLOT_WRITTEN,  /* goes to a view's box */
  RDU_SLOT_CONSTANT, /* one value, `bits` */
  RDU_SLOT_IOTA,     /* index along an axis of a view's tensor */
  RDU_SLOT_UNIFORM,  /* random numbers by position in a view's tensor */
} RduSlotKind;

typedef struct
{
  RduSlotKind kind;
  uint32_t view; /* which box; of IOTA and UNIFORM only its place in its tensor counts */
  int32_t bits;
  int reg;            /* REGISTER: which one */
  int64_t parameter;  /* IOTA: axis; UNIFORM: stream */
  uint32_t rng_view;  /* UNIFORM: the state's three words */
  SfDtype rounded_to; /* WRITTEN: what its buffer holds; SF_F32: as it is */
} RduSlot;

typedef struct RduStepForms RduStepForms; /* of one ISA: kernels_steps.h */

typedef struct
{
  RduRowFunc func;
  const RduStepForms *forms; /* NULL: only by rows */
  SfDtype dtype;             /* of what it makes */
  const int64_t *imm;
  int n_src;
  uint8_t src[RDU_ROW_SRC], dst; /* slots */
} RduFusedOp;

/* Elementwise operations over one box, run by run, with what is between them in registers. */
typedef struct
{
  int n_slots, n_ops, n_regs;
  uint32_t box; /* the view whose box it is */
  RduSlot slots[RDU_FUSED_SLOTS];
  RduFusedOp ops[RDU_FUSED_OPS];
} RduFused;

#define RDU_PASTE_(name, isa) name##_##isa
#define RDU_PASTE(name, isa)  RDU_PASTE_ (name, isa)
#ifdef RDU_ISA
#define RDU_SYMBOL(name) RDU_PASTE (name, RDU_ISA)

/* Tables of the files, each ended by a row without a name. */
extern const RduKernel RDU_SYMBOL (rdu_map_kernels)[];
extern const RduKernel RDU_SYMBOL (rdu_binary_kernels)[];
extern const RduKernel RDU_SYMBOL (rdu_gemm_kernels)[];
extern const RduKernel RDU_SYMBOL (rdu_conv_kernels)[];
extern const RduKernel RDU_SYMBOL (rdu_pool_kernels)[];
extern const RduKernel RDU_SYMBOL (rdu_reduce_kernels)[];
extern const RduKernel RDU_SYMBOL (rdu_row_kernels)[];
extern const RduKernel RDU_SYMBOL (rdu_softmax_kernels)[];
extern const RduKernel RDU_SYMBOL (rdu_move_kernels)[];
extern const RduKernel RDU_SYMBOL (rdu_index_kernels)[];

/* Rounds `n` floats to a dtype narrower than f32, in place. */
void RDU_SYMBOL (rdu_round) (SfDtype dtype, float *x, int64_t n);
/* Runs a fused program over views[fused->box]. */
void RDU_SYMBOL (rdu_fused_run) (const RduFused *fused, const RduView *views);
/* The steps of an elementwise operation on f32 or i32 operands; NULL: it has none. */
const RduStepForms *RDU_SYMBOL (rdu_step_forms) (const char *op, bool is_int);
/* One elementwise instruction by the same way. */
void RDU_SYMBOL (rdu_map) (const RduCall *call, const RduRowFunc *rows);
/* Elements first, first + step .. of sf_rng_uniform. */
void RDU_SYMBOL (rdu_uniform) (const SfRng *rng, uint64_t first, int64_t step, float *y, int64_t n);

/* A panel of n columns, k by k, each step of whole vectors (kernels_panel.h). Element (k, j) is at
 * from[k * depth + j * column]; what lies past the last column becomes zero. */
void RDU_SYMBOL (rdu_pack_panel) (const float *from, int64_t depth, int64_t column, int64_t k,
                                  int64_t n, float *to);
/* The way back, of a panel's n columns whose depth is contiguous: element (k, j) goes to
 * to[k + j * column]. */
void RDU_SYMBOL (rdu_unpack_panel) (const float *from, int64_t k, int64_t n, float *to,
                                    int64_t column);

extern const struct RduPeakKernels RDU_SYMBOL (rdu_peak_kernels);
#endif

/* The kernels of one ISA. */
typedef struct
{
  const char *name;
  const RduKernel *const *tables; /* ended by NULL */
  void (*round) (SfDtype dtype, float *x, int64_t n);
  void (*fused_run) (const RduFused *fused, const RduView *views);
  const RduStepForms *(*step_forms) (const char *op, bool is_int);
  const struct RduPeakKernels *peak; /* what it can do at most: peak.h */
} RduIsa;

/* avx512bf16: avx512, and dot products of bf16. */
extern const RduIsa rdu_isa_portable, rdu_isa_avx2, rdu_isa_avx512, rdu_isa_avx512bf16;

/* NULL: no such kernel. */
const RduKernel *rdu_isa_find (const RduIsa *isa, const char *name, int version);
/* The widest that this processor has, or what the environment variable SF_ISA asks for. */
const RduIsa *rdu_isa_choose (GError **error);

/* Elements of scratch that any kernel needs whose longest row has `row_elems` elements. */
int64_t rdu_scratch_elems (int64_t row_elems);

#endif
