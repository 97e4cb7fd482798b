/* SPDX-License-Identifier: Apache-2.0 */
/* A pool of worker threads with one fork-join primitive. */
#ifndef SF_THREADS_H
#define SF_THREADS_H

#include <sf/error.h>

SF_BEGIN_DECLS

typedef struct SfThreadPool SfThreadPool;

/* Work on item range [begin, end) as worker `worker` (0 .. n_threads-1, 0 = the caller). */
typedef void (*SfThreadFunc) (void *user_data, int worker, int64_t begin, int64_t end);

/* n_threads >= 1 counts the caller; 0 = sf_threads_available (). Workers spin briefly after work, then sleep. */
SF_API SfThreadPool *sf_thread_pool_new (int n_threads, GError **error);
SF_API void sf_thread_pool_free (SfThreadPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfThreadPool, sf_thread_pool_free)
SF_API int sf_thread_pool_size (const SfThreadPool *pool);

/* Splits 0..n-1 into chunks of `grain` (>= 1) items, runs `func` on them in parallel and returns when all are done. Which worker gets which
 * chunk is not determined, so results must not depend on it. Not reentrant: one caller at a time. */
SF_API void sf_thread_pool_run (SfThreadPool *pool, int64_t n, int64_t grain, SfThreadFunc func, void *user_data);

/* One of the tasks of a round: items 0..n-1 in chunks of `grain`, as above; n 0: nothing to do. `after`: what has to be done before it begins, bit i
 * for the task i + 1 before it. Everything more than SF_THREAD_WINDOW before it has to be done, too. */
#define SF_THREAD_WINDOW 64
typedef struct
{
  SfThreadFunc func;
  void *user_data; /* borrowed */
  int64_t n, grain;
  uint64_t after;
} SfThreadTask;

/* Room for rounds of up to n_tasks tasks; one has room from the beginning. */
SF_API bool sf_thread_pool_reserve (SfThreadPool *pool, size_t n_tasks, GError **error);

/* Runs all tasks in one fork-join and returns when all are done: each worker goes through them in their order, and works on those that may begin,
 * so that tasks which do not wait for each other share the workers. A longer list than there is room for runs on the caller alone. As above, not
 * reentrant. Allocates nothing. */
SF_API void sf_thread_pool_run_tasks (SfThreadPool *pool, const SfThreadTask *tasks, size_t n_tasks);

/* Usable processors: affinity mask, capped by the cgroup v2 (or v1) cpu quota; at least 1. */
SF_API int sf_threads_available (void);

SF_END_DECLS
#endif
