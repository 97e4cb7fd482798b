/* SPDX-License-Identifier: Apache-2.0 */
/* How random cases are drawn: one Philox sequence of fixed seed, rows that live as long as the
 * process. */
#ifndef SF_TESTS_OPS_RANDOM_H
#define SF_TESTS_OPS_RANDOM_H

#include "tests/ops/cases.h"

/* low .. high, both included. */
int64_t random_int (int64_t low, int64_t high);
bool random_bool (void);
/* Rank low_rank .. high_rank, dimensions least .. 5. */
SfShape random_shape (int low_rank, int high_rank, int64_t least);
/* A shape that broadcasts to `shape`. */
SfShape random_part (SfShape shape);

/* A case of `op` without inputs, called "random_<op>_<serial>", appended to the list. */
OpCase *random_case (const char *op);
/* Appends an input and returns it, to be given a fill. */
CaseInput *random_input (OpCase *c, CaseType type, SfShape shape);
void random_attr_ints (OpCase *c, const char *name, const int64_t *ints, size_t n);
void random_attr_int (OpCase *c, const char *name, int64_t value);
void random_attr_bool (OpCase *c, const char *name, bool value);
void random_attr_float (OpCase *c, const char *name, double value);

/* The families; each draws its share. */
void random_elementwise (void);
void random_reduce (void);
void random_movement (void);
void random_contraction (void);
void random_window (void);
void random_index (void);
void random_norm_loss (void);

#endif
