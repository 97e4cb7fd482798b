/* SPDX-License-Identifier: Apache-2.0 */
/* SfThreadPool: workers that claim chunks of one job at a time from a counter that carries the job's generation. */
#include <sf/threads.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define SPIN_NS 30000

struct SfThreadPool
{
  int n_threads;
  GThread **threads; /* n_threads - 1 */
  bool spin;         /* no more threads than processors */

  /* generation << 32 | chunks not yet claimed. A chunk is claimed by exchanging the word for one less: a worker that comes late sees another generation and
   * leaves alone what the fields below hold by then. */
  _Atomic uint64_t claim;
  _Atomic int64_t n_done;

  /* The job; stable while any of its chunks is claimed and not done. */
  SfThreadFunc func;
  void *user_data;
  int64_t n, grain, n_chunks;

  GMutex mutex;
  GCond wake;
  _Atomic int n_sleeping;
  _Atomic bool quit;
};

typedef struct
{
  SfThreadPool *pool;
  int worker;
} Start;

static inline void
relax (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#else
  sched_yield ();
#endif
}

/* Runs chunks of the current job until none is left. */
static void
work (SfThreadPool *pool, int worker)
{
  uint64_t word = atomic_load_explicit (&pool->claim, memory_order_acquire);
  while ((uint32_t) word > 0)
    {
      if (!atomic_compare_exchange_weak_explicit (&pool->claim, &word, word - 1, memory_order_acq_rel, memory_order_acquire))
        continue;
      int64_t chunk = pool->n_chunks - (int64_t) (uint32_t) word;
      int64_t begin = chunk * pool->grain, end = MIN (begin + pool->grain, pool->n);
      pool->func (pool->user_data, worker, begin, end);
      atomic_fetch_add_explicit (&pool->n_done, 1, memory_order_release);
      word = atomic_load_explicit (&pool->claim, memory_order_acquire);
    }
}

static bool
has_work (SfThreadPool *pool)
{
  return (uint32_t) atomic_load_explicit (&pool->claim, memory_order_acquire) > 0 || atomic_load (&pool->quit);
}

static void
wait_for_work (SfThreadPool *pool)
{
  gint64 until = g_get_monotonic_time () + SPIN_NS / 1000;
  while (pool->spin && !has_work (pool) && g_get_monotonic_time () < until)
    for (int i = 0; i < 64 && !has_work (pool); i++)
      relax ();
  if (has_work (pool))
    return;
  g_mutex_lock (&pool->mutex);
  atomic_fetch_add (&pool->n_sleeping, 1);
  while (!has_work (pool))
    g_cond_wait (&pool->wake, &pool->mutex);
  atomic_fetch_sub (&pool->n_sleeping, 1);
  g_mutex_unlock (&pool->mutex);
}

static gpointer
thread_main (gpointer data)
{
  Start start = *(Start *) data;
  g_free (data);
  while (!atomic_load (&start.pool->quit))
    {
      work (start.pool, start.worker);
      wait_for_work (start.pool);
    }
  return NULL;
}

SfThreadPool *
sf_thread_pool_new (int n_threads, GError **error)
{
  int available = sf_threads_available ();
  if (n_threads == 0)
    n_threads = available;
  if (n_threads < 1 || n_threads > 1024)
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "threads: found %d, wanted 1 to 1024", n_threads);
      return NULL;
    }
  SfThreadPool *pool = g_new0 (SfThreadPool, 1);
  g_mutex_init (&pool->mutex);
  g_cond_init (&pool->wake);
  pool->threads = g_new0 (GThread *, n_threads);
  pool->n_threads = 1;
  pool->spin = n_threads <= available;
  for (int i = 1; i < n_threads; i++)
    {
      g_autoptr (GError) cause = NULL;
      Start *start = g_new (Start, 1);
      *start = (Start){ pool, i };
      pool->threads[i - 1] = g_thread_try_new ("sf-worker", thread_main, start, &cause);
      if (pool->threads[i - 1] == NULL)
        {
          g_free (start);
          sf_fail (error, SF_ERROR_NO_RESOURCE, "threads: only %d of %d could be started (%s); use fewer with --threads", i, n_threads, cause->message);
          sf_thread_pool_free (pool);
          return NULL;
        }
      pool->n_threads++;
    }
  return pool;
}

void
sf_thread_pool_free (SfThreadPool *pool)
{
  if (pool == NULL)
    return;
  g_mutex_lock (&pool->mutex);
  atomic_store (&pool->quit, true);
  g_cond_broadcast (&pool->wake);
  g_mutex_unlock (&pool->mutex);
  for (int i = 1; i < pool->n_threads; i++)
    g_thread_join (pool->threads[i - 1]);
  g_mutex_clear (&pool->mutex);
  g_cond_clear (&pool->wake);
  g_free (pool->threads);
  g_free (pool);
}

int
sf_thread_pool_size (const SfThreadPool *pool)
{
  return pool->n_threads;
}

static void
publish (SfThreadPool *pool, int64_t n_chunks)
{
  uint64_t generation = atomic_load (&pool->claim) >> 32;
  atomic_store (&pool->n_done, 0);
  atomic_store (&pool->claim, (generation + 1) << 32 | (uint64_t) n_chunks);
  if (atomic_load (&pool->n_sleeping) == 0)
    return;
  g_mutex_lock (&pool->mutex);
  g_cond_broadcast (&pool->wake);
  g_mutex_unlock (&pool->mutex);
}

void
sf_thread_pool_run (SfThreadPool *pool, int64_t n, int64_t grain, SfThreadFunc func, void *user_data)
{
  if (n <= 0)
    return;
  grain = MAX (grain, (n + (int64_t) UINT32_MAX - 1) / (int64_t) UINT32_MAX);
  int64_t n_chunks = (n - 1) / grain + 1;
  if (pool->n_threads == 1 || n_chunks == 1)
    {
      func (user_data, 0, 0, n);
      return;
    }
  pool->func = func;
  pool->user_data = user_data;
  pool->n = n;
  pool->grain = grain;
  pool->n_chunks = n_chunks;
  publish (pool, n_chunks);
  work (pool, 0);
  for (int spins = 0; atomic_load_explicit (&pool->n_done, memory_order_acquire) < n_chunks; spins++)
    if (spins < 4096 && pool->spin)
      relax ();
    else
      sched_yield ();
}

/* Processors that a cgroup's quota pays for, rounded up; 0 when there is none. */
static int
quota_of (const char *max_file, const char *quota_file, const char *period_file)
{
  long long quota = 0, period = 0;
  g_autofree char *max = NULL, *a = NULL, *b = NULL;
  if (g_file_get_contents (max_file, &max, NULL, NULL))
    {
      if (sscanf (max, "%lld %lld", &quota, &period) != 2)
        return 0;
    }
  else if (g_file_get_contents (quota_file, &a, NULL, NULL) && g_file_get_contents (period_file, &b, NULL, NULL))
    {
      quota = g_ascii_strtoll (a, NULL, 10);
      period = g_ascii_strtoll (b, NULL, 10);
    }
  return quota > 0 && period > 0 ? (int) ((quota + period - 1) / period) : 0;
}

int
sf_threads_available (void)
{
  cpu_set_t *set = CPU_ALLOC (8192);
  size_t size = CPU_ALLOC_SIZE (8192);
  CPU_ZERO_S (size, set);
  int n = sched_getaffinity (0, size, set) == 0 ? CPU_COUNT_S (size, set) : 1;
  CPU_FREE (set);
  int quota = quota_of ("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota > 0 && quota < n)
    n = quota;
  return MAX (n, 1);
}
