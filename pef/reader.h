/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the container and its tables, trusting nothing: every index is checked before it is
 * followed. */
#ifndef SF_PEF_READER_H
#define SF_PEF_READER_H

#include <inttypes.h>

#include "pef/layout.h"

/* The tables of a file whose container has been checked. Absent sections are empty. */
typedef struct
{
  GBytes *bytes;    /* borrowed; 64-byte aligned */
  const char *name; /* of the file, for messages; borrowed */
  struct
  {
    const uint8_t *data;
    uint64_t n;    /* records */
    uint64_t used; /* handed out so far: no record twice, so that a small file cannot ask for much
                      memory */
  } table[PEF_N_SECTIONS];
} PefReader;

/* Header, digest (unless `trusted`: of a fuzzer), section table, padding. */
bool pef_reader_init (PefReader *reader, GBytes *bytes, const char *name, bool trusted,
                      GError **error);

/* Sets INVALID_DATA "NAME: <message>; the file is damaged or was not written by the compiler:
 * compile it again". Returns false. */
bool pef_refuse (PefReader *reader, GError **error, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* The records of a range, each handed out once; NULL with *error when it leaves its table. n = 0
 * gives a valid pointer. */
const void *pef_range (PefReader *reader, PefSectionId section, PefRange range, GError **error);
/* A string; *out NULL when `text` is SF_NONE. */
bool pef_text (PefReader *reader, uint32_t text, const char **out, GError **error);
bool pef_dtype (PefReader *reader, uint32_t text, SfDtype *out, GError **error);
bool pef_shape (PefReader *reader, PefRange dims, SfShape *out, GError **error);
/* `n_bytes` of "data" at `at`; *out NULL for PEF_NO_DATA. */
bool pef_data (PefReader *reader, uint64_t at, uint64_t n_bytes, const void **out, GError **error);

SfProgram *pef_decode_program (PefReader *reader, GError **error);
/* Host graphs into the program, source graphs into *source (NULL when there are none). */
bool pef_decode_graphs (PefReader *reader, const char *module_name, SfProgram *program,
                        SfModule **source, GError **error);

#endif
