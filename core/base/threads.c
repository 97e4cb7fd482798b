/* SPDX-License-Identifier: Apache-2.0 */
/* Fork-join over a fixed set of threads. Each thread has a part of the chunks and helps the others
 * when its own is done; a helper that has not come by the time all chunks are taken is not waited
 * for. */
#include <sf/threads.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include <sf/checked.h>

enum
{
  SPIN_NS = 40000,        /* then a thread that waits sleeps, */
  CROWDED_SPIN_NS = 5000, /* sooner where it takes the processor from those it waits for */
  LOOKS = 32,             /* between two looks at the clock */
  MAX_THREADS = 1024
};

typedef enum
{
  IDLE,    /* nothing to do; only the caller of the pool may touch the round */
  CALLED,  /* there is a round */
  AT_WORK, /* the helper has taken the call: the round stays as it is until it is idle again */
  STOPPED,
} State;

/* A thread of the pool; worker 0 is the caller, which uses the round only. */
typedef struct
{
  /* The round and the helper's state in one cache line, which goes over and back once. */
  _Alignas(64) _Atomic int state; /* State */
  int n_parts;
  SfThreadFunc func;
  void *user_data;
  int64_t n, grain;
  _Atomic int64_t next_chunk; /* of this thread's part, */
  int64_t end_chunk;          /* which ends here */

  _Alignas(64) SfThreadPool *pool;
  int worker;
  atomic_bool is_asleep;
  pthread_t thread;
  pthread_cond_t wake;
} Worker;

