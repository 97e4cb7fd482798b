/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: command line, config group, help, and back to a command line. */
#include <sf/options.h>

#include <string.h>

#include "tests/support/sftest.h"

static const SfOption table[] = {
  { "model", 0, SF_OPTION_STRING, .flags = SF_OPTION_POSITIONAL | SF_OPTION_REQUIRED,
    .arg = "MODEL", .help = "model file" },
  { "output", 'o', SF_OPTION_STRING, .flags = SF_OPTION_REQUIRED, .arg = "FILE",
    .help = "where the PEF goes" },
  { "level", 'O', SF_OPTION_CHOICE, "o1", "o0|o1|o3", .arg = "LEVEL", .help = "pipeline" },
  { "batch-size", 'b', SF_OPTION_INT, "32", .min = 1, .max = 65536, .help = "rows per step" },
  { "lr", 0, SF_OPTION_FLOAT, "0.001", .min = 0, .max = 10, .help = "learning rate" },
  { "any", 0, SF_OPTION_INT, .help = "any integer" },
  { "exact", 0, SF_OPTION_BOOL, "false", .help = "slow but sure" },
  { "shuffle", 0, SF_OPTION_BOOL, "true", .help = "mix the rows" },
  { "arg", 0, SF_OPTION_LIST, .arg = "NAME=VALUE", .help = "argument of the model" },
  { "memory", 0, SF_OPTION_BYTES, "1G", .help = "at most this much" },
  { "time-limit", 0, SF_OPTION_SECONDS, .help = "at most this long" },
  { "secret", 0, SF_OPTION_BOOL, "false", .flags = SF_OPTION_HIDDEN, .help = "unseen" },
  { NULL },
};

/* Splits `line` at blanks behind a program's name. */
static bool
parse (SfOptionValues *values, const char *line, GError **error)
{
  g_autofree char *full = g_strconcat ("sf", line[0] != '\0' ? " " : "", line, NULL);
  g_auto (GStrv) argv = g_strsplit (full, " ", -1);
  return sf_option_parse_argv (values, (int) g_strv_length (argv), argv, error);
}

SF_TEST (Options, Defaults)
{
  g_autoptr (SfOptionValues) v = sf_option_values_new (table);
  SF_CHECK_STR (sf_option_string (v, "model"), NULL);
  SF_CHECK_STR (sf_option_string (v, "level"), "o1");
  SF_CHECK_INT (sf_option_int (v, "batch-size"), 32);
  SF_CHECK_NEAR (sf_option_float (v, "lr"), 0.001, 0);
  SF_CHECK (!sf_option_bool (v, "exact") && sf_option_bool (v, "shuffle"));
  SF_CHECK_INT (sf_option_int (v, "memory"), 1 << 30);
  SF_CHECK (sf_option_list (v, "arg")[0] == NULL);
  SF_CHECK (!sf_option_is_set (v, "lr"));
}

SF_TEST (Options, EveryWayOnTheCommandLine)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfOptionValues) v = sf_option_values_new (table);
  SF_CHECK (parse (
      v,
      "m.cfg -O3 -o x.pef --batch-size=8 --lr 1e-2 --exact --no-shuffle --arg a=1 --arg b=2 --memory 2K --time-limit 1m --any -5",
      &error));
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_option_check (v, "sf compile", &error));
  SF_CHECK_STR (sf_option_string (v, "model"), "m.cfg");
  SF_CHECK_STR (sf_option_string (v, "output"), "x.pef");
  SF_CHECK_STR (sf_option_string (v, "level"), "o3");
  SF_CHECK_INT (sf_option_int (v, "batch-size"), 8);
  SF_CHECK_NEAR (sf_option_float (v, "lr"), 0.01, 0);
  SF_CHECK (sf_option_bool (v, "exact") && !sf_option_bool (v, "shuffle"));
  SF_CHECK_STR (sf_option_list (v, "arg")[0], "a=1");
  SF_CHECK_STR (sf_option_list (v, "arg")[1], "b=2");
  SF_CHECK (sf_option_list (v, "arg")[2] == NULL);
  SF_CHECK_INT (sf_option_int (v, "memory"), 2048);
  SF_CHECK_INT (sf_option_int (v, "time-limit"), 60);
  SF_CHECK_INT (sf_option_int (v, "any"), -5);

  g_auto (GStrv) argv = sf_option_to_argv (v);
  g_autofree char *line = g_strjoinv (" ", argv);
  SF_CHECK_STR (
      line,
      "m.cfg --output x.pef --level o3 --batch-size 8 --lr 1e-2 --any -5 --exact --no-shuffle --arg a=1 --arg b=2 "
      "--memory 2K --time-limit 1m");
  g_autoptr (SfOptionValues) again = sf_option_values_new (table);
  SF_CHECK (parse (again, line, &error));
  g_autoptr (SfOptionValues) copy = sf_option_values_copy (again);
  g_auto (GStrv) argv2 = sf_option_to_argv (copy);
  g_autofree char *line2 = g_strjoinv (" ", argv2);
  SF_CHECK_STR (line2, line);
}

