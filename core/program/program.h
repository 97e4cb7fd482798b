/* SPDX-License-Identifier: Apache-2.0 */
/* Storage of a program, seen by core/program and pef only. */
#ifndef SF_CORE_PROGRAM_PROGRAM_H
#define SF_CORE_PROGRAM_PROGRAM_H

#include <sf/file.h>
#include <sf/plugin/program.h>

/* A section body; every record as its accessor hands it out, arrays and strings in the program's
 * pool. */
typedef struct
{
  GArray *buffers; /* SfBuffer */
  GArray *streams; /* SfStream */
  GArray *stages;  /* SfStage */
  GArray *places;  /* SfPlace */
  GArray *routes;  /* SfRoute */
} SfConfigStore;

/* The debug map of a launch: sparse, by buffer and by stage. */
typedef struct
{
  uint32_t buffer;
  SfValue origin;
} SfOrigin;

typedef struct
{
  uint32_t stage;
  const char *name;
} SfStageName;

typedef struct
{
  SfLaunch launch;
  GArray *origins;     /* SfOrigin */
  GArray *stage_names; /* SfStageName */
} SfLaunchStore;

typedef struct
{
  uint32_t tensor;
  const char *name;
  SfOutputRole role;
} SfEntryOutput;

typedef struct
{
  uint32_t state, grad;
} SfEntryGrad;

typedef struct
{
  const char *name;
  GArray *launches;         /* SfLaunchStore */
  GArray *inputs, *scalars; /* uint32_t */
  GArray *outputs;          /* SfEntryOutput */
  GArray *grads;            /* SfEntryGrad */
} SfEntryStore;

struct SfProgram
{
  gatomicrefcount ref_count;
  GStringChunk *strings;
  GPtrArray *pool;    /* arrays of stages, routes and launches: g_free */
  GPtrArray *blobs;   /* tensor data: sf_aligned_free */
  GPtrArray *owners;  /* GBytes that borrowed tensor data points into */
  SfFileMap file;     /* which tensor data lies in; borrowed from an owner; empty: none */
  const char *file_name;
  GArray *tensors;    /* SfProgramTensor */
  GPtrArray *configs; /* SfConfigStore */
  GPtrArray *host_graphs;
  GPtrArray *entries; /* SfEntryStore */
};

/* A string of the program, NULL for NULL. */
const char *sf_program_intern (SfProgram *program, const char *text);
/* Copy of `n` elements that lives as long as the program; NULL for none. */
void *sf_program_pool (SfProgram *program, const void *elems, size_t n, size_t elem_bytes);
/* As sf_program_add_tensor, but the data is borrowed from `owner`. */
uint32_t sf_program_add_mapped_tensor (SfProgram *program, const SfProgramTensor *tensor,
                                       GBytes *owner);

/* Says that an owner is a mapped file. */
void sf_program_set_file (SfProgram *program, const SfFileMap *file, const char *name);

const SfConfigStore *sf_program_config (const SfProgram *program, uint32_t config);
const SfEntryStore *sf_program_entry (const SfProgram *program, uint32_t entry);
/* The stage in place: no copy of its counters. */
const SfStage *sf_config_stage_at (const SfProgram *program, uint32_t config, uint32_t stage);
void sf_config_store_free (void *store);

#endif
