/* SPDX-License-Identifier: Apache-2.0 */
/* What the elementwise families share: an op as what it does to one element. */
#ifndef SF_CPU_ELEMENTWISE_H
#define SF_CPU_ELEMENTWISE_H

#include "kernel.h"

/* The form that fits the dtypes of result and inputs is used. */
typedef struct
{
  double (*f) (double x);
  int64_t (*i) (int64_t x, SfDtype dtype);
} CpuUnary;

typedef struct
{
  double (*f) (double a, double b);
  int64_t (*i) (int64_t a, int64_t b, SfDtype dtype);
  int64_t (*compare) (double a, double b); /* floats in, bool out */
} CpuBinary;

/* Run the CpuUnary or CpuBinary that is the `detail` of the call's kernel. */
bool cpu_run_unary (CpuCall *call, GError **error);
bool cpu_run_binary (CpuCall *call, GError **error);

#endif
