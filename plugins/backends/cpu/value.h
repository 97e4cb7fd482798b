/* SPDX-License-Identifier: Apache-2.0 */
/* Values between the dtypes outside and the doubles and int64s that kernels see. */
#ifndef SF_CPU_VALUE_H
#define SF_CPU_VALUE_H

#include "kernel.h"

/* Copies `from` (any dtype, equal shape) into `to`; `rounded` as for cpu_value_store. */
bool cpu_value_read (CpuWorkers *workers, const SfTensor *from, bool rounded, CpuTensor *to,
                     GError **error);
/* Copies `from` into `to` (any dtype, equal shape). */
bool cpu_value_write (const CpuTensor *from, SfTensor *to, GError **error);
/* Gives each element the nearest value of the tensor's dtype: integers wrap, floats are rounded
 * when `rounded`. */
void cpu_value_store (CpuWorkers *workers, CpuTensor *tensor, bool rounded);
/* The elements as they lie in memory: f64 or i64. */
SfTensor cpu_value_view (const CpuTensor *tensor);

#endif