SF_TEST (Options, DashesEndOptions)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfOptionValues) v = sf_option_values_new (table);
  SF_CHECK (parse (v, "-ox.pef -- -m.cfg", &error));
  SF_CHECK_STR (sf_option_string (v, "model"), "-m.cfg");
  g_auto (GStrv) argv = sf_option_to_argv (v);
  g_autofree char *line = g_strjoinv (" ", argv);
  SF_CHECK_STR (line, "--output x.pef -- -m.cfg");
}

typedef struct
{
  const char *name, *line, *message;
} Refused;

static const Refused refused[] = {
  { "unknown_near", "--batchsize 3", "--batchsize: unknown option; did you mean --batch-size?" },
  { "unknown_far", "--zebra", "--zebra: unknown option; --help lists the known ones" },
  { "unknown_short", "-z", "-z: unknown option; --help lists the known ones" },
  { "positional_by_name", "--model x", "--model: unknown option; --help lists the known ones" },
  { "no_value", "--lr", "--lr: found no value, wanted X" },
  { "no_short_value", "-o", "-o: found no value, wanted FILE" },
  { "not_integer", "--batch-size 3.5",
    "--batch-size: found \"3.5\", wanted an integer from 1 to 65536" },
  { "too_big", "--batch-size 65537",
    "--batch-size: found \"65537\", wanted an integer from 1 to 65536" },
  { "too_small", "-b 0", "-b: found \"0\", wanted an integer from 1 to 65536" },
  { "overflow", "--any 99999999999999999999",
    "--any: found \"99999999999999999999\", wanted an integer" },
  { "not_number", "--lr fast", "--lr: found \"fast\", wanted a number from 0 to 10" },
  { "nan", "--lr nan", "--lr: found \"nan\", wanted a number from 0 to 10" },
  { "infinite", "--lr 1e400", "--lr: found \"1e400\", wanted a number from 0 to 10" },
  { "hexadecimal", "--lr 0x1", "--lr: found \"0x1\", wanted a number from 0 to 10" },
  { "choice", "--level o4", "--level: found \"o4\", wanted one of o0, o1, o3; did you mean o0?" },
  { "short_choice", "-O7", "-O: found \"7\", wanted one of o0, o1, o3" },
  { "bool", "--exact=yes", "--exact: found \"yes\", wanted true or false" },
  { "bytes", "--memory 2GB",
    "--memory: found \"2GB\", wanted a size such as 100, 64K, 512M, 2G or 1T" },
  { "seconds", "--time-limit soon",
    "--time-limit: found \"soon\", wanted a time such as 90, 45s, 10m or 1h30m" },
  { "one_too_many", "a b", "b: found one argument too many; --help shows what is wanted" },
};

SF_TEST_CASES (Options, Refuses, refused, G_N_ELEMENTS (refused), sf_test_row_name)
{
  const Refused *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfOptionValues) v = sf_option_values_new (table);
  SF_CHECK (!parse (v, c->line, &error));
  SF_REQUIRE (error != NULL);
  SF_CHECK_STR (error->message, c->message);
  SF_CHECK_INT (error->code, SF_ERROR_INVALID_ARGUMENT);
}