struct SfThreadPool
{
  int n_threads;
  int n_started;   /* helpers whose thread exists */
  bool is_crowded; /* more threads than processors */
  Worker *workers;
  pthread_mutex_t lock;
  pthread_cond_t done;
  _Alignas(64) atomic_bool caller_is_asleep;
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

static inline State
state_of (const Worker *worker)
{
  return (State) atomic_load_explicit (&worker->state, memory_order_acquire);
}

/* Whether the state is another than `state` before it is time to sleep. */
static bool
spin_while (const SfThreadPool *pool, const Worker *worker, State state)
{
  int64_t begin = 0, waited = 0;
  do
    {
      for (int i = 0; i < LOOKS; i++)
        {
          if (state_of (worker) != state)
            return true;
          relax ();
        }
      int64_t now = now_ns ();
      begin = begin == 0 ? now : begin;
      waited = now - begin;
      if (pool->is_crowded)
        sched_yield ();
    }
  while (waited < (pool->is_crowded ? CROWDED_SPIN_NS : SPIN_NS));
  return state_of (worker) != state;
}

/* ---- a round ---- */

/* Takes the next chunk of a part. Looks first: a part that is done costs its owner nothing. */
static inline bool
take (Worker *part, int64_t *chunk)
{
  if (atomic_load_explicit (&part->next_chunk, memory_order_relaxed) >= part->end_chunk)
    return false;
  *chunk = atomic_fetch_add_explicit (&part->next_chunk, 1, memory_order_relaxed);
  return *chunk < part->end_chunk;
}

/* The worker's own part, then what is left of the others. */
static void
work (Worker *self)
{
  const int n_parts = self->n_parts;
  const int64_t n = self->n, grain = self->grain;
  for (int p = 0; p < n_parts; p++)
    {
      Worker *part = &self->pool->workers[(self->worker + p) % n_parts];
      int64_t chunk;
      while (take (part, &chunk))
        {
          int64_t begin = chunk * grain;
          self->func (self->user_data, self->worker, begin, MIN (n - begin, grain) + begin);
        }
    }
}

/* ---- helpers ---- */

/* A helper counts as asleep before it looks at its state for the last time, and the caller changes
 * the state before it looks whether the helper is asleep (all sequentially consistent), so one of
 * the two sees the other. */
static void
wait_for_call (Worker *self)
{
  SfThreadPool *pool = self->pool;
  if (spin_while (pool, self, IDLE))
    return;
  pthread_mutex_lock (&pool->lock);
  atomic_store (&self->is_asleep, true);
  while (atomic_load (&self->state) == IDLE)
    pthread_cond_wait (&self->wake, &pool->lock);
  atomic_store (&self->is_asleep, false);
  pthread_mutex_unlock (&pool->lock);
}

static void *
helper_main (void *data)
{
  Worker *self = data;
  SfThreadPool *pool = self->pool;
  for (;;)
    {
      int called = CALLED;
      wait_for_call (self);
      if (state_of (self) == STOPPED)
        return NULL;
      if (!atomic_compare_exchange_strong (&self->state, &called, AT_WORK))
        continue; /* too late, or stopped */
      work (self);
      atomic_store (&self->state, IDLE);
      if (atomic_load (&pool->caller_is_asleep))
        {
          pthread_mutex_lock (&pool->lock);
          pthread_cond_signal (&pool->done);
          pthread_mutex_unlock (&pool->lock);
        }
    }
}

/* ---- the caller ---- */

static void
change_state (Worker *helper, State state)
{
  atomic_store (&helper->state, (int) state);
  if (!atomic_load (&helper->is_asleep))
    return;
  pthread_mutex_lock (&helper->pool->lock);
  pthread_cond_signal (&helper->wake);
  pthread_mutex_unlock (&helper->pool->lock);
}

/* All chunks are taken: calls a helper back that has not come, waits for one that is at work. */
static void
join (Worker *helper)
{
  SfThreadPool *pool = helper->pool;
  int called = CALLED;
  if (state_of (helper) == IDLE || atomic_compare_exchange_strong (&helper->state, &called, IDLE)
      || spin_while (pool, helper, AT_WORK))
    return;
  pthread_mutex_lock (&pool->lock);
  atomic_store (&pool->caller_is_asleep, true);
  while (atomic_load (&helper->state) == AT_WORK)
    pthread_cond_wait (&pool->done, &pool->lock);
  atomic_store (&pool->caller_is_asleep, false);
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
  pool->is_crowded = pool->n_threads > sf_threads_available ();
  pthread_mutex_init (&pool->lock, NULL);
  pthread_cond_init (&pool->done, NULL);
  pool->workers = sf_aligned_alloc ((size_t) pool->n_threads, sizeof (Worker), "thread pool",
                                    error);
  if (pool->workers == NULL)
    {
      sf_thread_pool_free (pool);
      return NULL;
    }
  for (int i = 0; i < pool->n_threads; i++)
    {
      pool->workers[i].pool = pool;
      pool->workers[i].worker = i;
    }
  for (int i = 1; i < pool->n_threads; i++)
    {
      pthread_cond_init (&pool->workers[i].wake, NULL);
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
  for (int i = 1; i <= pool->n_started; i++)
    {
      change_state (&pool->workers[i], STOPPED);
      pthread_join (pool->workers[i].thread, NULL);
      pthread_cond_destroy (&pool->workers[i].wake);
    }
  pthread_cond_destroy (&pool->done);
  pthread_mutex_destroy (&pool->lock);
  sf_aligned_free (pool->workers);
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
  int n_parts = (int) MIN (n_chunks, pool->n_threads);
  for (int i = 0; i < n_parts; i++)
    {
      Worker *worker = &pool->workers[i];
      worker->n_parts = n_parts;
      worker->func = func;
      worker->user_data = user_data;
      worker->n = n;
      worker->grain = grain;
      worker->end_chunk = n_chunks / n_parts * (i + 1) + MIN (n_chunks % n_parts, i + 1);
      atomic_store_explicit (&worker->next_chunk,
                             n_chunks / n_parts * i + MIN (n_chunks % n_parts, i),
                             memory_order_relaxed);
    }
  for (int i = 1; i < n_parts; i++)
    change_state (&pool->workers[i], CALLED);
  work (&pool->workers[0]);
  for (int i = 1; i < n_parts; i++)
    join (&pool->workers[i]);
}
