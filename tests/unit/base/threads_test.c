/* SPDX-License-Identifier: Apache-2.0 */
/* The thread pool: every item once, at any size, again and again; processor counts from made-up
 * cgroup trees. */
#include <sf/threads.h>

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/cpu_count.h"
#include "tests/support/sftest.h"

typedef struct
{
  int64_t n, grain;
  int n_threads;
  int *hits; /* per item; items are disjoint, so plain ints */
  int bad;   /* atomic */
} Round;

static void
mark (void *user_data, int worker, int64_t begin, int64_t end)
{
  Round *round = user_data;
  bool good = worker >= 0 && worker < round->n_threads && begin < end && end <= round->n
              && end - begin <= round->grain && begin % round->grain == 0;
  if (!good)
    {
      g_atomic_int_inc (&round->bad);
      return;
    }
  for (int64_t i = begin; i < end; i++)
    round->hits[i]++;
}

static const int thread_counts[] = { 1, 2, 3, 8 };

static const char *
count_name (const void *row)
{
  static char name[16];
  g_snprintf (name, sizeof name, "%d", *(const int *) row);
  return name;
}

SF_TEST_CASES (Threads, EveryItemOnce, thread_counts, G_N_ELEMENTS (thread_counts), count_name)
{
  int n_threads = *(const int *) data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfThreadPool) pool = sf_thread_pool_new (n_threads, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (sf_thread_pool_size (pool), n_threads);
  static const int64_t sizes[][2] = { { 0, 1 }, { 1, 1 },    { 7, 1 },  { 7, 3 },
                                      { 8, 8 }, { 1000, 7 }, { 5, 100 } };
  for (int repeat = 0; repeat < 300; repeat++)
    for (size_t s = 0; s < G_N_ELEMENTS (sizes); s++)
      {
        int hits[1000] = { 0 };
        Round round = { sizes[s][0], sizes[s][1], n_threads, hits, 0 };
        sf_thread_pool_run (pool, round.n, round.grain, mark, &round);
        SF_REQUIRE (round.bad == 0);
        for (int64_t i = 0; i < round.n; i++)
          SF_REQUIRE (hits[i] == 1);
      }
}

/* Pauses longer than the spin, so that helpers and caller both go to sleep and are woken. */
static void
slow (void *user_data, int worker, int64_t begin, int64_t end)
{
  (void) worker;
  if (begin % 2 == 1)
    g_usleep (500);
  g_atomic_int_add ((int *) user_data, (int) (end - begin));
}

SF_TEST (Threads, SleepersWake)
{
  g_autoptr (SfThreadPool) pool = sf_thread_pool_new (3, NULL);
  for (int repeat = 0; repeat < 30; repeat++)
    {
      int sum = 0;
      g_usleep (300);
      sf_thread_pool_run (pool, 4, 1, slow, &sum);
      SF_CHECK_INT (sum, 4);
    }
}

/* ---- rounds of several tasks ---- */

enum
{
  N_TASKS = 150,
  MAX_ITEMS = 9
};

typedef struct
{
  struct Net *net;
  int task;
  int hits[MAX_ITEMS];
} NetTask;

/* Tasks that wait for each other at random. */
typedef struct Net
{
  SfThreadTask tasks[N_TASKS];
  NetTask data[N_TASKS];
  int n_left[N_TASKS]; /* atomic: items that are not done */
  int n_early;         /* atomic: items that began before what they wait for was done */
} Net;

static void
check_order (void *user_data, int worker, int64_t begin, int64_t end)
{
  NetTask *self = user_data;
  Net *net = self->net;
  (void) worker;
  for (int i = 0; i < self->task; i++)
    {
      int distance = self->task - i;
      bool waits = distance > SF_THREAD_WINDOW
                   || (net->tasks[self->task].after >> (distance - 1) & 1) != 0;
      if (waits && g_atomic_int_get (&net->n_left[i]) != 0)
        g_atomic_int_inc (&net->n_early);
    }
  for (int64_t i = begin; i < end; i++)
    self->hits[i]++;
  if ((self->task + begin) % 37 == 0)
    g_usleep (60); /* others come to wait, and some to sleep */
  g_atomic_int_add (&net->n_left[self->task], (int) (begin - end));
}

