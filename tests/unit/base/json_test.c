/* SPDX-License-Identifier: Apache-2.0 */
/* JSON with an error that names file, line and column. */
#include <sf/json.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/sftest.h"

SF_TEST (Json, TextIsSortedAndCompact)
{
  g_autoptr (GError) error = NULL;
  const char *text = " { \"b\" : [1, 2.5], \"a\": \"x\" } ";
  g_autoptr (json_t) value = sf_json_parse (text, strlen (text), "x.json", &error);
  SF_REQUIRE_NO_ERROR (error);
  char *again = sf_json_text (value);
  SF_CHECK_STR (again, "{\"a\":\"x\",\"b\":[1,2.5]}");
  free (again);
}

typedef struct
{
  const char *name, *text, *message;
} Case;

static const Case refused[] = {
  { "duplicate", "{\"a\":1,\n\"a\":2}",
    "x.json:2:3: duplicate object key near '\"a\"', wanted JSON" },
  { "truncated", "{\"a\":", "x.json:1:5: unexpected token near end of file, wanted JSON" },
  { "empty", "", "x.json:1:0: '[' or '{' expected near end of file, wanted JSON" },
  { "trailing", "{} x", "x.json:1:4: end of file expected near 'x', wanted JSON" },
};

SF_TEST_CASES (Json, Refuses, refused, G_N_ELEMENTS (refused), sf_test_row_name)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  SF_CHECK (sf_json_parse (c->text, strlen (c->text), "x.json", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, c->message);
}

SF_TEST (Json, DeepNestingIsRefused)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *deep = g_strnfill (1000000, '[');
  SF_CHECK (sf_json_parse (deep, 1000000, "x.json", &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "maximum parsing depth reached");
}

SF_TEST (Json, Getters)
{
  g_autoptr (GError) error = NULL;
  const char *text = "{\"i\":7,\"s\":\"x\",\"t\":true}";
  g_autoptr (json_t) value = sf_json_parse (text, strlen (text), "x.json", &error);
  SF_REQUIRE_NO_ERROR (error);
  int64_t i = 0;
  const char *s = NULL;
  SF_CHECK (sf_json_get_int (value, "i", &i, "x.json", &error) && i == 7);
  SF_CHECK (sf_json_get_string (value, "s", &s, "x.json", &error));
  SF_CHECK_STR (s, "x");
  SF_CHECK (!sf_json_get_int (value, "t", &i, "x.json", &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "x.json: key \"t\": found a boolean, wanted an integer");
  SF_CHECK (!sf_json_get_string (value, "none", &s, "x.json", &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "x.json: key \"none\": found nothing, wanted a string");
}
