/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the PEF reader behind size and digest, so that changed bytes reach the tables and the verifier. */
#include <stdlib.h>
#include <string.h>

#include <sf/checked.h>

#include "pef/layout.h"
#include "pef/pef.h"
#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  uint8_t *copy = sf_aligned_alloc (n_bytes, 1, "fuzz input", NULL);
  if (copy == NULL)
    return 0;
  if (n_bytes > 0)
    memcpy (copy, data, n_bytes);
  if (n_bytes >= sizeof (PefHeader))
    ((PefHeader *) (void *) copy)->file_bytes = n_bytes;
  g_autoptr (GBytes) bytes = g_bytes_new_with_free_func (copy, n_bytes, sf_aligned_free, copy);
  g_autoptr (GError) error = NULL;
  g_autoptr (SfPef) pef = pef_from_trusted_bytes (bytes, "fuzz.pef", &error);
  if ((pef != NULL) != (error == NULL))
    abort ();
  if (pef == NULL)
    return 0;
  g_autofree char *text = sf_program_text (sf_pef_program (pef));
  g_autoptr (SfPef) stripped = sf_pef_strip (pef, &error);
  if (stripped == NULL || text == NULL)
    abort ();
  return 0;
}
