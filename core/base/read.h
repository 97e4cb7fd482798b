/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a regular file whole, within a bound. */
#ifndef SF_CORE_BASE_READ_H
#define SF_CORE_BASE_READ_H

#include <sf/error.h>

/* Content of the regular file `path`, followed by a NUL that `n_bytes` does not count; more than
 * `max_bytes` is refused. Owned: g_free. */
char *sf_file_read_all (const char *path, size_t max_bytes, size_t *n_bytes, GError **error);

#endif
