/* SPDX-License-Identifier: Apache-2.0 */
/* The safetensors format: named tensors and string metadata, with a digest of the whole file in the
 * metadata. */
#ifndef SF_CORE_RUN_SAFETENSORS_H
#define SF_CORE_RUN_SAFETENSORS_H

#include <sf/tensor.h>

typedef struct SfTensorFile SfTensorFile;

SfTensorFile *sf_tensor_file_new (void); /* owned */
void sf_tensor_file_free (SfTensorFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfTensorFile, sf_tensor_file_free)

void sf_tensor_file_set (SfTensorFile *file, const char *key, const char *value);
const char *sf_tensor_file_get (const SfTensorFile *file, const char *key); /* NULL */
/* Adds a dense tensor and owns it; *tensor is zeroed. Replaces one of the same name. */
void sf_tensor_file_take (SfTensorFile *file, const char *name, SfTensor *tensor);
const SfTensor *sf_tensor_file_find (const SfTensorFile *file, const char *name); /* NULL */

/* Atomic. */
bool sf_tensor_file_save (SfTensorFile *file, const char *path, GError **error);
/* Header, bounds, overlap and - where the metadata has one - the digest are checked; a file without
 * (of another writer) is taken by its structure alone. */
SfTensorFile *sf_tensor_file_open (const char *path, GError **error);
/* The same on bytes; for tests and fuzzing. */
SfTensorFile *sf_tensor_file_parse (const uint8_t *data, size_t n_bytes, const char *name,
                                    GError **error);
/* Its metadata alone: neither tensors nor the digest are looked at. */
SfTensorFile *sf_tensor_file_peek (const char *path, GError **error);

#endif
