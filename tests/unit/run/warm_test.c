/* SPDX-License-Identifier: Apache-2.0 */
/* A session that is warm: its steps allocate nothing, lock nothing and ask nothing of the system;
 * between steps it uses no processor. */
#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sf/compile.h>
#include <sf/run.h>

#include "tests/support/sftest.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define CAN_COUNT 0
#else
#define CAN_COUNT 1
#endif

enum
{
  N_WARM = 10,
  N_STEPS = 20,
  N_ROUNDS
  = 3 /* a thread may come late to a page; what faults in each step does so in each round */
};

/* ---- what a step must not do ---- */

static atomic_bool is_counting;
static atomic_int n_allocations;

#if CAN_COUNT
static void
count_allocation (void)
{
  if (atomic_load_explicit (&is_counting, memory_order_relaxed))
    atomic_fetch_add (&n_allocations, 1);
}

extern void *__libc_malloc (size_t n);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *p, size_t n);
extern void *__libc_memalign (size_t align, size_t n);

void *
malloc (size_t n)
{
  count_allocation ();
  return __libc_malloc (n);
}

void *
calloc (size_t n, size_t size)
{
  count_allocation ();
  return __libc_calloc (n, size);
}

void *
realloc (void *p, size_t n)
{
  count_allocation ();
  return __libc_realloc (p, n);
}

void *
aligned_alloc (size_t align, size_t n)
{
  count_allocation ();
  return __libc_memalign (align, n);
}

int
posix_memalign (void **p, size_t align, size_t n)
{
  count_allocation ();
  *p = __libc_memalign (align, n);
  return *p != NULL ? 0 : ENOMEM;
}
#endif

/* ---- the steps of a session ---- */

typedef struct
{
  SfSession *session;
  const char *entry;
  SfTensor *inputs;
  SfTensor outputs[8];
} Steps;

static SfPef *
compile_app (const char *app, const char *precision, GError **error)
{
  g_autofree char *relative = g_strdup_printf ("apps/%s/model.cfg", app),
                  *path = sf_test_source_path (relative);
  const SfImportOptions import = { .batch_size = 8, .seed = 1 };
  const SfCompileOptions options = { .level = "o3", .precision = precision, .optimizer = "adamw" };
  g_autoptr (SfModule) module = sf_import (path, &import, error);
  return module != NULL ? sf_compile (module, &options, error) : NULL;
}

static bool
steps_init (Steps *steps, SfPef *pef, const char *entry, int n_threads, GError **error)
{
  const SfSessionOptions options = { .backend = "rdu", .n_threads = n_threads };
  SfPort port;
  *steps = (Steps){ .session = sf_session_open (pef, &options, error), .entry = entry };
  if (steps->session == NULL || !sf_random_inputs (steps->session, entry, 1, &steps->inputs, error))
    return false;
  for (size_t i = 0; i < 8 && sf_session_output (steps->session, entry, i, &port); i++)
    if (!sf_tensor_alloc (SF_F64, &port.shape, &steps->outputs[i], error))
      return false;
  return true;
}

static void
steps_clear (Steps *steps)
{
  for (int i = 0; i < 8; i++)
    sf_tensor_clear (&steps->outputs[i]);
  sf_random_inputs_free (steps->inputs);
  sf_session_free (steps->session);
}

static bool
take (Steps *steps, int n)
{
  bool is_training = strcmp (steps->entry, "train") == 0, good = true;
  for (int i = 1; i <= n && good; i++)
    {
      const SfHyper hyper = { .step = i, .lr = NAN };
      good = sf_session_step (steps->session, steps->entry,
                              is_training ? SF_PHASES_ALL : 1u << SF_PHASE_FWD, steps->inputs,
                              steps->outputs, &hyper, NULL);
    }
  return good;
}

/* ---- in a process of its own, which the filter ends with ---- */

/* What the process leaves for the test. */
typedef struct
{
  int has_finished, allocations, syscalls, first_syscall;
  long faults;
} Findings;

static Findings *findings; /* shared with the process */

static void
note_syscall (int signal, siginfo_t *info, void *context)
{
  if (findings->syscalls++ == 0)
    findings->first_syscall = info->si_syscall;
}

/* From now on each system call of any thread is noted and not made, but for those that end the
 * process, and with `may_wait` those of a thread that waits for another one too long. */
