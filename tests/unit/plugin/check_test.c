/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of option tables and of an optimizer's derived scalars; the other checks have plugins of
 * their own in tests/plugins. */
#include "core/plugin/check.h"

#include <sf/plugin/optimizer.h>

#include "tests/support/sftest.h"

static bool
build (SfOptimizerContext *context, GError **error)
{
  return true;
}

static const SfOptimizerOps plain_ops = { .size = sizeof (SfOptimizerOps), .build = build };

/* Checks an optimizer "x" with these options and functions. */
static bool
check (const SfOption *options, const SfOptimizerOps *ops, GError **error)
{
  const SfPlugin plugin = {
    SF_PLUGIN_HEAD (SF_PLUGIN_OPTIMIZER, "x", "1.0", "for tests"),
    .options = options,
    .ops.optimizer = ops,
  };
  return sf_plugin_check_head (&plugin, sizeof plugin, "x.so", error)
         && sf_plugin_check_body (&plugin, SF_PLUGIN_OPTIMIZER, "x", "x.so", error);
}

typedef struct
{
  const char *name;
  SfOption option;
  const char *message; /* what follows "x.so: option 'NAME': "; NULL: accepted */
} OptionCase;

static const OptionCase option_cases[] = {
  { "good", { .name = "eps-2", .type = SF_OPTION_FLOAT, .def = "1e-8", .help = "h" }, NULL },
  { "no-default", { .name = "a", .type = SF_OPTION_STRING, .help = "h" }, NULL },
  { "good-choice",
    { .name = "a", .type = SF_OPTION_CHOICE, .def = "y", .choices = "x|y", .help = "h" },
    NULL },
  { "letters",
    { .name = "Eps", .type = SF_OPTION_FLOAT, .help = "h" },
    "a name of other letters, wanted a to z, 0 to 9 and '-'" },
  { "underscore",
    { .name = "weight_decay", .type = SF_OPTION_FLOAT, .help = "h" },
    "a name of other letters, wanted a to z, 0 to 9 and '-'" },
  { "empty",
    { .name = "", .type = SF_OPTION_FLOAT, .help = "h" },
    "a name of other letters, wanted a to z, 0 to 9 and '-'" },
  { "type",
    { .name = "a", .type = (SfOptionType) 77, .help = "h" },
    "an unknown type, wanted an SfOptionType" },
  { "choices",
    { .name = "a", .type = SF_OPTION_CHOICE, .help = "h" },
    "no choices, wanted words separated by '|'" },
  { "range",
    { .name = "a", .type = SF_OPTION_INT, .min = 2, .max = 1, .help = "h" },
    "min above max, wanted a range" },
  { "help", { .name = "a", .type = SF_OPTION_INT }, "no help, wanted one sentence" },
  { "required",
    { .name = "a", .type = SF_OPTION_INT, .flags = SF_OPTION_REQUIRED, .help = "h" },
    "required or positional, wanted an option with a default" },
};

SF_TEST_CASES (PluginCheck, Option, option_cases, G_N_ELEMENTS (option_cases), sf_test_row_name)
{
  const OptionCase *c = data;
  g_autoptr (GError) error = NULL;
  const SfOption table[] = { c->option, { .name = NULL } };
  bool ok = check (table, &plain_ops, &error);
  if (c->message == NULL)
    {
      SF_CHECK_NO_ERROR (error);
      SF_CHECK (ok);
      return;
    }
  g_autofree char *message = g_strdup_printf (
      "x.so: option '%s': %s; correct the plugin's option table", c->option.name, c->message);
  SF_CHECK (!ok);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, message);
}

SF_TEST (PluginCheck, OptionNamedTwice)
{
  g_autoptr (GError) error = NULL;
  const SfOption table[] = { { .name = "a", .type = SF_OPTION_INT, .help = "h" },
                             { .name = "b", .type = SF_OPTION_INT, .help = "h" },
                             { .name = "a", .type = SF_OPTION_BOOL, .help = "h" },
                             { .name = NULL } };
  SF_CHECK (!check (table, &plain_ops, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "option 'a': named twice");
}

SF_TEST (PluginCheck, DefaultThatTheOptionRefuses)
{
  const SfOption rows[]
      = { { .name = "a", .type = SF_OPTION_INT, .def = "x", .help = "h" },
          { .name = "a", .type = SF_OPTION_INT, .def = "10", .min = 1, .max = 9, .help = "h" },
          { .name = "a", .type = SF_OPTION_BOOL, .def = "maybe", .help = "h" },
          { .name = "a", .type = SF_OPTION_CHOICE, .def = "z", .choices = "x|y", .help = "h" } };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      const SfOption table[] = { rows[i], { .name = NULL } };
      SF_CHECK (!check (table, &plain_ops, &error));
      SF_REQUIRE (error != NULL);
      SF_CHECK_INT (error->code, SF_ERROR_INVALID_DATA);
      SF_CHECK_MSG (g_str_has_prefix (error->message, "x.so: default of option 'a': "), "%s",
                    error->message);
    }
}

SF_TEST (PluginCheck, DerivedWithoutDerive)
{
  static const char *const derived[] = { "bias1", NULL };
  const SfOptimizerOps ops
      = { .size = sizeof (SfOptimizerOps), .build = build, .derived = derived };
  g_autoptr (GError) error = NULL;
  SF_CHECK (!check (NULL, &ops, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "x.so: SfOptimizerOps.derive is NULL, wanted a function that computes 'bias1'");
}

SF_TEST (PluginCheck, TableWithoutEnd)
{
  g_autoptr (GError) error = NULL;
  g_autofree SfOption *table = g_new0 (SfOption, 300);
  char names[300][8];
  for (int i = 0; i < 300; i++)
    {
      g_snprintf (names[i], sizeof names[i], "o%d", i);
      table[i] = (SfOption){ .name = names[i], .type = SF_OPTION_INT, .help = "h" };
    }
  SF_CHECK (!check (table, &plain_ops, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "option 'o256': more than 256 options");
}

SF_TEST (PluginCheck, ReservedField)
{
  g_autoptr (GError) error = NULL;
  const SfPlugin plugin = { SF_PLUGIN_HEAD (SF_PLUGIN_OPTIMIZER, "x", "1.0", "for tests"),
                            .reserved = 5, .ops.optimizer = &plain_ops };
  SF_CHECK (!sf_plugin_check_body (&plugin, SF_PLUGIN_OPTIMIZER, "x", "x.so", &error));
  SF_CHECK_ERROR (error, SF_ERROR_INCOMPATIBLE, "x.so: reserved field 5, wanted 0; rebuild");
}
