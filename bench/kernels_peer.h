/* SPDX-License-Identifier: Apache-2.0 */
/* The same products by oneDNN, where it is installed. */
#ifndef SF_BENCH_KERNELS_PEER_H
#define SF_BENCH_KERNELS_PEER_H

#include <stdbool.h>
#include <stdint.h>

/* y[m, n] = a times b, `batch` times; ta: a is [k, m]; tb: b is [n, k]. */
typedef struct
{
  const char *name;
  int64_t batch, m, n, k;
  bool ta, tb;
} BenchProduct;

#endif
