/* SPDX-License-Identifier: Apache-2.0 */
/* Fork-join over a fixed set of threads. A round is a list of tasks; of each task, each thread has
 * a part of the chunks, and helps the others when its own parts are done. A thread that finds
 * nothing that may begin waits for a task to be done; a helper that has not come by the time all
 * chunks are taken is not waited for. */
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
  PATIENCE = 64,          /* looks before a thread takes what is another's, who may come at once */
  MAX_THREADS = 1024
};

typedef enum
{
  IDLE,    /* nothing to do; only the caller of the pool may touch the round */
  CALLED,  /* there is a round */
  AT_WORK, /* the helper has taken the call: the round stays as it is until it is idle again */
  STOPPED,
} State;

/* A thread of the pool; worker 0 is the caller. */
typedef struct
{
  _Alignas(64) atomic_int state; /* State */
  atomic_bool is_asleep;
  SfThreadPool *pool;
  int worker;
  pthread_t thread;
  pthread_cond_t wake;
} Worker;

/* What a worker has of a task, and, in the line before those of the workers, what all have. */
typedef struct
{
  _Alignas(64) _Atomic int64_t next; /* chunk of the part; of the task: chunks that are not done */
  int64_t end;                       /* of the part */
} Part;

struct SfThreadPool
{
  int n_threads;
  int n_started;   /* helpers whose thread exists */
  bool is_crowded; /* more threads than processors */
  Worker *workers;
  pthread_mutex_t lock;
  pthread_cond_t done, progress;

  /* The round: what it is made of, and, task after task, how far it is. */
  const SfThreadTask *tasks;
  size_t n_tasks, max_tasks;
  int n_called;
  Part *parts;

