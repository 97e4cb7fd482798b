/* SPDX-License-Identifier: Apache-2.0 */
/* A pass with one thing wrong, which the Makefile chooses by macro. */
#include <sf/plugin/pass.h>

#ifndef BAD_MAGIC
#define BAD_MAGIC SF_PLUGIN_MAGIC
#endif
#ifndef BAD_MAJOR
#define BAD_MAJOR SF_PLUGIN_ABI_MAJOR
#endif
#ifndef BAD_MINOR
#define BAD_MINOR SF_PLUGIN_ABI_MINOR
#endif
#ifndef BAD_SIZE
#define BAD_SIZE sizeof (SfPlugin)
#endif
#ifndef BAD_KIND
#define BAD_KIND SF_PLUGIN_PASS
#endif
#ifndef BAD_VERSION
#define BAD_VERSION "1.0"
#endif
#ifndef BAD_SUMMARY
#define BAD_SUMMARY "has one thing wrong"
#endif
#ifndef BAD_OPTION_SIZE
#define BAD_OPTION_SIZE sizeof (SfOption)
#endif
#ifndef BAD_OPS
#define BAD_OPS &pass_ops
#endif
#ifndef BAD_OPS_SIZE
#define BAD_OPS_SIZE sizeof (SfPassOps)
#endif
#ifndef BAD_RUN
#define BAD_RUN run
#endif
#ifndef BAD_DEFAULT
#define BAD_DEFAULT "2"
#endif

#ifdef BAD_CALL
void sf_absent_function (void);
#endif

G_GNUC_UNUSED static bool
run (SfPassContext *context, const SfOptionValues *options, GError **error)
{
#ifdef BAD_CALL
  sf_absent_function ();
#endif
  return true;
}

G_GNUC_UNUSED static const SfPassOps pass_ops = { .size = BAD_OPS_SIZE, .run = BAD_RUN };

static const SfOption options[] = {
  { .name = "rounds",
    .type = SF_OPTION_INT,
    .def = BAD_DEFAULT,
    .min = 1,
    .max = 9,
    .arg = "N",
    .help = "how often to do nothing" },
  { .name = NULL },
};

const SfPlugin sf_plugin = {
  .magic = BAD_MAGIC,
  .abi_major = BAD_MAJOR,
  .abi_minor = BAD_MINOR,
  .size = BAD_SIZE,
  .kind = BAD_KIND,
  .name = BAD_NAME,
  .version = BAD_VERSION,
  .summary = BAD_SUMMARY,
  .option_size = BAD_OPTION_SIZE,
  .options = options,
  .ops.pass = BAD_OPS,
};
