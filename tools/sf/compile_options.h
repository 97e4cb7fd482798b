/* SPDX-License-Identifier: Apache-2.0 */
/* The options that the verbs `compile` and `sweep` share, and what they say of model and compile.
 */
#ifndef TOOLS_SF_COMPILE_OPTIONS_H
#define TOOLS_SF_COMPILE_OPTIONS_H

#include <sf/compile.h>

#define SF_COMPILE_OPTION_ROWS                                                                         \
  { .name = "inference", .type = SF_OPTION_BOOL, .help = "leave training out" },                       \
      { .name = "training",                                                                            \
        .type = SF_OPTION_BOOL,                                                                        \
        .help = "compile for training; the default, which --inference takes away" },                   \
      { .name = "loss",                                                                                \
        .type = SF_OPTION_CHOICE,                                                                      \
        .choices = "softmax_ce|mse",                                                                   \
        .help = "loss of a model that comes without one" },                                            \
      { .name = "loss-output",                                                                         \
        .type = SF_OPTION_STRING,                                                                      \
        .arg = "NAME",                                                                                 \
        .help = "output that the loss compares; without it the first prediction" },                    \
      { .name = "classes-axis",                                                                        \
        .type = SF_OPTION_INT,                                                                         \
        .def = "0",                                                                                    \
        .min = 0,                                                                                      \
        .max = SF_MAX_RANK - 1,                                                                        \
        .arg = "N",                                                                                    \
        .help                                                                                          \
        = "dimension of the classes for --loss softmax_ce, from 0 for the batch; 0 is the last" },     \
      { .name = "target",                                                                              \
        .type = SF_OPTION_STRING,                                                                      \
        .arg = "NAME",                                                                                 \
        .help                                                                                          \
        = "input for what the output should be: new beside --loss, by default target; or that of the " \
          "model's own loss" },                                                                        \
      { .name = "freeze",                                                                              \
        .type = SF_OPTION_LIST,                                                                        \
        .arg = "PATTERN",                                                                              \
        .help = "parameters whose names match are not trained" },                                      \
      { .name = "feed",                                                                                \
        .type = SF_OPTION_LIST,                                                                        \
        .arg = "INPUT=FIELD[:scale=A,shift=B]",                                                        \
        .help = "field of a dataset that an input takes; value = stored * A + B" },                    \
      { .name = "optimizer",                                                                           \
        .type = SF_OPTION_STRING,                                                                      \
        .def = "sgd",                                                                                  \
        .arg = "NAME",                                                                                 \
        .help = "optimizer to compile in; sf plugins lists them" },                                    \
      { .name = "optimizer-option",                                                                    \
        .type = SF_OPTION_LIST,                                                                        \
        .arg = "NAME=VALUE",                                                                           \
        .help = "option of the optimizer; sf inspect optimizer:NAME lists them" },                     \
      { .name = "clip-norm",                                                                           \
        .type = SF_OPTION_FLOAT,                                                                       \
        .def = "0",                                                                                    \
        .min = 0,                                                                                      \
        .max = 1e9,                                                                                    \
        .arg = "X",                                                                                    \
        .help = "largest global norm of the gradients; 0 is none" },                                   \
      { .name = "group",                                                                               \
        .type = SF_OPTION_LIST,                                                                        \
        .arg = "PATTERN:NAME=VALUE,...",                                                               \
        .help = "optimizer options of the parameters whose names match" },                             \
      { .name = "arg",                                                                                 \
        .type = SF_OPTION_LIST,                                                                        \
        .arg = "NAME=VALUE",                                                                           \
        .help = "argument of the model" },                                                             \
      { .name = "dim",                                                                                 \
        .type = SF_OPTION_LIST,                                                                        \
        .arg = "NAME=N",                                                                               \
        .help = "size of a symbolic dimension" },                                                      \
      { .name = "bind",                                                                                \
        .type = SF_OPTION_LIST,                                                                        \
        .arg = "NAME=VALUES",                                                                          \
        .help                                                                                          \
        = "content of an input that is known now, numbers separated by commas; where the model "       \
          "needs it to know a shape it becomes a constant" },                                          \
      { .name = "frontend",                                                                            \
        .type = SF_OPTION_STRING,                                                                      \
        .arg = "NAME",                                                                                 \
        .help = "frontend that reads the model; without it the one that claims the file" },            \
      { .name = "seed",                                                                                \
        .type = SF_OPTION_INT,                                                                         \
        .def = "1",                                                                                    \
        .min = 0,                                                                                      \
        .max = 9007199254740992.0,                                                                     \
        .arg = "N",                                                                                    \
        .help = "of the initial weights and the placement" },                                          \
  {                                                                                                    \
    .name = "num-tiles", .type = SF_OPTION_INT, .def = "1", .min = 1, .max = 64, .arg = "N",           \
    .help = "RDU tiles that a section may use"                                                         \
  }

/* The model in file `path` with `batch_size` rows (0: its own). Owned. */
SfModule *sf_verb_import (const SfOptionValues *options, const char *path, int64_t batch_size,
                          GError **error);
/* What these rows say of a compile; level, arch, precision, set and the functions are the caller's.
 * The result borrows from `options` and from *optimizer, which is owned. */
bool sf_verb_compile_options (const SfOptionValues *options, SfOptionValues **optimizer,
                              SfCompileOptions *wanted, GError **error);
/* `rules` as "fuse.rules=FILE": a file here comes before one below etc/rules. Owned. */
char *sf_verb_rules_option (const char *rules);

#endif
