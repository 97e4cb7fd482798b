/* SPDX-License-Identifier: Apache-2.0 */
/* Fork-join over a fixed set of threads: a round is announced by a counter, its chunks are taken
 * from another. */
#include <sf/threads.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <sf/checked.h>

enum
{
  SPIN_NS = 40000,
  MAX_THREADS = 1024
};

typedef struct
{
  SfThreadPool *pool;
  int worker;
  pthread_t thread;
} Worker;

struct SfThreadPool
{
  int n_threads;
  int n_started; /* helpers whose thread exists */
  Worker *workers;

  /* The round: written by the caller before it raises `round`, read by helpers after they saw it
   * raised. */
  SfThreadFunc func;
  void *user_data;
  int64_t n, grain, n_chunks;
  bool stop;

  /* Each on a cache line of its own: helpers hammer them. */
  _Alignas(64) atomic_uint round;
  _Alignas(64) _Atomic int64_t next_chunk;
  _Alignas(64) atomic_int n_busy; /* helpers that have not finished the round */
  _Alignas(64) atomic_int n_asleep;
  atomic_int caller_asleep;
  pthread_mutex_t lock;
  pthread_cond_t wake, done;
};

static int64_t
now_ns (void)
{
  struct timespec t;
  clock_gettime (CLOCK_MONOTONIC, &t);
  return (int64_t) t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void
relax (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#else
  atomic_signal_fence (memory_order_seq_cst);
#endif
}

static void
work (SfThreadPool *pool, int worker)
{
  for (;;)
    {
      int64_t chunk = atomic_fetch_add_explicit (&pool->next_chunk, 1, memory_order_relaxed);
      if (chunk >= pool->n_chunks)
        return;
      int64_t begin = chunk * pool->grain;
      pool->func (pool->user_data, worker, begin, MIN (pool->n - begin, pool->grain) + begin);
    }
}

/* Spins for a while, then sleeps, until the round is another than `seen`. */
static void
wait_for_round (SfThreadPool *pool, unsigned seen)
{
  int64_t until = now_ns () + SPIN_NS;
  do
    for (int i = 0; i < 64; i++)
      {
        if (atomic_load_explicit (&pool->round, memory_order_acquire) != seen)
          return;
        relax ();
      }
  while (now_ns () < until);

  pthread_mutex_lock (&pool->lock);
  atomic_fetch_add (&pool->n_asleep, 1);
  while (atomic_load (&pool->round) == seen)
    pthread_cond_wait (&pool->wake, &pool->lock);
  atomic_fetch_sub (&pool->n_asleep, 1);
  pthread_mutex_unlock (&pool->lock);
}

static void *
helper_main (void *data)
{
  Worker *self = data;
  SfThreadPool *pool = self->pool;
  for (unsigned seen = 0;; seen++)
    {
      wait_for_round (pool, seen);
      if (pool->stop)
        return NULL;
      work (pool, self->worker);
      if (atomic_fetch_sub (&pool->n_busy, 1) == 1 && atomic_load (&pool->caller_asleep) != 0)
        {
          pthread_mutex_lock (&pool->lock);
          pthread_cond_signal (&pool->done);
          pthread_mutex_unlock (&pool->lock);
        }
    }
}

/* Announces a round. A helper counts itself asleep before it looks at the round for the last time,
 * and we raise the round before we look at the count (both sequentially consistent), so one of the
 * two sees the other. */
static void
announce (SfThreadPool *pool)
{
  atomic_fetch_add (&pool->round, 1);
  if (atomic_load (&pool->n_asleep) > 0)
    {
      pthread_mutex_lock (&pool->lock);
      pthread_cond_broadcast (&pool->wake);
      pthread_mutex_unlock (&pool->lock);
    }
}

static void
wait_for_helpers (SfThreadPool *pool)
{
  int64_t until = now_ns () + SPIN_NS;
  do
    for (int i = 0; i < 64; i++)
      {
        if (atomic_load_explicit (&pool->n_busy, memory_order_acquire) == 0)
          return;
        relax ();
      }
  while (now_ns () < until);

  pthread_mutex_lock (&pool->lock);
  atomic_store (&pool->caller_asleep, 1);
  while (atomic_load (&pool->n_busy) != 0)
    pthread_cond_wait (&pool->done, &pool->lock);
  atomic_store (&pool->caller_asleep, 0);
  pthread_mutex_unlock (&pool->lock);
}

SfThreadPool *
sf_thread_pool_new (int n_threads, GError **error)
{
  if (n_threads < 0 || n_threads > MAX_THREADS)
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
               "threads: found %d, wanted 0 (all processors) to %d", n_threads, MAX_THREADS);
      return NULL;
    }
  SfThreadPool *pool = sf_aligned_alloc (1, sizeof *pool, "thread pool", error);
  if (pool == NULL)
    return NULL;
  pool->n_threads = n_threads > 0 ? n_threads : sf_threads_available ();
  pool->workers = g_new0 (Worker, pool->n_threads);
  pthread_mutex_init (&pool->lock, NULL);
  pthread_cond_init (&pool->wake, NULL);
  pthread_cond_init (&pool->done, NULL);
  for (int i = 1; i < pool->n_threads; i++)
    {
      pool->workers[i] = (Worker){ .pool = pool, .worker = i };
      int status = pthread_create (&pool->workers[i].thread, NULL, helper_main, &pool->workers[i]);
      if (status != 0)
        {
          sf_fail (error, SF_ERROR_NO_RESOURCE,
                   "threads: cannot start thread %d of %d: %s; ask for fewer", i + 1,
                   pool->n_threads, g_strerror (status));
          sf_thread_pool_free (pool);
          return NULL;
        }
      pool->n_started++;
    }
  return pool;
}

void
sf_thread_pool_free (SfThreadPool *pool)
{
  if (pool == NULL)
    return;
  pool->stop = true;
  announce (pool);
  for (int i = 1; i <= pool->n_started; i++)
    pthread_join (pool->workers[i].thread, NULL);
  pthread_cond_destroy (&pool->done);
  pthread_cond_destroy (&pool->wake);
  pthread_mutex_destroy (&pool->lock);
  g_free (pool->workers);
  sf_aligned_free (pool);
}

int
sf_thread_pool_size (const SfThreadPool *pool)
{
  return pool->n_threads;
}

void
sf_thread_pool_run (SfThreadPool *pool, int64_t n, int64_t grain, SfThreadFunc func,
                    void *user_data)
{
  if (n <= 0)
    return;
  grain = MAX (grain, 1);
  int64_t n_chunks = n / grain + (n % grain != 0);
  if (pool->n_threads == 1 || n_chunks == 1)
    {
      for (int64_t begin = 0; n_chunks > 0; n_chunks--, begin += grain)
        func (user_data, 0, begin, MIN (n - begin, grain) + begin);
      return;
    }
  pool->func = func;
  pool->user_data = user_data;
  pool->n = n;
  pool->grain = grain;
  pool->n_chunks = n_chunks;
  atomic_store_explicit (&pool->next_chunk, 0, memory_order_relaxed);
  atomic_store_explicit (&pool->n_busy, pool->n_threads - 1, memory_order_relaxed);
  announce (pool);
  work (pool, 0);
  wait_for_helpers (pool);
}
