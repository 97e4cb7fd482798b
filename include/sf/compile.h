/* SPDX-License-Identifier: Apache-2.0 */
/* From a model to a PEF. */
#ifndef SF_COMPILE_H
#define SF_COMPILE_H

#include <sf/import.h>
#include <sf/options.h>
#include <sf/pef.h>

SF_BEGIN_DECLS

/* Reads a model file: a module whose entry "forward" is the forward graph. `options` NULL:
 * defaults. Owned. */
SF_API SfModule *sf_import (const char *path, const SfImportOptions *options, GError **error);

/* Appends the arguments that the model declares (SfModelArg of <sf/plugin/frontend.h>) to `args`;
 * `frontend` as in SfImportOptions. */
SF_API bool sf_import_args (const char *path, const char *frontend, GArray *args, GError **error);

typedef struct
{
  const char *level;     /* "o0", "o1", "o3", or the path of a pipeline file; NULL: "o3" */
  const char *arch;      /* name or file; NULL: "sn10" */
  const char *precision; /* "f32", "bf16"; NULL: "f32" */
  bool inference;        /* only the entry "eval" */
  const char *optimizer; /* plugin; NULL: "sgd" */
  const SfOptionValues *optimizer_options; /* NULL: defaults */
  double clip_norm;                        /* global norm of the gradients; 0: off */
  const char *const *groups; /* "PATTERN:option=value,option=value": parameter groups by name
                                pattern, first match wins; NULL: one group */
  int num_rdu_tiles;         /* 0: 1 */
  uint64_t seed;             /* of placement */
  const char *const *set;    /* "pass.option=value"; NULL: none */
  void (*progress) (void *user_data, const char *pass, size_t index, size_t n); /* may be NULL */
  void (*explain) (void *user_data, const char *pass, const char *line); /* NULL: nobody asks */
  /* What passes note about their decisions, as it happens; `level`: the candidate that they work
   * on, "" when there is one only or all share the step. NULL: nobody asks. */
  void (*note) (void *user_data, const char *level, const char *pass, const char *text);
  void *user_data;
} SfCompileOptions;

/* Compiles a module with an entry "forward" (from sf_import, or built in memory with one output of
 * role LOSS unless `inference`) to a PEF in memory. Owned. */
SF_API SfPef *sf_compile (SfModule *module, const SfCompileOptions *options, GError **error);

/* The same without the packing, for tests and tools that look at what passes make: the source
 * module, the module as the last pass left it and the program (all owned, each may be NULL). A
 * pipeline without the pass tile leaves the program empty. */
SF_API bool sf_compile_program (SfModule *module, const SfCompileOptions *options,
                                const SfArch *arch, SfModule **source, SfModule **lowered,
                                SfProgram **program, GError **error);

SF_END_DECLS
#endif
