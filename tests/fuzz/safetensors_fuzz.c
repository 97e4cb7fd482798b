/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the safetensors reader. What it takes, it can find and free. */
#include "core/run/safetensors.h"

#include <stdlib.h>

#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfTensorFile) file = sf_tensor_file_parse (data, n_bytes, "fuzz", &error);
  if ((file != NULL) != (error == NULL))
    abort ();
  if (file == NULL)
    return 0;
  const SfTensor *tensor = sf_tensor_file_find (file, "a");
  const volatile uint8_t *bytes = tensor == NULL ? NULL : tensor->data;
  for (size_t i = 0; bytes != NULL && i < sf_tensor_n_bytes (tensor); i++)
    (void) bytes[i];
  return 0;
}