  _Alignas(64) atomic_int n_done; /* counts tasks, through all rounds */
  atomic_int n_waiting;           /* asleep until it changes */
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

/* Whether the word is another than `value` before it is time to sleep. */
static bool
spin_while (const SfThreadPool *pool, const atomic_int *word, int value)
{
  int64_t begin = 0, waited = 0;
  do
    {
      for (int i = 0; i < LOOKS; i++)
        {
          if (atomic_load_explicit (word, memory_order_acquire) != value)
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
  return atomic_load_explicit (word, memory_order_acquire) != value;
}

/* ---- a round ---- */

/* What all workers have of the task; part w + 1 from there is worker w's. */
static inline Part *
parts_of (const SfThreadPool *pool, size_t task)
{
  return &pool->parts[task * ((size_t) pool->n_threads + 1)];
}

static inline bool
is_done (const SfThreadPool *pool, size_t task)
{
  return atomic_load_explicit (&parts_of (pool, task)->next, memory_order_acquire) == 0;
}

static bool
may_begin (const SfThreadPool *pool, size_t task)
{
  uint64_t after = pool->tasks[task].after;
  for (size_t other = task; after != 0 && other-- > 0; after >>= 1)
    if ((after & 1) != 0 && !is_done (pool, other))
      return false;
  return true;
}

static inline bool
has_chunks (const Part *part)
{
  return atomic_load_explicit (&part->next, memory_order_relaxed) < part->end;
}

/* Takes the next chunk of a part. Looks first: a part that is done costs its owner nothing. */
static inline bool
take (Part *part, int64_t *chunk)
{
  if (!has_chunks (part))
    return false;
  *chunk = atomic_fetch_add_explicit (&part->next, 1, memory_order_relaxed);
  return *chunk < part->end;
}

/* Chunks of the task have been done. A worker counts as waiting before it looks at the number of
 * tasks for the last time, and that changes before somebody looks whether a worker waits (all
 * sequentially consistent), so one of the two sees the other. */
static void
finish (SfThreadPool *pool, size_t task, int64_t n_chunks)
{
  if (atomic_fetch_sub_explicit (&parts_of (pool, task)->next, n_chunks, memory_order_acq_rel)
      != n_chunks)
    return;
  atomic_fetch_add (&pool->n_done, 1);
  if (atomic_load (&pool->n_waiting) == 0)
    return;
  pthread_mutex_lock (&pool->lock);
  pthread_cond_broadcast (&pool->progress);
  pthread_mutex_unlock (&pool->lock);
}

/* Chunks of a worker's part of a task, until there are none or `most` are done; false: none was. */
static bool
work_on (const Worker *self, size_t task, int owner, int64_t most)
{
  SfThreadPool *pool = self->pool;
  const SfThreadTask *t = &pool->tasks[task];
  int64_t chunk, n = 0;
  while (n < most && take (parts_of (pool, task) + 1 + owner, &chunk))
    {
      int64_t begin = chunk * t->grain;
      t->func (t->user_data, self->worker, begin, MIN (t->n - begin, t->grain) + begin);
      n++;
    }
  if (n > 0)
    finish (pool, task, n);
  return n > 0;
}

/* A worker's way through the tasks of a round. */
typedef struct
{
  const Worker *self;
  size_t first;   /* all before it are done */
  size_t end;     /* of those that it looks at */
  uint64_t taken; /* bit i: nothing is left to take of task first + i */
  bool is_helping;
} Way;

static void
move_on (Way *way)
{
  const SfThreadPool *pool = way->self->pool;
  for (; way->first < pool->n_tasks && is_done (pool, way->first); way->first++)
    way->taken >>= 1;
  way->end = MIN (pool->n_tasks, way->first + SF_THREAD_WINDOW);
}

static bool
is_taken (const Way *way, size_t task)
{
  return (way->taken >> (task - way->first) & 1) != 0;
}

static bool
work_on_own (Way *way)
{
  const Worker *self = way->self;
  for (size_t task = way->first; task < way->end; task++)
    if (!is_taken (way, task) && has_chunks (parts_of (self->pool, task) + 1 + self->worker)
        && may_begin (self->pool, task) && work_on (self, task, self->worker, INT64_MAX))
      return true;
  return false;
}

/* Whether there is anything left to take, of tasks that may begin or not. */
static bool
look_around (Way *way)
{
  const SfThreadPool *pool = way->self->pool;
  bool found = way->end < pool->n_tasks;
  for (size_t task = way->first; task < way->end; task++)
    {
      bool has = false;
      for (int p = 0; p < pool->n_called && !has && !is_taken (way, task); p++)
        has = has_chunks (parts_of (pool, task) + 1 + p);
      found |= has;
      way->taken |= (uint64_t) !has << (task - way->first);
    }
  return found;
}

static bool
help (const Way *way)
{
  const Worker *self = way->self;
  int n = self->pool->n_called;
  for (size_t task = way->first; task < way->end; task++)
    for (int p = 1; p < n && !is_taken (way, task) && may_begin (self->pool, task); p++)
      if (work_on (self, task, (self->worker + p) % n, 1))
        return true;
  return false;
}

/* Until some task is done that was not when there were `seen`. */
static void
wait_for_progress (SfThreadPool *pool, int seen)
{
  if (spin_while (pool, &pool->n_done, seen))
    return;
  pthread_mutex_lock (&pool->lock);
  atomic_fetch_add (&pool->n_waiting, 1);
  while (atomic_load (&pool->n_done) == seen)
    pthread_cond_wait (&pool->progress, &pool->lock);
  atomic_fetch_sub (&pool->n_waiting, 1);
  pthread_mutex_unlock (&pool->lock);
}

/* The worker's own parts, in order, then what is left of the others', until nothing is left to take
 * of any task. */
static void
work (const Worker *self)
{
  SfThreadPool *pool = self->pool;
  Way way = { .self = self };
  for (;;)
    {
      int seen = atomic_load_explicit (&pool->n_done, memory_order_acquire);
      move_on (&way);
      if (work_on_own (&way))
        {
          way.is_helping = false;
          continue;
        }
      if (!look_around (&way))
        return;
      bool has_changed = false;
      for (int i = 0; i < PATIENCE && !way.is_helping && !has_changed; i++)
        {
          relax ();
          has_changed = atomic_load_explicit (&pool->n_done, memory_order_relaxed) != seen;
        }
      if (has_changed)
        continue;
      way.is_helping = help (&way);
      if (!way.is_helping)
        wait_for_progress (pool, seen);
    }
}

/* Each worker's part of each task; how many workers have any. */
static int
share_out (SfThreadPool *pool, const SfThreadTask *tasks, size_t n_tasks)
{
  int n_called = 1;
  for (size_t t = 0; t < n_tasks; t++)
    {
      Part *parts = parts_of (pool, t);
      int64_t n_chunks = tasks[t].n / tasks[t].grain + (tasks[t].n % tasks[t].grain != 0);
      int n = (int) MIN (n_chunks, pool->n_threads);
      n_called = MAX (n_called, n);
      atomic_store_explicit (&parts[0].next, n_chunks, memory_order_relaxed);
      for (int p = 0; p < pool->n_threads; p++)
        {
          int64_t begin = p < n ? n_chunks / n * p + MIN (n_chunks % n, p) : n_chunks;
          atomic_store_explicit (&parts[1 + p].next, begin, memory_order_relaxed);
          parts[1 + p].end = p < n ? n_chunks / n * (p + 1) + MIN (n_chunks % n, p + 1) : n_chunks;
        }
    }
  return n_called;
}

/* ---- helpers ---- */

/* As in finish: the helper is asleep before it looks at its state for the last time, and the caller
 * changes the state before it looks whether the helper is asleep. */
static void
wait_for_call (Worker *self)
{
  SfThreadPool *pool = self->pool;
  if (spin_while (pool, &self->state, IDLE))
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
      if (atomic_load (&self->state) == STOPPED)
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
  if (atomic_load (&helper->state) == IDLE
      || atomic_compare_exchange_strong (&helper->state, &called, IDLE)
      || spin_while (pool, &helper->state, AT_WORK))
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
  pthread_cond_init (&pool->progress, NULL);
  pool->workers = sf_aligned_alloc ((size_t) pool->n_threads, sizeof (Worker), "thread pool",
                                    error);
  if (pool->workers == NULL || !sf_thread_pool_reserve (pool, 1, error))
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
  pthread_cond_destroy (&pool->progress);
  pthread_mutex_destroy (&pool->lock);
  sf_aligned_free (pool->workers);
  sf_aligned_free (pool->parts);
  sf_aligned_free (pool);
}

int
sf_thread_pool_size (const SfThreadPool *pool)
{
  return pool->n_threads;
}

bool
sf_thread_pool_reserve (SfThreadPool *pool, size_t n_tasks, GError **error)
{
  if (n_tasks <= pool->max_tasks)
    return true;
  size_t n_lines = (size_t) pool->n_threads + 1;
  if (n_tasks > SIZE_MAX / n_lines)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "threads: found a round of %zu tasks, wanted at most %zu", n_tasks,
                    SIZE_MAX / n_lines);
  Part *parts = sf_aligned_alloc (n_tasks * n_lines, sizeof *parts, "thread pool", error);
  if (parts == NULL)
    return false;
  sf_aligned_free (pool->parts);
  pool->parts = parts;
  pool->max_tasks = n_tasks;
  return true;
}

static void
run_alone (const SfThreadTask *tasks, size_t n_tasks)
{
  for (size_t t = 0; t < n_tasks; t++)
    for (int64_t begin = 0; begin < tasks[t].n;)
      {
        int64_t end = MIN (tasks[t].n - begin, tasks[t].grain) + begin;
        tasks[t].func (tasks[t].user_data, 0, begin, end);
        begin = end;
      }
}

void
sf_thread_pool_run_tasks (SfThreadPool *pool, const SfThreadTask *tasks, size_t n_tasks)
{
  int n_called = pool->n_threads > 1 && n_tasks <= pool->max_tasks
                     ? share_out (pool, tasks, n_tasks)
                     : 1;
  if (n_called == 1)
    {
      run_alone (tasks, n_tasks);
      return;
    }
  pool->tasks = tasks;
  pool->n_tasks = n_tasks;
  pool->n_called = n_called;
  for (int i = 1; i < n_called; i++)
    change_state (&pool->workers[i], CALLED);
  work (&pool->workers[0]);
  for (int i = 1; i < n_called; i++)
    join (&pool->workers[i]);
}

void
sf_thread_pool_run (SfThreadPool *pool, int64_t n, int64_t grain, SfThreadFunc func,
                    void *user_data)
{
  const SfThreadTask task
      = { .func = func, .user_data = user_data, .n = MAX (n, 0), .grain = MAX (grain, 1) };
  sf_thread_pool_run_tasks (pool, &task, 1);
}