static bool
forbid_syscalls (bool may_wait)
{
  static const int always[] = { SYS_exit, SYS_exit_group, SYS_rt_sigreturn },
                   waiting[] = { SYS_futex, SYS_sched_yield };
  struct sock_filter filter[16];
  unsigned short n = 0;
  filter[n++] = (struct sock_filter) BPF_STMT (BPF_LD | BPF_W | BPF_ABS,
                                               offsetof (struct seccomp_data, nr));
  for (size_t i = 0; i < G_N_ELEMENTS (always) + (may_wait ? G_N_ELEMENTS (waiting) : 0); i++)
    {
      int number = i < G_N_ELEMENTS (always) ? always[i] : waiting[i - G_N_ELEMENTS (always)];
      filter[n++] = (struct sock_filter) BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (unsigned) number, 0,
                                                   1);
      filter[n++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
  filter[n++] = (struct sock_filter) BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_TRAP);
  struct sock_fprog program = { .len = n, .filter = filter };
  const struct sigaction action = { .sa_sigaction = note_syscall, .sa_flags = SA_SIGINFO };
  return sigaction (SIGSYS, &action, NULL) == 0 && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
         && syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program)
                == 0;
}

static void
take_warm_steps (SfPef *pef, const char *entry, int n_threads)
{
  Steps steps;
  if (!steps_init (&steps, pef, entry, n_threads, NULL) || !take (&steps, N_WARM))
    _exit (1);
  findings->faults = LONG_MAX;
  for (int round = 0; round < N_ROUNDS; round++)
    {
      struct rusage before, after;
      getrusage (RUSAGE_SELF, &before);
      if (!take (&steps, N_STEPS))
        _exit (2);
      getrusage (RUSAGE_SELF, &after);
      findings->faults = MIN (findings->faults, after.ru_minflt - before.ru_minflt);
    }
  if (!forbid_syscalls (n_threads > 1))
    _exit (3);
  atomic_store (&is_counting, true);
  bool good = take (&steps, N_STEPS);
  atomic_store (&is_counting, false);
  findings->allocations = atomic_load (&n_allocations);
  findings->has_finished = good;
  _exit (0);
}

typedef struct
{
  const char *name, *app, *precision;
} Case;

static const Case cases[] = {
  { "mlp-f32", "ffn_mnist", "f32" },
  { "lenet-f32", "lenet", "f32" },
  { "cnn_bn-bf16", "cnn_bn", "bf16" },
  { "encoder-f32", "encoder", "f32" },
};

static void
check_warm_steps (SfPef *pef, const char *entry, int n_threads)
{
  *findings = (Findings){ 0 };
  int status;
  pid_t child = fork ();
  if (child == 0)
    take_warm_steps (pef, entry, n_threads);
  SF_CHECK (child > 0 && waitpid (child, &status, 0) == child);
  SF_CHECK_MSG (findings->has_finished != 0, "%s, %d threads: ended with status 0x%x", entry,
                n_threads, (unsigned) status);
  SF_CHECK_MSG (findings->allocations == 0, "%s, %d threads: %d allocations in %d steps", entry,
                n_threads, findings->allocations, N_STEPS);
  SF_CHECK_MSG (findings->syscalls == 0,
                "%s, %d threads: %d system calls in %d steps, the first is number %d", entry,
                n_threads, findings->syscalls, N_STEPS, findings->first_syscall);
  SF_CHECK_MSG (findings->faults < N_STEPS, "%s, %d threads: %ld page faults in %d steps", entry,
                n_threads, findings->faults, N_STEPS);
}

SF_TEST_CASES (Warm, StepsAskForNothing, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  if (!CAN_COUNT)
    return; /* a sanitizer allocates and asks the system as it likes */
  g_autoptr (SfPef) pef = compile_app (c->app, c->precision, &error);
  SF_REQUIRE_NO_ERROR (error);
  findings = mmap (NULL, sizeof *findings, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                   0);
  SF_REQUIRE (findings != MAP_FAILED);
  for (int n_threads = 1; n_threads <= 2; n_threads++)
    {
      check_warm_steps (pef, "train", n_threads);
      check_warm_steps (pef, "eval", n_threads);
    }
  munmap (findings, sizeof *findings);
}

static double
processor_seconds (void)
{
  struct timespec now;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}

SF_TEST (Warm, SessionSleepsBetweenSteps)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfPef) pef = compile_app ("lenet", "f32", &error);
  Steps steps;
  SF_REQUIRE_NO_ERROR (error);
  SF_REQUIRE (steps_init (&steps, pef, "train", 3, &error) && take (&steps, N_WARM));
  g_usleep (20000); /* so long, and longer, threads may look for work */
  double before = processor_seconds ();
  g_usleep (300000);
  double used = processor_seconds () - before;
  SF_CHECK_MSG (used < 0.003, "%g s of processor time in 0.3 s", used);
  SF_CHECK (take (&steps, 1));
  steps_clear (&steps);
}
