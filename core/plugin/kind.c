/* SPDX-License-Identifier: Apache-2.0 */
/* The table of plugin kinds, and the file name that states a plugin's identity. */
#include "core/plugin/kind.h"

#include <string.h>

#include <sf/plugin/backend.h>
#include <sf/plugin/dataset.h>
#include <sf/plugin/executor.h>
#include <sf/plugin/frontend.h>
#include <sf/plugin/optimizer.h>
#include <sf/plugin/pass.h>
#include <sf/plugins.h>

#define REQUIRED(type, slot)          \
  {                                   \
#slot, offsetof(type, slot), true \
  }
#define END        \
  {                \
    NULL, 0, false \
  }

static const SfPluginSlot frontend_slots[] = { REQUIRED (SfFrontendOps, import), END };
static const SfPluginSlot pass_slots[] = { REQUIRED (SfPassOps, run), END };
static const SfPluginSlot optimizer_slots[] = { REQUIRED (SfOptimizerOps, build), END };
static const SfPluginSlot backend_slots[] = {
  REQUIRED (SfBackendOps, open), REQUIRED (SfBackendOps, close), REQUIRED (SfBackendOps, step),
  REQUIRED (SfBackendOps, read), REQUIRED (SfBackendOps, write), END,
};
static const SfPluginSlot dataset_slots[] = {
  REQUIRED (SfDatasetOps, probe),    REQUIRED (SfDatasetOps, open),
  REQUIRED (SfDatasetOps, close),    REQUIRED (SfDatasetOps, n_rows),
  REQUIRED (SfDatasetOps, n_fields), REQUIRED (SfDatasetOps, field),
  REQUIRED (SfDatasetOps, read),     END,
};
static const SfPluginSlot executor_slots[] = {
  REQUIRED (SfExecutorOps, open),
  REQUIRED (SfExecutorOps, close),
  REQUIRED (SfExecutorOps, start),
  REQUIRED (SfExecutorOps, poll),
  REQUIRED (SfExecutorOps, signal),
  REQUIRED (SfExecutorOps, adopt),
  END,
};

#define KIND(number, name, Type, slots)       \
  {                                           \
    number, name, #Type, sizeof (Type), slots \
  }

static const SfPluginKindInfo kinds[SF_PLUGIN_N_KINDS] = {
  KIND (SF_PLUGIN_FRONTEND, "frontend", SfFrontendOps, frontend_slots),
  KIND (SF_PLUGIN_PASS, "pass", SfPassOps, pass_slots),
  KIND (SF_PLUGIN_OPTIMIZER, "optimizer", SfOptimizerOps, optimizer_slots),
  KIND (SF_PLUGIN_BACKEND, "backend", SfBackendOps, backend_slots),
  KIND (SF_PLUGIN_DATASET, "dataset", SfDatasetOps, dataset_slots),
  KIND (SF_PLUGIN_EXECUTOR, "executor", SfExecutorOps, executor_slots),
};

const SfPluginKindInfo *
sf_plugin_kind_info (uint32_t kind)
{
  for (size_t i = 0; i < SF_PLUGIN_N_KINDS; i++)
    if ((uint32_t) kinds[i].kind == kind)
      return &kinds[i];
  return NULL;
}

const char *
sf_plugin_kind_name (SfPluginKind kind)
{
  const SfPluginKindInfo *info = sf_plugin_kind_info ((uint32_t) kind);
  return info != NULL ? info->name : "unknown";
}

bool
sf_plugin_kind_parse (const char *name, SfPluginKind *out, GError **error)
{
  const char *names[SF_PLUGIN_N_KINDS + 1] = { NULL };
  for (size_t i = 0; i < SF_PLUGIN_N_KINDS; i++)
    {
      if (strcmp (kinds[i].name, name) == 0)
        {
          *out = kinds[i].kind;
          return true;
        }
      names[i] = kinds[i].name;
    }
  const char *nearest = sf_nearest_word (name, names, SF_PLUGIN_N_KINDS);
  g_autofree char *all = g_strjoinv (", ", (char **) names);
  return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                  "plugin kind '%s': unknown, wanted one of %s%s%s%s", name, all,
                  nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
                  nearest != NULL ? "?" : "");
}

bool
sf_plugin_parse_file_name (const char *base_name, SfPluginKind *kind, char **name)
{
  if (!g_str_has_prefix (base_name, "sf-") || !g_str_has_suffix (base_name, ".so"))
    return false;
  const char *rest = base_name + strlen ("sf-");
  size_t n = strlen (rest) - strlen (".so");
  for (size_t i = 0; i < SF_PLUGIN_N_KINDS; i++)
    {
      size_t n_kind = strlen (kinds[i].name);
      if (n > n_kind + 1 && strncmp (rest, kinds[i].name, n_kind) == 0 && rest[n_kind] == '-')
        {
          *kind = kinds[i].kind;
          *name = g_strndup (rest + n_kind + 1, n - n_kind - 1);
          return true;
        }
    }
  return false;
}

char *
sf_plugin_file_name (SfPluginKind kind, const char *name)
{
  return g_strdup_printf ("sf-%s-%s.so", sf_plugin_kind_name (kind), name);
}

bool
sf_plugin_name_is_valid (const char *name)
{
  if (!g_ascii_islower (name[0]))
    return false;
  size_t n = strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
  return name[n] == '\0' && n <= 64;
}
