/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs that run a PEF share: options of the session and the data, signals. */
#ifndef TOOLS_SF_SESSION_OPTIONS_H
#define TOOLS_SF_SESSION_OPTIONS_H

#include <sf/run.h>

#define SF_SESSION_OPTION_ROWS                                                              \
  { .name = "backend",                                                                      \
    .type = SF_OPTION_STRING,                                                               \
    .def = "rdu",                                                                           \
    .arg = "NAME",                                                                          \
    .help = "backend plugin: rdu (the emulator) or cpu (the reference)" },                  \
      { .name = "threads",                                                                  \
        .type = SF_OPTION_INT,                                                              \
        .def = "0",                                                                         \
        .min = 0,                                                                           \
        .max = 1024,                                                                        \
        .arg = "N",                                                                         \
        .help = "threads; 0: as many as the machine gives" },                               \
      { .name = "precision",                                                                \
        .type = SF_OPTION_CHOICE,                                                           \
        .choices = "compiled|f64",                                                          \
        .def = "compiled",                                                                  \
        .help = "f64: everything in double, on the cpu backend" },                          \
  {                                                                                         \
    .name = "exact-firing", .type = SF_OPTION_BOOL,                                         \
    .help = "rdu: move values through bounded buffers in token order (slow, the same bits)" \
  }

#define SF_DATA_OPTION_ROWS                                                \
  { .name = "data",                                                        \
    .type = SF_OPTION_STRING,                                              \
    .flags = SF_OPTION_REQUIRED,                                           \
    .arg = "PATH",                                                         \
    .help = "folder or file of the data" },                                \
      { .name = "dataset",                                                 \
        .type = SF_OPTION_STRING,                                          \
        .arg = "NAME",                                                     \
        .help = "dataset plugin; default: the one that knows the files" }, \
  {                                                                        \
    .name = "data-option", .type = SF_OPTION_LIST, .arg = "NAME=VALUE",    \
    .help = "option of the dataset plugin; may be repeated"                \
  }

#define SF_PEF_OPTION_ROW                                                                        \
  {                                                                                              \
    .name = "pef", .type = SF_OPTION_STRING, .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED, \
    .arg = "PEF", .help = "compiled model"                                                       \
  }

/* Opens the PEF and a session as the options say. Owned. */
SfSession *sf_verb_open_session (const SfOptionValues *options, GError **error);
/* Borrowed from the options. */
SfData sf_verb_data (const SfOptionValues *options);

/* Set by SIGTERM and SIGINT once sf_verb_catch_signals was called; a second signal ends the process
 * at once. */
extern volatile int sf_verb_cancelled;
void sf_verb_catch_signals (void);

#endif
