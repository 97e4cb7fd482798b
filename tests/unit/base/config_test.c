/* SPDX-License-Identifier: Apache-2.0 */
/* The config reader: values, every guard with its exact message, unknown keys, units. */
#include <sf/config.h>

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/sftest.h"

static SfConfig *
parse (const char *text, GError **error)
{
  return sf_config_parse (text, strlen (text), "m.cfg", error);
}

SF_TEST (Config, Values)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfConfig) config = parse (
      "# comment = 1\n"
      "i = 7; big = 4294967297; neg = -9223372036854775808; hex = 0xfF; long = 5L;\n"
      "f = 1.5e-3; whole = 1; half = .5; dot = 2.; b = true; s = \"a\" /* x */ \"b\\n\";\n"
      "empty = \"\"; conv-1 : { k = [1, 2]; l = (1, \"x\", { y = 2.5; }); };\n",
      &error);
  SF_REQUIRE_NO_ERROR (error);
  SfConfigNode *root = sf_config_root (config);
  int64_t i = 0;
  double f = 0;
  bool b = false;
  const char *s = NULL;
  SF_CHECK (sf_config_get_int (root, "i", true, &i, NULL) && i == 7);
  SF_CHECK (sf_config_get_int (root, "big", true, &i, NULL) && i == 4294967297);
  SF_CHECK (sf_config_get_int (root, "neg", true, &i, NULL) && i == INT64_MIN);
  SF_CHECK (sf_config_get_int (root, "hex", true, &i, NULL) && i == 255);
  SF_CHECK (sf_config_get_int (root, "long", true, &i, NULL) && i == 5);
  SF_CHECK (sf_config_get_float (root, "f", true, &f, NULL) && f == 1.5e-3);
  SF_CHECK (sf_config_get_float (root, "whole", true, &f, NULL) && f == 1.0);
  SF_CHECK (sf_config_get_float (root, "half", true, &f, NULL) && f == 0.5);
  SF_CHECK (sf_config_get_float (root, "dot", true, &f, NULL) && f == 2.0);
  SF_CHECK (sf_config_get_bool (root, "b", true, &b, NULL) && b);
  SF_CHECK (sf_config_get_string (root, "s", true, &s, NULL));
  SF_CHECK_STR (s, "ab\n");
  SF_CHECK (sf_config_get_string (root, "empty", true, &s, NULL));
  SF_CHECK_STR (s, "");

  SfConfigNode *conv = sf_config_node_member (root, "conv-1");
  SF_REQUIRE (conv != NULL && sf_config_node_type (conv) == SF_CONFIG_GROUP);
  SF_CHECK_STR (sf_config_node_where (conv), "m.cfg:4");
  SfConfigNode *k = sf_config_node_member (conv, "k");
  SF_REQUIRE (k != NULL && sf_config_node_type (k) == SF_CONFIG_LIST);
  SF_CHECK_INT (sf_config_node_count (k), 2);
  SF_CHECK (sf_config_node_at (k, 2) == NULL);
  SF_CHECK (sf_config_node_int (sf_config_node_at (k, 1), &i, NULL) && i == 2);
  SF_CHECK_STR (sf_config_node_name (sf_config_node_at (k, 1)), NULL);
  SfConfigNode *l = sf_config_node_member (conv, "l");
  SF_REQUIRE (l != NULL && sf_config_node_count (l) == 3);
  SF_CHECK (sf_config_get_float (sf_config_node_at (l, 2), "y", true, &f, NULL) && f == 2.5);
  SF_CHECK (sf_config_check_keys (root, true, &error));
  SF_CHECK_NO_ERROR (error);
}

