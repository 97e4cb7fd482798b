/* SPDX-License-Identifier: Apache-2.0 */
/* The one error domain of Spatialflow: codes, their exit codes, and how a failure is raised. */
#ifndef SF_ERROR_H
#define SF_ERROR_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include <sf/export.h>

SF_BEGIN_DECLS

/* Every fallible function returns false (or NULL) and sets a GError of this domain as its last parameter.
 * The message has the form "object: what was found, what was wanted; what to do". */
#define SF_ERROR (sf_error_quark ())

typedef enum
{
  SF_ERROR_INVALID_ARGUMENT, /* exit 2: an option, an attribute, a call */
  SF_ERROR_INVALID_DATA,     /* exit 3: the content of a file or a feed */
  SF_ERROR_NOT_FOUND,        /* exit 4 */
  SF_ERROR_EXISTS,           /* exit 4 */
  SF_ERROR_INCOMPATIBLE,     /* exit 5: another ABI, format version, ISA, graph digest */
  SF_ERROR_UNSUPPORTED,      /* exit 6: can never be done here */
  SF_ERROR_UNIMPLEMENTED,    /* exit 6: could be done, is not */
  SF_ERROR_NO_RESOURCE,      /* exit 7: memory, PCUs, PMUs, links, tiles */
  SF_ERROR_TIMEOUT,          /* exit 8 */
  SF_ERROR_CANCELLED,        /* exit 9: by signal or by request; what was saved is named */
  SF_ERROR_CHECK_FAILED,     /* exit 10: a comparison or a threshold */
  SF_ERROR_IO,               /* exit 11: the system refused: disk full, permission */
  SF_ERROR_INTERNAL,         /* exit 70: a defect of Spatialflow itself */
} SfErrorCode;

SF_API GQuark sf_error_quark (void);

/* Exit code of a tool that ends with `error`: the table above; errors of other domains (GLib's G_FILE_ERROR ...) count as io,
 * G_OPTION_ERROR as invalid argument. NULL gives 0. */
SF_API int sf_error_exit_code (const GError *error);

/* Name of a code in words, as in --json: "invalid-argument". Constant storage. */
SF_API const char *sf_error_code_name (SfErrorCode code);

/* Sets `*error` (if `error` is not NULL) and returns false, so that `return sf_fail (error, ...)` reads well. */
SF_API bool sf_fail (GError **error, SfErrorCode code, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* As sf_fail for a failed system call: adds strerror of `saved_errno`, code SF_ERROR_IO (ENOENT: NOT_FOUND, EEXIST: EXISTS,
 * ENOMEM: NO_RESOURCE). */
SF_API bool sf_fail_errno (GError **error, int saved_errno, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* Closest of `n` candidate words to `word` by edit distance, or NULL when none is near enough to be meant. Borrowed. */
SF_API const char *sf_nearest_word (const char *word, const char *const *candidates, size_t n);

SF_END_DECLS
#endif
