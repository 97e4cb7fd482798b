/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of one evaluation or session: started when the first loop is large enough to gain
 * from them. */
#ifndef SF_CPU_WORKERS_H
#define SF_CPU_WORKERS_H

#include <sf/threads.h>

typedef struct
{
  int n_threads; /* 0: sf_threads_available (), asked when first needed */
  SfThreadPool *pool;
} CpuWorkers;

void cpu_workers_init (CpuWorkers *workers, int n_threads);
void cpu_workers_clear (CpuWorkers *workers);
/* Workers that a loop may meet: bound of the `worker` argument of its function. */
int cpu_workers_max (CpuWorkers *workers);

/* Runs `func` over items 0..n-1, each of about `cost` elementary operations, in the caller alone
 * when that is too little to share. What an item computes may not depend on the range it came in.
 */
void cpu_parallel (CpuWorkers *workers, int64_t n, int64_t cost, SfThreadFunc func,
                   void *user_data);

#endif
