/* SPDX-License-Identifier: Apache-2.0 */
/* A model file while it is turned into a graph: arguments, names in scope, parameters. */
#ifndef SF_FRONTEND_CONFIG_MODEL_H
#define SF_FRONTEND_CONFIG_MODEL_H

#include <sf/config.h>
#include <sf/graph.h>
#include <sf/plugin/frontend.h>

typedef struct
{
  SfGraph *graph;
  SfModule *module;
  GHashTable *args;  /* name -> text of its value */
  GHashTable *names; /* layer or input name in full -> value + 1 */
  GHashTable *used;  /* parameter and layer names taken */
  char *prefix;      /* "block.0." inside a repeat, else "" */
  SfValue current;   /* what a layer without `input` reads */
  SfValue enter;     /* "@in": what the innermost body was entered with */
  uint64_t seed;
  uint32_t n_dropouts;
  uint32_t n_layers; /* repeats counted as often as they are built */
} Model;

/* ---- arguments (args.c) ---- */

/* Declares the file's `args` group and applies "name=value" settings. */
bool model_read_args (Model *model, SfConfigNode *root, const char *const *settings,
                      GError **error);
/* Appends the declared arguments as SfModelArg. */
bool model_list_args (SfConfigNode *root, GArray *args, GError **error);
/* Numbers that may be written as text over arguments: "$hidden", "$width * 4", "$d / $heads".
 * Missing keys leave *out alone unless required. */
bool model_get_int (Model *model, SfConfigNode *group, const char *key, bool required, int64_t min,
                    int64_t *out, GError **error);
bool model_get_float (Model *model, SfConfigNode *group, const char *key, double *out,
                      GError **error);
/* A list of integers, or one integer that stands for all `want` (want 0: any count up to `max`, a
 * list only; *n receives it). */
bool model_get_ints (Model *model, SfConfigNode *group, const char *key, bool required, int64_t min,
                     size_t want, size_t max, int64_t *out, size_t *n, GError **error);

/* ---- parameters (params.c) ---- */

typedef enum
{
  INIT_ZERO,
  INIT_ONE,
  INIT_UNIFORM, /* in (-bound, bound) */
  INIT_NORMAL,  /* standard normal */
} InitKind;

/* State "<layer>.<name>" with seeded initial values. */
SfValue model_param (Model *model, const char *layer, const char *name, SfStateKind kind,
                     SfShape shape, InitKind init, double bound, GError **error);
/* PyTorch's default for linear and convolution weights and biases: kaiming_uniform (a = sqrt 5),
 * that is U(-b, b) with b = 1 / sqrt (fan_in). */
double model_fan_in_bound (int64_t fan_in);
/* Xavier uniform: b = sqrt (6 / (fan_in + fan_out)). */
double model_xavier_bound (int64_t fan_in, int64_t fan_out);

/* ---- layers (layers.c, layers_*.c) ---- */

typedef struct
{
  const char *type;
  int min_inputs, max_inputs; /* max -1: any number */
  bool (*build) (Model *model, SfConfigNode *layer, const char *name, const SfValue *in,
                 size_t n_in, SfValue *out, GError **error);
} LayerType;

extern const LayerType model_layers_basic[], model_layers_window[],
    model_layers_sequence[]; /* end with type NULL */

/* Names file and line in an error of the graph, which knows neither; what is wrong in a file is
 * invalid data. */
void model_add_where (SfConfigNode *node, GError **error);
/* Adds the layers of list `list` one after another. */
bool model_add_layers (Model *model, SfConfigNode *list, GError **error);
/* Value of a layer, an input or "@in", as seen from the current scope; SF_NONE with the nearest
 * name. */
SfValue model_lookup (Model *model, SfConfigNode *where, const char *name, GError **error);

#endif