SF_TEST (Config, AbsentKeyLeavesDefault)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfConfig) config = parse ("\nopt = { };", &error);
  SF_REQUIRE_NO_ERROR (error);
  int64_t i = 42;
  SF_CHECK (sf_config_get_int (sf_config_root (config), "x", false, &i, &error) && i == 42);
  SF_CHECK (!sf_config_get_int (sf_config_root (config), "x", true, &i, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:1: no key \"x\" in this group; add x = INTEGER");
  SfConfigNode *opt = sf_config_node_member (sf_config_root (config), "opt");
  const char *s;
  SF_CHECK (!sf_config_get_string (opt, "name", true, &s, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:2: no key \"name\" in opt; add name = \"TEXT\"");
}

SF_TEST (Config, WrongTypes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfConfig) config = parse (
      "epochs = 10.0;\nname = 3;\nlr = \"x\";\nflag = 1;\nv = (\"a\");", &error);
  SF_REQUIRE_NO_ERROR (error);
  SfConfigNode *root = sf_config_root (config);
  int64_t i;
  double f;
  bool b;
  const char *s;
  SF_CHECK (!sf_config_get_int (root, "epochs", true, &i, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:1: epochs: found a float, wanted an integer");
  SF_CHECK (!sf_config_get_string (root, "name", true, &s, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "m.cfg:2: name: found an integer, wanted a string");
  SF_CHECK (!sf_config_get_float (root, "lr", true, &f, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "m.cfg:3: lr: found a string, wanted a number");
  SF_CHECK (!sf_config_get_bool (root, "flag", true, &b, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:4: flag: found an integer, wanted true or false");
  SF_CHECK (
      !sf_config_node_int (sf_config_node_at (sf_config_node_member (root, "v"), 0), &i, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:5: element: found a string, wanted an integer");
}

typedef struct
{
  const char *name, *text, *message;
} RefusedCase;

static const RefusedCase refused[] = {
  { "int64_overflow", "a = 1;\nb = 9223372036854775808;",
    "m.cfg:2: number 9223372036854775808: found more than 64 bits hold, wanted a smaller one" },
  { "negative_overflow", "b = -9223372036854775809;",
    "m.cfg:1: number -9223372036854775809: found more than 64 bits hold" },
  { "hex_overflow", "b = 0x8000000000000000;",
    "m.cfg:1: number 0x8000000000000000: found more than 64 bits hold" },
  { "float_overflow", "\n\nlr = 1e400;",
    "m.cfg:3: number 1e400: found more than a double holds, wanted a finite number" },
  { "float_negative_overflow", "lr = -1.0E+999;",
    "m.cfg:1: number -1.0E+999: found more than a double holds" },
  { "float_overflow_in_list", "b = ( 1.0,\n 1e999 );",
    "m.cfg:2: number 1e999: found more than a double holds" },
  { "lone_dot", "a = .;", "m.cfg:1: found '.' that begins no number; remove it" },
  { "lone_minus", "a = -x;", "m.cfg:1: found '-' that begins no number; remove it" },
  { "duplicate", "a = 1;\na = 2;",
    "m.cfg:2: duplicate setting name, wanted each key once in its group; remove one" },
  { "mixed_array", "a = [1, 2.5];",
    "m.cfg:1: mismatched element type in array, wanted one type inside [ ]" },
  { "syntax", "a = 1;\nb = ;",
    "m.cfg:2: syntax error, wanted KEY = VALUE; look at this line and the one before it" },
  { "open_string", "a = 1;\nb = \"x", "m.cfg:2: string: found no closing '\"'; add it" },
  { "open_comment", "a = 1; /* b = 2;", "m.cfg:1: comment: found no closing */; add it" },
  { "zero_escape", "a = \"x\\x00y\";", "m.cfg:1: string: found \\x00, wanted text; remove it" },
  { "odd_byte", "a = 1;\nb = $x;",
    "m.cfg:2: found byte 0x24 outside a string, wanted libconfig text" },
  { "not_utf8", "a = \"\xff\";", "m.cfg: found bytes that are not UTF-8 at offset 5, wanted text" },
  { "include_up", "@include \"../x.cfg\"",
    "m.cfg:1: @include \"../x.cfg\": wanted a path below the folder of the file, without .." },
  { "include_inner_up", "@include \"a/../../x.cfg\"",
    "wanted a path below the folder of the file, without .." },
  { "include_absolute", "\n@include \"/etc/passwd\"",
    "m.cfg:2: @include \"/etc/passwd\": wanted a path below the folder of the file, without .." },
  { "include_empty", "@include \"\"", "wanted a path below the folder of the file" },
  { "include_mid_line", "a = 1; @include \"x.cfg\"",
    "m.cfg:1: found '@' inside a line, wanted @include at its beginning" },
  { "include_unquoted", "@include x.cfg\n\"", "m.cfg:1: found '@', wanted @include \"FILE\"" },
};

SF_TEST_CASES (Config, Refuses, refused, G_N_ELEMENTS (refused), sf_test_row_name)
{
  const RefusedCase *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfConfig) config = parse (c->text, &error);
  SF_CHECK (config == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, c->message);
}

SF_TEST (Config, LiteralsInStringsAndCommentsPass)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfConfig) config = parse (
      "a = \"1e999 @include { 99999999999999999999\"; // 1e999\n# 1e999 \"\n/* 1e999 ( \" */",
      &error);
  SF_CHECK (config != NULL);
  SF_CHECK_NO_ERROR (error);
}

static char *
nested (int depth)
{
  GString *text = g_string_new ("a = ");
  for (int i = 0; i < depth; i++)
    g_string_append (text, "( ");
  for (int i = 0; i < depth; i++)
    g_string_append (text, ") ");
  return g_string_free (text, FALSE);
}

SF_TEST (Config, Nesting)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *deep = nested (64), *deeper = nested (65), *far = nested (1000000);
  g_autoptr (SfConfig) config = parse (deep, &error);
  SF_CHECK (config != NULL);
  SF_CHECK_NO_ERROR (error);
  SF_CHECK (parse (deeper, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:1: found brackets nested deeper than 64, wanted fewer");
  SF_CHECK (parse (far, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "nested deeper than 64");
}

SF_TEST (Config, SizeAndKeyCount)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir ();
  size_t n = (8 << 20) + 1;
  g_autofree char *spaces = g_malloc (n);
  memset (spaces, ' ', n);
  g_autofree char *path = sf_test_write_file (dir, "big.cfg", spaces, (gssize) n);
  SF_CHECK (sf_config_read (path, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "big.cfg: found 8388609 bytes, wanted at most 8388608");
  SF_CHECK (sf_config_parse (spaces, n, "m.cfg", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg: found 8388609 bytes, wanted at most 8388608");
  g_autoptr (GString) keys = g_string_new (NULL);
  for (int i = 0; i <= 20000; i++)
    g_string_append_printf (keys, "k%d = 1;\n", i);
  SF_CHECK (parse (keys->str, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:20001: found more than 20000 keys, wanted fewer; split the file");
}

SF_TEST (Config, ZeroByte)
{
  g_autoptr (GError) error = NULL;
  SF_CHECK (sf_config_parse ("a = 1;\0b = 2;", 13, "m.cfg", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "m.cfg: found a zero byte, wanted text");
}

SF_TEST (Config, IncludeBelowKeepsFileAndLine)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir ();
  g_autofree char *sub = g_build_filename (dir, "sub", NULL);
  g_mkdir (sub, 0755);
  G_GNUC_UNUSED g_autofree char *inner = sf_test_write_file (sub, "inner.cfg", "\nx = 5; y = 6;",
                                                             -1);
  G_GNUC_UNUSED g_autofree char *middle = sf_test_write_file (
      sub, "middle.cfg", "  @include \"inner.cfg\"\nm = 1;", -1);
  g_autofree char *top = sf_test_write_file (
      dir, "top.cfg", "a = 1;\n@include \"sub/middle.cfg\" b = 2;\nc = 3;\n", -1);
  g_autoptr (SfConfig) config = sf_config_read (top, &error);
  SF_REQUIRE_NO_ERROR (error);
  static const struct
  {
    const char *key, *file;
    int line;
  } wanted[] = {
    { "a", "top.cfg", 1 }, { "x", "sub/inner.cfg", 2 }, { "m", "sub/middle.cfg", 2 },
    { "b", "top.cfg", 2 }, { "c", "top.cfg", 3 },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      SfConfigNode *node = sf_config_node_member (sf_config_root (config), wanted[i].key);
      SF_REQUIRE (node != NULL);
      g_autofree char *where = g_strdup_printf ("%s/%s:%d", dir, wanted[i].file, wanted[i].line);
      SF_CHECK_STR (sf_config_node_where (node), where);
    }
  SF_CHECK_STR (sf_config_path (config), top);
}

SF_TEST (Config, IncludeGuards)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *dir = sf_test_tmpdir (), *outside = sf_test_tmpdir ();
  g_autofree char *secret = sf_test_write_file (outside, "secret.cfg", "x = 1;", -1);
  g_autofree char *link = g_build_filename (dir, "link.cfg", NULL);
  SF_REQUIRE (symlink (secret, link) == 0);
  g_autofree char *a = sf_test_write_file (dir, "a.cfg", "@include \"link.cfg\"\n", -1);
  SF_CHECK (sf_config_read (a, &error) == NULL);
  SF_CHECK_ERROR (
      error, SF_ERROR_INVALID_DATA,
      "a.cfg:1: @include \"link.cfg\": found a link out of the folder of the file, wanted a path below it");
  g_autofree char *b = sf_test_write_file (dir, "b.cfg", "\n@include \"none.cfg\"\n", -1);
  SF_CHECK (sf_config_read (b, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "b.cfg:2: @include \"none.cfg\": not found in ");
  g_autofree char *c = sf_test_write_file (dir, "c.cfg", "@include \"c.cfg\"\n", -1);
  SF_CHECK (sf_config_read (c, &error) == NULL);
  SF_CHECK_ERROR (
      error, SF_ERROR_INVALID_DATA,
      "@include \"c.cfg\": found more than 10 files including one another, wanted fewer");
  g_autofree char *d = sf_test_write_file (dir, "d.cfg", "@include \".\"\n", -1);
  SF_CHECK (sf_config_read (d, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "@include \".\"");
  G_GNUC_UNUSED g_autofree char *bad = sf_test_write_file (dir, "bad.cfg", "x = 1e999;", -1);
  g_autofree char *e = sf_test_write_file (dir, "e.cfg", "@include \"bad.cfg\"\n", -1);
  SF_CHECK (sf_config_read (e, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "bad.cfg:1: number 1e999: found more than a double holds");
}

SF_TEST (Config, UnknownKeys)
{
  g_autoptr (GError) error = NULL;
  const char *text
      = "batch_szie = 1;\nopt = { lr = 1;\n momentun = 0.9; };\nlist = ( { z = 1; } );";
  g_autoptr (SfConfig) config = parse (text, &error);
  SF_REQUIRE_NO_ERROR (error);
  SfConfigNode *root = sf_config_root (config);
  SF_CHECK (!sf_config_check_keys (root, false, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:1: unknown key \"batch_szie\", wanted none here; remove it");
  int64_t i;
  double f;
  SF_CHECK (sf_config_get_int (root, "batch_size", false, &i, &error));
  SfConfigNode *opt = sf_config_node_member (root, "opt");
  sf_config_node_member (root, "list");
  SF_CHECK (!sf_config_check_keys (root, false, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:1: unknown key \"batch_szie\"; did you mean \"batch_size\"?");
  sf_config_node_member (root, "batch_szie");
  SF_CHECK (sf_config_check_keys (root, false, &error));
  sf_config_get_float (opt, "lr", true, &f, &error);
  sf_config_get_float (opt, "nesterov", false, &f, &error);
  SF_CHECK (!sf_config_check_keys (root, true, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:3: unknown key \"momentun\", wanted one of: lr, nesterov");
  sf_config_node_member (opt, "momentun");
  SF_CHECK (!sf_config_check_keys (root, true, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "m.cfg:4: unknown key \"z\", wanted none here; remove it");
}

SF_TEST (Config, ReadErrors)
{
  g_autoptr (GError) error = NULL;
  SF_CHECK (sf_config_read ("/nonexistent.cfg", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND,
                  "/nonexistent.cfg: cannot open: No such file or directory");
  SF_CHECK (sf_config_read ("/", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "/: found a folder, wanted a regular file");
}

SF_TEST (Config, EveryTruncationReturns)
{
  const char *text
      = "a = \"x\\n\"; /* c */ b = { c = [ 1, 0x2, 3L ]; d = ( 1.5e3, true ); }; // end\n";
  for (size_t n = 0; n <= strlen (text); n++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *copy = g_memdup2 (text, n);
      g_autoptr (SfConfig) config = sf_config_parse (copy != NULL ? copy : "", n, "m.cfg", &error);
      SF_CHECK ((config != NULL) != (error != NULL));
    }
}

typedef struct
{
  const char *text;
  uint64_t value; /* UINT64_MAX: refused */
} UnitCase;

static const UnitCase byte_cases[] = {
  { "100", 100 },
  { "64K", 65536 },
  { "512M", 536870912 },
  { "2G", 2147483648 },
  { "1T", 1099511627776 },
  { "", UINT64_MAX },
  { "G", UINT64_MAX },
  { "2g", UINT64_MAX },
  { "2GB", UINT64_MAX },
  { "-1", UINT64_MAX },
  { "1.5G", UINT64_MAX },
  { "18446744073709551616", UINT64_MAX },
  { "16777216T", UINT64_MAX },
};

SF_TEST_CASES (Units, Bytes, byte_cases, G_N_ELEMENTS (byte_cases), sf_test_row_name)
{
  const UnitCase *c = data;
  g_autoptr (GError) error = NULL;
  uint64_t value = 0;
  bool good = sf_parse_bytes (c->text, &value, &error);
  SF_CHECK_INT (good, c->value != UINT64_MAX);
  if (good)
    SF_CHECK_INT (value, c->value);
  else
    {
      g_autofree char *message = g_strdup_printf (
          "\"%s\": wanted a size such as 100, 64K, 512M, 2G or 1T", c->text);
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, message);
    }
}

static const UnitCase second_cases[] = {
  { "90", 90 },
  { "45s", 45 },
  { "10m", 600 },
  { "1h30m", 5400 },
  { "1d2h3m4s", 93784 },
  { "0", 0 },
  { "", UINT64_MAX },
  { "m", UINT64_MAX },
  { "1m1h", UINT64_MAX },
  { "1h30", UINT64_MAX },
  { "1h1h", UINT64_MAX },
  { "-5s", UINT64_MAX },
  { "99999999999999999999s", UINT64_MAX },
  { "9999999999999999999d", UINT64_MAX },
};

SF_TEST_CASES (Units, Seconds, second_cases, G_N_ELEMENTS (second_cases), sf_test_row_name)
{
  const UnitCase *c = data;
  g_autoptr (GError) error = NULL;
  uint64_t value = 0;
  bool good = sf_parse_seconds (c->text, &value, &error);
  SF_CHECK_INT (good, c->value != UINT64_MAX);
  if (good)
    SF_CHECK_INT (value, c->value);
  else
    {
      g_autofree char *message = g_strdup_printf (
          "\"%s\": wanted a time such as 90, 45s, 10m or 1h30m", c->text);
      SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, message);
    }
}

SF_TEST (Config, FloatText)
{
  static const struct
  {
    double value;
    const char *text;
  } rows[] = { { 0.1, "0.1" },    { 0.005, "0.005" },
               { 1e-8, "1e-08" }, { 1.0 / 3, "0.3333333333333333" },
               { -2.5, "-2.5" },  { 1e300, "1e+300" },
               { 0, "0" },        { 0.1 + 0.2, "0.30000000000000004" } };
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *text = sf_float_text (rows[i].value);
      SF_CHECK_STR (text, rows[i].text);
    }
}

static const SfConfigBinding bindings[] = { { "batch", SF_CONFIG_INT, "32" },
                                            { "lr", SF_CONFIG_FLOAT, "0.5" },
                                            { "fast", SF_CONFIG_BOOL, "true" },
                                            { "level", SF_CONFIG_STRING, "o3" } };

SF_TEST (Config, Bind)
{
  g_autoptr (GError) error = NULL;
  const char text[]
      = "a = \"${batch}\"; b = \"b${batch}-${level}${level}\"; c = \"${lr}\"; d = \"${fast}\";\n"
        "e = \"$${batch} $${${level}} ${} ${1} ${b a} $level ${level\"; f = \"${level}\"; g = 7;";
  g_autoptr (SfConfig) config = sf_config_parse (text, strlen (text), "x.cfg", &error);
  SF_REQUIRE_NO_ERROR (error);
  SfConfigNode *root = sf_config_root (config);
  SF_CHECK (sf_config_node_bind (root, bindings, G_N_ELEMENTS (bindings), false, &error));
  SF_REQUIRE_NO_ERROR (error);
  int64_t integer = 0;
  double number = 0;
  bool flag = false;
  const char *string = NULL;
  SF_CHECK (sf_config_get_int (root, "a", true, &integer, &error));
  SF_CHECK_INT (integer, 32);
  SF_CHECK (sf_config_get_float (root, "a", true, &number, &error));
  SF_CHECK_NEAR (number, 32, 0);
  SF_CHECK (sf_config_get_string (root, "a", true, &string, &error));
  SF_CHECK_STR (string, "32");
  SF_CHECK (sf_config_get_string (root, "b", true, &string, &error));
  SF_CHECK_STR (string, "b32-o3o3");
  SF_CHECK (sf_config_get_float (root, "c", true, &number, &error));
  SF_CHECK_NEAR (number, 0.5, 0);
  SF_CHECK (!sf_config_get_int (root, "c", true, &integer, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "x.cfg:1: c: found a float, wanted an integer");
  SF_CHECK (sf_config_get_bool (root, "d", true, &flag, &error) && flag);
  SF_CHECK (sf_config_get_string (root, "e", true, &string, &error));
  SF_CHECK_STR (string, "${batch} $${o3} ${} ${1} ${b a} $level ${level");
  SF_CHECK_INT (sf_config_node_value_type (sf_config_node_member (root, "f")), SF_CONFIG_STRING);
  SF_CHECK (sf_config_get_int (root, "g", true, &integer, &error));
  SF_CHECK_INT (integer, 7);
  SF_CHECK_NO_ERROR (error);
}

SF_TEST (Config, BindUnknown)
{
  g_autoptr (GError) error = NULL;
  const char text[] = "a = 1;\nb = ( { c = \"${HOME}\"; } ); d = \"${bacth}\";";
  g_autoptr (SfConfig) config = sf_config_parse (text, strlen (text), "x.cfg", &error);
  SF_REQUIRE_NO_ERROR (error);
  SfConfigNode *b = sf_config_node_member (sf_config_root (config), "b");
  SfConfigNode *d = sf_config_node_member (sf_config_root (config), "d");
  SF_CHECK (sf_config_node_bind (b, bindings, G_N_ELEMENTS (bindings), true, &error));
  SF_CHECK (!sf_config_node_bind (b, bindings, G_N_ELEMENTS (bindings), false, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "x.cfg:2: ${HOME}: unknown name, wanted one of: batch, lr, fast, level; $${HOME} "
                  "leaves it as it is");
  SF_CHECK (!sf_config_node_bind (d, bindings, G_N_ELEMENTS (bindings), true, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "x.cfg:2: ${bacth}: unknown name; did you mean ${batch}?");
}
