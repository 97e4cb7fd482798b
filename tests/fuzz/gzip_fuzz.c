/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: reading a file that may be gzip, within a bound. */
#include <sf/file.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/target.h"

enum
{
  MAX_BYTES = 1 << 20
};

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t n_bytes)
{
  g_autoptr (GError) error = NULL;
  int fd = memfd_create ("fuzz", MFD_CLOEXEC);
  if (fd < 0)
    return 0;
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  size_t n_read = 0;
  if (n_bytes == 0 || write (fd, data, n_bytes) == (ssize_t) n_bytes)
    {
      g_autofree uint8_t *out = sf_file_read_maybe_gzip (path, MAX_BYTES, &n_read, &error);
      if ((out != NULL) != (error == NULL) || n_read > MAX_BYTES)
        abort ();
    }
  close (fd);
  return 0;
}
