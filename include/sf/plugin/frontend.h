/* SPDX-License-Identifier: Apache-2.0 */
/* Frontends: a model in some source form to a forward graph. */
#ifndef SF_PLUGIN_FRONTEND_H
#define SF_PLUGIN_FRONTEND_H

#include <sf/graph.h>
#include <sf/import.h>
#include <sf/plugin/plugin.h>

SF_BEGIN_DECLS

typedef struct
{
  const char *path;    /* file; for messages and relative paths; never NULL */
  const uint8_t *data; /* its content */
  size_t n_bytes;
} SfSource;

/* An argument that a model file declares. Strings owned by the array (g_free). */
typedef struct
{
  char *name;
  char *def;
  char *help;
} SfModelArg;

struct SfFrontendOps
{
  size_t size;          /* sizeof (SfFrontendOps) */
  const char *suffixes; /* ".cfg .model": what this frontend is tried for, in addition to probe */
  /* How sure this frontend is that the source is its own: 0 no, 100 certain. NULL: by suffix alone.
   */
  int (*probe) (const SfSource *source);
  /* Arguments that the model declares, for --help: appends SfModelArg to `args`. NULL: none. */
  bool (*list_args) (const SfSource *source, GArray *args, GError **error);
  /* The forward graph: every parameter a state with its initial value, outputs with roles, batch as
   * dimension 0 of inputs; values named after the source. Facts about the model (SfModule facts
   * "model", "arg.hidden" ...) go to `module`. Owned by the caller. */
  SfGraph *(*import) (const SfSource *source, const SfImportOptions *options, SfModule *module,
                      GError **error);
  /* A tensor file of the source's own world (ONNX: a TensorProto): `out` dense with memory of its
   * own, `name` (may be NULL) the tensor's, owned, NULL without one. NULL: there are none. */
  bool (*read_tensor) (const SfSource *source, SfTensor *out, char **name, GError **error);
};

SF_END_DECLS
#endif
