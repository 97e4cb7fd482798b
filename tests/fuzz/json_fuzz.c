/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the JSON reader; what it took is written and read again. */
#include <sf/json.h>

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (json_t) value = sf_json_parse ((const char *) data, n_bytes, "fuzz.json", &error);
  if ((value != NULL) != (error == NULL))
    abort ();
  if (value == NULL)
    return 0;
  char *text = sf_json_text (value);
  g_autoptr (json_t) again = sf_json_parse (text, strlen (text), "again.json", NULL);
  if (again == NULL || !json_equal (value, again))
    abort ();
  free (text);
  return 0;
}
