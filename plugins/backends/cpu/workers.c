/* SPDX-License-Identifier: Apache-2.0 */
/* Sharing loops among threads. */
#include "workers.h"

/* Elementary operations worth a chunk of their own, and a fork and join. */
#define CHUNK_COST 16384
#define FORK_COST  65536

void
cpu_workers_init (CpuWorkers *workers, int n_threads)
{
  *workers = (CpuWorkers){ .n_threads = n_threads };
}

void
cpu_workers_clear (CpuWorkers *workers)
{
  if (workers->pool != NULL)
    sf_thread_pool_free (workers->pool);
  workers->pool = NULL;
}

int
cpu_workers_max (CpuWorkers *workers)
{
  if (workers->n_threads <= 0)
    workers->n_threads = sf_threads_available ();
  return workers->n_threads;
}

/* A pool that the system refuses is done without: the results are the same. */
static SfThreadPool *
pool_of (CpuWorkers *workers)
{
  if (cpu_workers_max (workers) == 1)
    return NULL;
  if (workers->pool == NULL)
    workers->pool = sf_thread_pool_new (workers->n_threads, NULL);
  if (workers->pool == NULL)
    workers->n_threads = 1;
  return workers->pool;
}

void
cpu_parallel (CpuWorkers *workers, int64_t n, int64_t cost, SfThreadFunc func, void *user_data)
{
  if (n <= 0)
    return;
  if (cost < 1)
    cost = 1;
  bool small = n == 1 || n < FORK_COST / cost;
  SfThreadPool *pool = small ? NULL : pool_of (workers);
  if (pool == NULL)
    func (user_data, 0, 0, n);
  else
    sf_thread_pool_run (pool, n, MAX (1, CHUNK_COST / cost), func, user_data);
}