static void
net_init (Net *net, GRand *random)
{
  *net = (Net){ 0 };
  for (int t = 0; t < N_TASKS; t++)
    {
      int64_t n = g_rand_int_range (random, 0, MAX_ITEMS + 1);
      uint64_t after = (uint64_t) g_rand_int (random) << 32 | g_rand_int (random);
      for (int thin = g_rand_int_range (random, 0, 5); thin > 0; thin--)
        after &= (uint64_t) g_rand_int (random) << 32 | g_rand_int (random);
      net->data[t] = (NetTask){ .net = net, .task = t };
      net->n_left[t] = (int) n;
      net->tasks[t] = (SfThreadTask){ .func = check_order,
                                      .user_data = &net->data[t],
                                      .n = n,
                                      .grain = g_rand_int_range (random, 1, 4),
                                      .after = after };
    }
}

SF_TEST_CASES (Threads, TasksWaitForEachOther, thread_counts, G_N_ELEMENTS (thread_counts),
               count_name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfThreadPool) pool = sf_thread_pool_new (*(const int *) data, &error);
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  SF_REQUIRE_NO_ERROR (error);
  SF_REQUIRE (sf_thread_pool_reserve (pool, N_TASKS, &error));
  for (int repeat = 0; repeat < 40; repeat++)
    {
      static Net net;
      net_init (&net, random);
      sf_thread_pool_run_tasks (pool, net.tasks, N_TASKS);
      SF_CHECK_INT (net.n_early, 0);
      for (int t = 0; t < N_TASKS; t++)
        for (int64_t i = 0; i < net.tasks[t].n; i++)
          SF_REQUIRE (net.data[t].hits[i] == 1);
    }
}

typedef struct
{
  int arrived; /* atomic */
  bool has_met;
} Meeting;

/* Its first item waits, for some seconds at most, until somebody begins with `arrive`. */
static void
await (void *user_data, int worker, int64_t begin, int64_t end)
{
  Meeting *meeting = user_data;
  (void) worker, (void) end;
  for (int i = 0; begin == 0 && i < 5000 && !meeting->has_met; i++)
    {
      meeting->has_met = g_atomic_int_get (&meeting->arrived) != 0;
      g_usleep (1000);
    }
}

static void
arrive (void *user_data, int worker, int64_t begin, int64_t end)
{
  (void) worker, (void) begin, (void) end;
  g_atomic_int_set (&((Meeting *) user_data)->arrived, 1);
}

/* The second task begins while the first is in work, for it does not wait for it. */
SF_TEST (Threads, IndependentTasksRunTogether)
{
  g_autoptr (SfThreadPool) pool = sf_thread_pool_new (2, NULL);
  Meeting meeting = { 0 };
  const SfThreadTask tasks[] = {
    { .func = await, .user_data = &meeting, .n = 2, .grain = 1 },
    { .func = arrive, .user_data = &meeting, .n = 1, .grain = 1 },
  };
  SF_REQUIRE (sf_thread_pool_reserve (pool, 2, NULL));
  sf_thread_pool_run_tasks (pool, tasks, 2);
  SF_CHECK (meeting.has_met);
}

/* More tasks than there is room for are done all the same. */
SF_TEST (Threads, LongListsRunOnTheCaller)
{
  g_autoptr (SfThreadPool) pool = sf_thread_pool_new (2, NULL);
  g_autoptr (GRand) random = g_rand_new_with_seed (8);
  static Net net;
  net_init (&net, random);
  sf_thread_pool_run_tasks (pool, net.tasks, N_TASKS);
  SF_CHECK_INT (net.n_early, 0);
  for (int t = 0; t < N_TASKS; t++)
    SF_CHECK_INT (net.n_left[t], 0);
}

SF_TEST (Threads, PoolsOfTwoThreadsAreIndependent)
{
  g_autoptr (SfThreadPool) a = sf_thread_pool_new (2, NULL);
  g_autoptr (SfThreadPool) b = sf_thread_pool_new (2, NULL);
  int sum = 0;
  sf_thread_pool_run (a, 10, 1, slow, &sum);
  sf_thread_pool_run (b, 10, 1, slow, &sum);
  SF_CHECK_INT (sum, 20);
}

/* What a pool of two threads adds up in many short rounds. */
static void *
add_up (void *user_data)
{
  g_autoptr (SfThreadPool) pool = sf_thread_pool_new (2, NULL);
  for (int repeat = 0; repeat < 2000; repeat++)
    {
      int hits[7] = { 0 };
      Round round = { 7, 1 + repeat % 3, 2, hits, 0 };
      sf_thread_pool_run (pool, round.n, round.grain, mark, &round);
      for (int i = 0; i < 7; i++)
        *(int *) user_data += hits[i];
      *(int *) user_data -= round.bad;
    }
  return NULL;
}

