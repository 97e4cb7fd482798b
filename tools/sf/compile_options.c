/* SPDX-License-Identifier: Apache-2.0 */
/* From the options of compile and sweep to a model and the options of its compile. */
#include "tools/sf/compile_options.h"

#include <string.h>

#include <sf/plugins.h>

#include "tools/sf/bind.h"

static SfOptionValues *
optimizer_values (const SfOptionValues *options, GError **error)
{
  static const SfOption none[] = { { .name = NULL } };
  const char *name = sf_option_string (options, "optimizer");
  const SfPlugin *plugin = sf_plugins_load (SF_PLUGIN_OPTIMIZER, name, error);
  if (plugin == NULL)
    return NULL;
  g_autoptr (SfOptionValues) values = sf_option_values_new (
      plugin->options != NULL ? plugin->options : none);
  for (const char *const *pair = sf_option_list (options, "optimizer-option"); *pair != NULL;
       pair++)
    {
      const char *equals = strchr (*pair, '=');
      if (equals == NULL)
        {
          sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                   "--optimizer-option %s: found no value, wanted NAME=VALUE; give for example "
                   "lr=0.01",
                   *pair);
          return NULL;
        }
      g_autofree char *option = g_strdelimit (g_strndup (*pair, (gsize) (equals - *pair)), "_",
                                              '-');
      if (!sf_option_set (values, option, equals + 1, "--optimizer-option", error))
        return NULL;
    }
  return g_steal_pointer (&values);
}

SfModule *
sf_verb_import (const SfOptionValues *options, const char *path, int64_t batch_size, GError **error)
{
  g_autoptr (GArray) known = bind_read (sf_option_list (options, "bind"), error);
  if (known == NULL)
    return NULL;
  const SfImportOptions import = {
    .frontend = sf_option_string (options, "frontend"),
    .batch_size = batch_size,
    .seed = (uint64_t) sf_option_int (options, "seed"),
    .args = sf_option_list (options, "arg"),
    .dims = sf_option_list (options, "dim"),
    .known = (const SfKnownInput *) known->data,
    .n_known = known->len,
    .loss = sf_option_string (options, "loss"),
    .loss_output = sf_option_string (options, "loss-output"),
    .classes_axis = sf_option_int (options, "classes-axis"),
    .target = sf_option_string (options, "target"),
    .freeze = sf_option_list (options, "freeze"),
    .feed = sf_option_list (options, "feed"),
  };
  return sf_import (path, &import, error);
}

bool
sf_verb_compile_options (const SfOptionValues *options, SfOptionValues **optimizer,
                         SfCompileOptions *wanted, GError **error)
{
  bool inference = sf_option_bool (options, "inference");
  if (inference && sf_option_bool (options, "training"))
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--training: found --inference beside it, wanted one of them; leave one out");
  *optimizer = inference ? NULL : optimizer_values (options, error);
  if (*optimizer == NULL && !inference)
    return false;
  *wanted = (SfCompileOptions){
    .inference = inference,
    .optimizer = sf_option_string (options, "optimizer"),
    .optimizer_options = *optimizer,
    .clip_norm = sf_option_float (options, "clip-norm"),
    .groups = sf_option_list (options, "group"),
    .num_rdu_tiles = (int) sf_option_int (options, "num-tiles"),
    .seed = (uint64_t) sf_option_int (options, "seed"),
  };
  return true;
}

char *
sf_verb_rules_option (const char *rules)
{
  bool here = strchr (rules, '/') == NULL && g_file_test (rules, G_FILE_TEST_EXISTS);
  return g_strconcat ("fuse.rules=", here ? "./" : "", rules, NULL);
}