SF_TEST (Options, Required)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfOptionValues) v = sf_option_values_new (table);
  SF_CHECK (!sf_option_check (v, "sf compile", &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "sf compile: found no MODEL, wanted one; add it");
  SF_CHECK (sf_option_set (v, "model", "m", NULL, &error));
  SF_CHECK (!sf_option_check (v, "sf compile", &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "sf compile: found no --output FILE, wanted one; add it");
}

SF_TEST (Options, SetByName)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfOptionValues) v = sf_option_values_new (table);
  SF_CHECK (sf_option_set (v, "batch_size", "5", "etc/x.cfg:3", &error));
  SF_CHECK_INT (sf_option_int (v, "batch-size"), 5);
  SF_CHECK (!sf_option_set (v, "batch-size", "x", "etc/x.cfg:3", &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "etc/x.cfg:3: batch-size: found \"x\", wanted an integer from 1 to 65536");
  SF_CHECK_INT (sf_option_int (v, "batch-size"), 5);
  SF_CHECK (!sf_option_set (v, "batch", "x", NULL, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "batch: unknown option");
}

static bool
parse_config (SfOptionValues *values, const char *text, GError **error)
{
  g_autoptr (SfConfig) config = sf_config_parse (text, strlen (text), "j.cfg", error);
  static const char *const also_known[] = { "do", "optimizer", NULL };
  return config != NULL
         && sf_option_parse_config (values, sf_config_root (config), also_known, error)
         && sf_config_check_keys (sf_config_root (config), false, NULL)
                == false; /* `do` is left to the caller */
}

SF_TEST (Options, ConfigGroup)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfOptionValues) v = sf_option_values_new (table);
  SF_CHECK (parse_config (
      v,
      "do = \"compile\"; optimizer = { }; batch_size = 8; lr = 1; exact = true; shuffle = false;"
      "arg = (\"a=1\", \"b=2\"); memory = 4096; time_limit = \"2m\"; level = \"o0\";",
      &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_INT (sf_option_int (v, "batch-size"), 8);
  SF_CHECK_NEAR (sf_option_float (v, "lr"), 1.0, 0);
  SF_CHECK (sf_option_bool (v, "exact") && !sf_option_bool (v, "shuffle"));
  SF_CHECK_STR (sf_option_list (v, "arg")[1], "b=2");
  SF_CHECK_INT (sf_option_int (v, "memory"), 4096);
  SF_CHECK_INT (sf_option_int (v, "time-limit"), 120);
  SF_CHECK_STR (sf_option_string (v, "level"), "o0");
}

static const Refused refused_config[] = {
  { "type", "lr = \"x\";", "j.cfg:1: lr: found a string, wanted a number" },
  { "float_for_int", "\nbatch_size = 3.0;",
    "j.cfg:2: batch_size: found a float, wanted an integer" },
  { "range", "batch_size = 0;",
    "j.cfg:1: batch_size: found \"0\", wanted an integer from 1 to 65536" },
  { "choice", "level = \"o2\";",
    "j.cfg:1: level: found \"o2\", wanted one of o0, o1, o3; did you mean o0?" },
  { "list_element", "arg = (1);", "j.cfg:1: element: found an integer, wanted a list of strings" },
  { "unknown", "batch_sze = 3;",
    "j.cfg:1: unknown key \"batch_sze\"; did you mean \"batch_size\"?" },
  { "dash", "batch-size = 3;",
    "j.cfg:1: unknown key \"batch-size\"; did you mean \"batch_size\"?" },
  { "also_known", "optimiser = { };",
    "j.cfg:1: unknown key \"optimiser\"; did you mean \"optimizer\"?" },
  { "far", "zebra = 3;", "j.cfg:1: unknown key \"zebra\"; remove it" },
};

SF_TEST_CASES (Options, ConfigRefuses, refused_config, G_N_ELEMENTS (refused_config),
               sf_test_row_name)
{
  const Refused *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfOptionValues) v = sf_option_values_new (table);
  SF_CHECK (!parse_config (v, c->line, &error));
  SF_REQUIRE (error != NULL);
  SF_CHECK_STR (error->message, c->message);
  SF_CHECK_INT (error->code, SF_ERROR_INVALID_DATA);
}

SF_TEST (Options, Help)
{
  g_autofree char *help = sf_option_help (table);
  SF_CHECK_STR (help, "  MODEL                       model file\n"
                      "  -o, --output FILE           where the PEF goes (required)\n"
                      "  -O, --level LEVEL           pipeline (one of o0|o1|o3; default: o1)\n"
                      "  -b, --batch-size N          rows per step (1 to 65536; default: 32)\n"
                      "  --lr X                      learning rate (0 to 10; default: 0.001)\n"
                      "  --any N                     any integer\n"
                      "  --exact                     slow but sure\n"
                      "  --[no-]shuffle              mix the rows\n"
                      "  --arg NAME=VALUE            argument of the model (may be given again)\n"
                      "  --memory SIZE               at most this much (default: 1G)\n"
                      "  --time-limit TIME           at most this long\n");
}