SF_TEST (Threads, PoolsRunAtTheSameTime)
{
  int sums[3] = { 0 };
  GThread *threads[3];
  for (int i = 0; i < 3; i++)
    threads[i] = g_thread_new ("pool", add_up, &sums[i]);
  for (int i = 0; i < 3; i++)
    g_thread_join (threads[i]);
  for (int i = 0; i < 3; i++)
    SF_CHECK_INT (sums[i], 7 * 2000);
}

/* Microseconds of processor time that the process has used. */
static int64_t
cpu_us (void)
{
  struct timespec t;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &t);
  return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

SF_TEST (Threads, IdleThreadsTakeNoTime)
{
  g_autoptr (SfThreadPool) pool = sf_thread_pool_new (4, NULL);
  int sum = 0;
  sf_thread_pool_run (pool, 8, 1, slow, &sum);
  g_usleep (2000);
  int64_t before = cpu_us ();
  g_usleep (500000);
  SF_CHECK (cpu_us () - before < 3000);
}

/* With one processor for all of them, nobody keeps the others from it. */
SF_TEST (Threads, OneProcessorIsEnough)
{
  cpu_set_t all, one;
  SF_REQUIRE (sched_getaffinity (0, sizeof all, &all) == 0);
  CPU_ZERO (&one);
  for (int i = 0; i < CPU_SETSIZE && CPU_COUNT (&one) == 0; i++)
    if (CPU_ISSET (i, &all))
      CPU_SET (i, &one);
  SF_REQUIRE (sched_setaffinity (0, sizeof one, &one) == 0);
  SF_CHECK_INT (sf_threads_available (), 1);
  SfThreadPool *pool = sf_thread_pool_new (6, NULL);
  int sum = 0;
  for (int repeat = 0; repeat < 100; repeat++)
    sf_thread_pool_run (pool, 12, 1, slow, &sum);
  sf_thread_pool_free (pool);
  SF_CHECK (sched_setaffinity (0, sizeof all, &all) == 0);
  SF_CHECK_INT (sum, 1200);
}

SF_TEST (Threads, RefusesOddCounts)
{
  g_autoptr (GError) error = NULL;
  SF_CHECK (sf_thread_pool_new (-1, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "threads: found -1, wanted 0 (all processors) to 1024");
  SF_CHECK (sf_thread_pool_new (1025, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "threads: found 1025");
}

SF_TEST (Threads, AvailableIsTheDefault)
{
  g_autoptr (SfThreadPool) pool = sf_thread_pool_new (0, NULL);
  SF_CHECK (sf_threads_available () >= 1);
  SF_CHECK_INT (sf_thread_pool_size (pool), sf_threads_available ());
}

/* Writes root/path with its folders. */
static void
put (const char *root, const char *path, const char *text)
{
  g_autofree char *full = g_build_filename (root, path, NULL);
  g_autofree char *folder = g_path_get_dirname (full);
  if (g_mkdir_with_parents (folder, 0755) != 0 || !g_file_set_contents (full, text, -1, NULL))
    g_error ("cannot write %s", full);
}

SF_TEST (Threads, QuotaOfCgroup2)
{
  g_autofree char *root = sf_test_tmpdir ();
  SF_CHECK_INT (sf_cpu_quota (root), 0);
  put (root, "proc/self/cgroup", "0::/a/b\n");
  SF_CHECK_INT (sf_cpu_quota (root), 0);
  put (root, "sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  SF_CHECK_INT (sf_cpu_quota (root), 0);
  put (root, "sys/fs/cgroup/a/cpu.max", "150000 100000\n");
  SF_CHECK_INT (sf_cpu_quota (root), 2);
  put (root, "sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  SF_CHECK_INT (sf_cpu_quota (root), 1);
}

SF_TEST (Threads, QuotaOfCgroup1)
{
  g_autofree char *root = sf_test_tmpdir ();
  put (root, "proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/a\n0::/\n");
  put (root, "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n");
  put (root, "sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  SF_CHECK_INT (sf_cpu_quota (root), 0);
  put (root, "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "300000\n");
  SF_CHECK_INT (sf_cpu_quota (root), 3);
}
