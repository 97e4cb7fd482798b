/* SPDX-License-Identifier: Apache-2.0 */
/* Collects tables, strings and data, and lays them out as a PEF. */
#ifndef SF_PEF_WRITER_H
#define SF_PEF_WRITER_H

#include "pef/layout.h"

typedef struct PefWriter PefWriter;

PefWriter *pef_writer_new (void);
void pef_writer_free (PefWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PefWriter, pef_writer_free)

/* Index of the next record of a table, and its appending. */
uint32_t pef_writer_count (const PefWriter *writer, PefSectionId section);
void pef_writer_add (PefWriter *writer, PefSectionId section, const void *records, size_t n);
uint32_t pef_writer_string (PefWriter *writer, const char *text);
PefRange pef_writer_words (PefWriter *writer, const uint32_t *words, size_t n);
PefRange pef_writer_shape (PefWriter *writer, const SfShape *shape);
/* Where equal bytes are in "data": stored once. PEF_NO_DATA for NULL. `data` must outlive the
 * writer. */
uint64_t pef_writer_data (PefWriter *writer, const void *data, size_t n_bytes);
/* The file; owner of its 64-byte aligned memory. */
GBytes *pef_writer_finish (PefWriter *writer, GError **error);

void pef_encode_program (PefWriter *writer, const SfProgram *program, bool debug);
void pef_encode_graph (PefWriter *writer, const SfGraph *graph, const char *entry);

/* The digest of a whole file, its own field taken as zero. */
void pef_digest (const uint8_t *file, size_t n_bytes, uint8_t digest[16]);

#endif
