/* SPDX-License-Identifier: Apache-2.0 */
/* Generic checks of a loaded plugin: what holds for any of its kind, without a model or data. */
#include "tools/sf/plugincheck.h"

#include <math.h>
#include <string.h>

#include <sf/plugin/dataset.h>
#include <sf/plugin/frontend.h>
#include <sf/plugin/optimizer.h>

static bool
check_sureness (const char *path, const char *what, int sureness, int max, GError **error)
{
  if (sureness >= 0 && sureness <= max)
    return true;
  return sf_fail (error, SF_ERROR_CHECK_FAILED,
                  "%s: probe of %s gave %d, wanted 0 to %d; correct the plugin's probe", path, what,
                  sureness, max);
}

static bool
check_frontend (const SfFrontendOps *ops, const char *path, GError **error)
{
  g_auto (GStrv) suffixes = g_strsplit (ops->suffixes != NULL ? ops->suffixes : "", " ", -1);
  for (char **suffix = suffixes; *suffix != NULL && ops->suffixes != NULL; suffix++)
    if ((*suffix)[0] != '.' || (*suffix)[1] == '\0')
      return sf_fail (error, SF_ERROR_CHECK_FAILED,
                      "%s: suffix '%s', wanted '.' and letters, one space between two; correct "
                      "SfFrontendOps.suffixes",
                      path, *suffix);
  if (ops->probe == NULL)
    return true;
  static const uint8_t noise[] = { 0xff, 0x00, 0x80, 0x7f, '\n', 0xfe, 0x01, 0x00 };
  const SfSource empty = { "empty", noise, 0 };
  const SfSource binary = { "noise", noise, sizeof noise };
  return check_sureness (path, "an empty source", ops->probe (&empty), 100, error)
         && check_sureness (path, "noise", ops->probe (&binary), 100, error);
}

static bool
check_optimizer (const SfPlugin *plugin, const char *path, GError **error)
{
  static const int64_t steps[] = { 1, 2, 1000, 1000000 };
  const SfOptimizerOps *ops = plugin->ops.optimizer;
  const SfOption none = { .name = NULL };
  g_autoptr (SfOptionValues) options = sf_option_values_new (
      plugin->options != NULL ? plugin->options : &none);
  for (const char *const *name = ops->derived; name != NULL && *name != NULL; name++)
    for (size_t i = 0; i < G_N_ELEMENTS (steps); i++)
      {
        double value = ops->derive (options, *name, steps[i]);
        if (!isfinite (value))
          return sf_fail (error, SF_ERROR_CHECK_FAILED,
                          "%s: scalar %s is %g at step %" G_GINT64_FORMAT
                          ", wanted a finite number; correct the plugin's derive",
                          path, *name, value, steps[i]);
      }
  return true;
}

bool
sf_plugin_check (const SfPlugin *plugin, const char *path, GError **error)
{
  switch ((SfPluginKind) plugin->kind)
    {
    case SF_PLUGIN_FRONTEND:
      return check_frontend (plugin->ops.frontend, path, error);
    case SF_PLUGIN_OPTIMIZER:
      return check_optimizer (plugin, path, error);
    case SF_PLUGIN_DATASET:
      return check_sureness (path, "a path that does not exist",
                             plugin->ops.dataset->probe ("/no/such/data.idx"), 100, error);
    case SF_PLUGIN_PASS:
    case SF_PLUGIN_BACKEND:
    case SF_PLUGIN_EXECUTOR:
      break;
    }
  return true;
}
