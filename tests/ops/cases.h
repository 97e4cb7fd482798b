/* SPDX-License-Identifier: Apache-2.0 */
/* Op test cases: what an op is given and, where a row says so, what it must give. Any backend can
 * walk them.
 *
 *   { "add_rows", "add", { { CASE_T, "2,1", D (1, 2) }, { CASE_T, "3", D (10, 20, 30) } },
 *     .want = { { CASE_T, "2,3", D (11, 21, 31, 12, 22, 32) } } },
 *
 * Rows with `want` are worked out by hand from docs/ops.md; rows without are compared: gradients
 * with differences, composites with their decompositions, backends with each other. */
#ifndef SF_TESTS_OPS_CASES_H
#define SF_TESTS_OPS_CASES_H

#include <math.h>

#include <sf/graph.h>

#define CASE_MAX_INPUTS  6
#define CASE_MAX_OUTPUTS 5
#define CASE_MAX_ATTRS   8

typedef enum
{
  CASE_ABSENT, /* after the last input or output; an optional input left out when a later one is
                  given */
  CASE_T,      /* the dtype under test */
  CASE_WIDE,   /* f32 where that is bf16 or f16: losses, statistics, norm parameters */
  CASE_F32,
  CASE_F64,
  CASE_I32,
  CASE_BOOL,
} CaseType;

/* How data that a row does not list is made, from the case's name and the input's place. */
typedef enum
{
  FILL_UNIFORM,  /* low .. high; -1 .. 1 when both are 0 */
  FILL_SIGNED,   /* low .. high with a random sign: away from 0 */
  FILL_DISTINCT, /* a random order of steps of 0.1 around 0, plus low: no ties and no near ties */
  FILL_INTEGER,  /* integers low .. high - 1 */
} CaseFill;

typedef struct
{
  CaseType type;
  const char *shape;  /* "2,3"; "" is a scalar */
  const double *data; /* NULL: by fill */
  CaseFill fill;
  double low, high;
  bool no_gradient; /* the op gives this float input none, whatever the loss depends on */
} CaseInput;

typedef struct
{
  CaseType type;
  const char *shape;
  const double *data; /* NULL: only dtype and shape are checked */
} CaseOutput;

typedef struct
{
  const char *name;
  const char *op;
  CaseInput in[CASE_MAX_INPUTS];
  SfAttr attrs[CASE_MAX_ATTRS]; /* ends with name NULL */
  CaseOutput want[CASE_MAX_OUTPUTS];
  const char
      *dtypes; /* T: "f" floats (also when NULL), "i" signed, "u" unsigned integers, "b" bool */
} OpCase;

/* clang-format off */
#define D(...)   .data = (const double[]) { __VA_ARGS__ }
#define EMPTY    .data = (const double[]) { 0 }
#define AI(n, v) { .name = (n), .type = SF_ATTR_INT, .i = (v) }
#define AB(n, v) { .name = (n), .type = SF_ATTR_BOOL, .i = (v) }
#define AD(n, v) { .name = (n), .type = SF_ATTR_DTYPE, .i = (v) }
#define AF(n, v) { .name = (n), .type = SF_ATTR_FLOAT, .f = (v) }
#define AS(n, v) { .name = (n), .type = SF_ATTR_STRING, .s = (v) }
#define AIS(nm, ...)                                                  \
  { .name = (nm), .type = SF_ATTR_INTS,                               \
    .ints = (const int64_t[]) { __VA_ARGS__ },                        \
    .n_ints = sizeof ((int64_t[]) { __VA_ARGS__ }) / sizeof (int64_t) }
/* clang-format on */

/* A table of one family; the families are listed in cases.c. */
typedef struct
{
  const OpCase *rows;
  size_t n;
} OpCases;

#define OP_CASES(family) const OpCases op_cases_##family = { rows, G_N_ELEMENTS (rows) }
extern const OpCases op_cases_elementwise, op_cases_reduce, op_cases_movement, op_cases_contraction,
    op_cases_window, op_cases_index, op_cases_counted, op_cases_norm, op_cases_loss;

/* All cases: the tables, then random ones (random.c, one fixed seed). Constant for the life of the
 * process. */
size_t op_case_count (void);
const OpCase *op_case_at (size_t index);
/* Appends the random cases; rows and all they point to live as long as the process. */
void op_cases_random (GPtrArray *to);

size_t op_case_n_inputs (const OpCase *c);
SfShape op_case_shape (const char *text);
/* The dtype of an input or output when the dtype under test is `t`. */
SfDtype op_case_dtype (CaseType type, SfDtype t);
/* Whether T may be `t`. */
bool op_case_allows (const OpCase *c, SfDtype t);
/* Elements of input `index` as f64, rounded to its dtype. Owned: g_free. */
double *op_case_data (const OpCase *c, size_t index, SfDtype t);

/* A case as a graph. Inputs are called "in0", "in1", ...; an input called rng is the scalar "rng".
 */
typedef struct
{
  SfGraph *graph;
  SfNode node;
  SfValue in[CASE_MAX_INPUTS]; /* SF_NONE: absent */
  size_t n_in;
  SfValue out[CASE_MAX_OUTPUTS];
  size_t n_out;
  SfValue loss;                  /* SF_NONE without gradient */
  SfValue grad[CASE_MAX_INPUTS]; /* SF_NONE: none */
} CaseGraph;

/* The op alone. */
bool op_case_graph (const OpCase *c, SfDtype t, CaseGraph *out, GError **error);
/* Adds loss = sum (out[0] * fixed random projection) and the gradients of all float inputs that may
 * have one. */
bool op_case_differentiate (const OpCase *c, CaseGraph *g, GError **error);
/* The projection is the same for every dtype and graph of the case. */
bool op_case_add_loss (const OpCase *c, CaseGraph *g, GError **error);
/* A copy of `g` in which every node that has a decomposition is replaced by it, to the primitives.
 */
bool op_case_lower (const CaseGraph *g, CaseGraph *out, GError **error);
void op_case_clear (CaseGraph *g);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CaseGraph, op_case_clear)

/* Evaluates values[0..n) on the reference backend, from data[i] for input i, into f64 arrays.
 * `f64`: nothing is rounded. out[i]: owned, g_free. */
bool op_case_evaluate (const CaseGraph *g, double *const *data, bool f64, const SfValue *values,
                       size_t n, double **out, GError **error);

#endif
