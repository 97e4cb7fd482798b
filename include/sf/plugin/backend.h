/* SPDX-License-Identifier: Apache-2.0 */
/* Backends: what runs a program (rdu) or interprets the source graph (cpu). */
#ifndef SF_PLUGIN_BACKEND_H
#define SF_PLUGIN_BACKEND_H

#include <sf/evaluate.h>
#include <sf/plugin/arch.h>
#include <sf/plugin/plugin.h>
#include <sf/plugin/program.h>
#include <sf/plugin/record.h>

SF_BEGIN_DECLS

typedef struct
{
  const SfModule *source; /* source graphs; NULL in a stripped PEF */
  const SfProgram *program;
  const SfArch *arch;            /* the machine the program was compiled for */
  int n_threads;                 /* >= 1 */
  bool f64;                      /* --precision f64; a backend that cannot says UNSUPPORTED */
  bool exact_firing;             /* move real values through bounded buffers in token order */
  const SfOptionValues *options; /* of the plugin's table */
} SfBackendLoad;

/* What an observer is shown: a value of the source graph as the backend has just stored it. */
typedef struct
{
  const char *entry;
  const char *stage; /* stage (rdu) or node (cpu) that made it */
  SfValue value;     /* id in the entry's source graph */
  SfPhase phase;
  SfTensor *tensor; /* may be changed in place: what follows sees the change. For floats f32 or f64,
                       for others i32 or i64 */
} SfObserved;

typedef void (*SfObserver) (void *user_data, const SfObserved *observed);

/* One call of an entry. Arrays are in the order of the entry's interface: inputs, scalars and
 * outputs as sf_graph_input_at, _scalar_at, _output_at of its source graph (the same order in the
 * program's entry). */
typedef struct
{
  const char *entry;       /* "train", "eval" */
  unsigned phases;         /* 1 << SfPhase bits; all at once is the fast path */
  const SfTensor *inputs;  /* checked by the session: dtype, shape; used only with phase FWD */
  const SfTensor *scalars; /* for all phases asked for */
  SfTensor *outputs;       /* data NULL: not wanted, and what only it needs may be left out, unless
                              none is wanted; filled when phase FWD runs, converting */
  SfObserver observer;     /* NULL: none */
  void *user_data;
  const uint8_t *stored; /* cpu: see SfEvaluateOptions; NULL otherwise */
  volatile const int
      *cancel; /* becomes non-zero: stop between launches with CANCELLED; may be NULL */
} SfBackendStep;

struct SfBackendOps
{
  size_t size; /* sizeof (SfBackendOps) */
  /* Whether a node can run on the device, before any program exists. `reason` owned by the caller.
   * NULL: everything. */
  bool (*supports) (const SfGraph *graph, SfNode node, const SfArch *arch, char **reason);
  /* An instance over one program; states start at their initial values. Everything the load borrows
   * outlives the instance. */
  void *(*open) (const SfBackendLoad *load, GError **error);
  void (*close) (void *instance);
  bool (*step) (void *instance, const SfBackendStep *step, GError **error);
  /* Copies a state out or in by name; dtype of `tensor` is converted. With prefix "grad:" the
   * gradient of a parameter between phases BWD and OPT. */
  bool (*read) (void *instance, const char *name, SfTensor *tensor, GError **error);
  bool (*write) (void *instance, const char *name, const SfTensor *tensor, GError **error);
  /* sf_evaluate; only the reference has it. NULL: none. */
  bool (*evaluate) (const SfGraph *graph, const SfEvaluateOptions *options, const SfFeed *feeds,
                    size_t n_feeds, SfFetch *fetches, size_t n_fetches, GError **error);
  /* Facts for reports as sorted "key=value" lines, owned: ISA, threads, bytes of the arena, host
   * launches. NULL: none. */
  char *(*describe) (void *instance);
  /* The workers of the steps that follow write what they do to `recorder`, which is borrowed and
   * has a lane for each thread of the load; recorder NULL ends it. NULL: cannot. */
  bool (*record) (void *instance, SfRecorder *recorder, GError **error);
  /* Measures what the host can do with 1 <= n_threads threads of the load and the instruction set
   * in use; takes some hundred milliseconds. NULL: cannot. */
  bool (*peak) (void *instance, int n_threads, SfPeak *peak, GError **error);
};

SF_END_DECLS
#endif
