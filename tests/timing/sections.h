/* SPDX-License-Identifier: Apache-2.0 */
/* Small sections, built, placed and routed by hand, and machines to run them on. */
#ifndef SF_TESTS_TIMING_SECTIONS_H
#define SF_TESTS_TIMING_SECTIONS_H

#include <sf/plugin/program.h>

/* A figure of the machine; keys as in etc/arch. Those of its memory are "LEVEL.key". */
typedef struct
{
  const char *key;
  int64_t value;
} Figure;

/* The machine tests/timing/bench.cfg with some figures changed (NULL-terminated; may be NULL). A
 * second level of memory exists when a figure names it. Owned. */
SfArch *machine_new (const Figure *figures);
/* The same of another machine. */
SfArch *machine_with (const SfArch *base, const Figure *figures);

/* What a case may turn. 0: 1. */
typedef struct
{
  int64_t pcus, pmus; /* of each stage, of each buffer */
  int64_t tokens;
  int64_t depth;
  int64_t skip_depth; /* of the buffer that a skip goes through */
  SfDtype dtype;
  bool spread; /* units far apart instead of side by side */
} Shape;

/* Accesses: all of n; a block of `size` from counter k; the same with a base. */
#define ALL(n)               \
  {                          \
    .size = (n), .stride = 1 \
  }
#define BLOCK(k, n)                               \
  {                                               \
    .coef = { [k] = 1 }, .size = (n), .stride = 1 \
  }
#define HALO(k, base_, n)                                          \
  {                                                                \
    .base = (base_), .coef = { [k] = 1 }, .size = (n), .stride = 1 \
  }

#define OPERAND(kind, buffer, shape, counter, rate, ...) \
  {                                                      \
    kind, buffer, SF_F32, shape, counter, rate,          \
    {                                                    \
      __VA_ARGS__                                        \
    }                                                    \
  }
#define IN(buffer, shape, ...)       OPERAND (SF_OPERAND_IN, buffer, shape, 0, 1, __VA_ARGS__)
#define RESIDENT(buffer, shape, ...) OPERAND (SF_OPERAND_IN, buffer, shape, -1, 0, __VA_ARGS__)
#define OUT(buffer, shape, ...)      OPERAND (SF_OPERAND_OUT, buffer, shape, 0, 1, __VA_ARGS__)
#define SUM(buffer, shape, ...)      OPERAND (SF_OPERAND_OUT, buffer, shape, -1, 0, __VA_ARGS__)
#define TEMP(shape, ...)             OPERAND (SF_OPERAND_TEMP, SF_NONE, shape, -1, 0, __VA_ARGS__)

#define OP1(name, a, y)                                                          \
  {                                                                              \
    .op = name, .version = 1, .n_src = 1, .n_dst = 1, .src = { a }, .dst = { y } \
  }
#define OP2(name, a, b, y)                                                          \
  {                                                                                 \
    .op = name, .version = 1, .n_src = 2, .n_dst = 1, .src = { a, b }, .dst = { y } \
  }

/* Program with one config. */
SfProgram *section_new (void);
uint32_t section_buffer (SfProgram *program, const char *name, SfDtype dtype, SfShape shape,
                         int64_t tokens, int64_t depth, int64_t n_pmus);
/* A stream into (or out of) the buffer, bound to the next slot. */
void section_stream (SfProgram *program, bool out, uint32_t buffer);
void section_stage (SfProgram *program, SfStage stage, const SfOperand *operands, size_t n_operands,
                    const SfInstr *instrs, size_t n_instrs, int64_t n_pcus);
#define ADD_STAGE(program, stage, n_pcus)                                                          \
  section_stage (program, stage, operands, G_N_ELEMENTS (operands), instrs, G_N_ELEMENTS (instrs), \
                 n_pcus)

/* Units in reading order of the grid; `spread`: from its two ends in turn. Streams that find no
 * AGCU of their own share. Nets along rows, then along columns. */
void section_place (SfProgram *program, const SfArch *arch, bool spread);
/* Routes for places that were set. */
void section_route (SfProgram *program);

/* ---- whole sections, without places ---- */

typedef SfProgram *(*SectionFunc) (const Shape *shape);

SfProgram *section_copy (const Shape *shape);        /* relu */
SfProgram *section_two (const Shape *shape);         /* two of them */
SfProgram *section_many (const Shape *shape);        /* four of them */
SfProgram *section_gemm (const Shape *shape);        /* y = relu (x w + b) */
SfProgram *section_short_gemm (const Shape *shape);  /* of 27 rows */
SfProgram *section_pipeline (const Shape *shape);    /* relu, then exp */
SfProgram *section_skip (const Shape *shape);        /* y = x + f (g (x)) */
SfProgram *section_conv (const Shape *shape);        /* 3 x 3, halo, two blocks of channels */
SfProgram *section_softmax (const Shape *shape);     /* of rows */
SfProgram *section_gradient (const Shape *shape);    /* dw += dy^T x */
SfProgram *section_two_readers (const Shape *shape); /* two stages read x */
SfProgram *section_readers (const Shape *shape);     /* three stages and a stream do */
SfProgram *section_two_results (const Shape *shape); /* of one stage */
SfProgram *section_attention (const Shape *shape);   /* softmax (q k^T) v */
SfProgram *section_statistics (const Shape *shape);  /* x - max x: x goes through twice */

#endif
