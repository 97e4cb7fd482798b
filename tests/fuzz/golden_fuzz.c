/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the reader of golden values; what it took has rows that can be asked for and set. */
#include "queue/golden.h"

#include <math.h>
#include <stdlib.h>

#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  const char *text = data != NULL ? (const char *) data : "";
  g_autoptr (SfGolden) golden = sf_golden_parse (text, n_bytes, "fuzz.json", &error);
  if ((golden != NULL) != (error == NULL))
    abort ();
  if (golden == NULL)
    return 0;
  sf_golden_set (golden, "digits level=o0", "sections", 12);
  if (sf_golden_value (golden, "digits level=o0", "sections") != 12)
    abort ();
  sf_golden_remove (golden, "digits level=o0");
  if (sf_golden_has (golden, "digits level=o0")
      || !isnan (sf_golden_value (golden, "digits level=o0", "sections")))
    abort ();
  return 0;
}
