/* SPDX-License-Identifier: Apache-2.0 */
/* What every plugin exports: one constant SfPlugin named sf_plugin.
 *
 * The file is `sf-<kind>-<name>.so`; its name is its identity. No function of a plugin is called
 * before the host has checked the head; state lives in instances, never in constructors. */
#ifndef SF_PLUGIN_PLUGIN_H
#define SF_PLUGIN_PLUGIN_H

#include <sf/options.h>

SF_BEGIN_DECLS

#define SF_PLUGIN_MAGIC     0x31504653u /* "SFP1" in little endian */
#define SF_PLUGIN_ABI_MAJOR 0 /* 0.x: host and plugin must agree on minor and every size */
#define SF_PLUGIN_ABI_MINOR 1

typedef enum
{
  SF_PLUGIN_FRONTEND = 1,
  SF_PLUGIN_PASS = 2,
  SF_PLUGIN_OPTIMIZER = 3,
  SF_PLUGIN_BACKEND = 4,
  SF_PLUGIN_DATASET = 5,
  SF_PLUGIN_EXECUTOR = 6,
} SfPluginKind;

typedef struct SfFrontendOps SfFrontendOps;   /* <sf/plugin/frontend.h> */
typedef struct SfPassOps SfPassOps;           /* <sf/plugin/pass.h> */
typedef struct SfOptimizerOps SfOptimizerOps; /* <sf/plugin/optimizer.h> */
typedef struct SfBackendOps SfBackendOps;     /* <sf/plugin/backend.h> */
typedef struct SfDatasetOps SfDatasetOps;     /* <sf/plugin/dataset.h> */
typedef struct SfExecutorOps SfExecutorOps;   /* <sf/plugin/executor.h> */

typedef struct
{
  /* The head: these 16 bytes never change. */
  uint32_t magic;
  uint16_t abi_major, abi_minor;
  uint32_t size; /* of this struct */
  uint32_t kind; /* SfPluginKind */
  /* The body. */
  const char *name;        /* as in the file name */
  const char *version;     /* "1.0" */
  const char *summary;     /* one line */
  uint32_t option_size;    /* sizeof (SfOption) */
  uint32_t reserved;       /* 0 */
  const SfOption *options; /* ends with name NULL; NULL: none */
  union
  {
    const SfFrontendOps *frontend;
    const SfPassOps *pass;
    const SfOptimizerOps *optimizer;
    const SfBackendOps *backend;
    const SfDatasetOps *dataset;
    const SfExecutorOps *executor;
    const size_t *size; /* every ops table begins with its own size */
  } ops;
} SfPlugin;

#define SF_PLUGIN_HEAD(kind_, name_, version_, summary_)                                        \
  .magic = SF_PLUGIN_MAGIC, .abi_major = SF_PLUGIN_ABI_MAJOR, .abi_minor = SF_PLUGIN_ABI_MINOR, \
  .size = sizeof (SfPlugin), .kind = (kind_), .name = (name_), .version = (version_),           \
  .summary = (summary_), .option_size = sizeof (SfOption)

/* The only symbol a plugin exports. */
extern SF_API const SfPlugin sf_plugin;

SF_END_DECLS
#endif
