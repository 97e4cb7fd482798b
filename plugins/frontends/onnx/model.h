/* SPDX-License-Identifier: Apache-2.0 */
/* A model file unpacked, and the content of its tensors. */
#ifndef SF_ONNX_MODEL_H
#define SF_ONNX_MODEL_H

#include <sf/file.h>
#include <sf/plugin/frontend.h>

#include "plugins/frontends/onnx/onnx.pb-c.h"

/* ---- the wire format ---- */

/* Whether `source` is a well-formed message of moderate depth and size. */
bool onnx_wire_check (const ProtobufCMessageDescriptor *message, const SfSource *source,
                      GError **error);
/* Appends a checked message to `out` without the raw_data of its large tensors: each of them
 * becomes one of `spans` (ProtobufCBinaryData, pointing into the message). False: it is large all
 * the same. */
bool onnx_wire_slim (const ProtobufCMessageDescriptor *message, const uint8_t *at, size_t n,
                     GByteArray *out, GArray *spans);
/* Which span a message unpacked from such bytes has; false: none. */
bool onnx_wire_span (const ProtobufCMessage *message, size_t *index);
/* An AttributeProto in a field that the installed onnx.proto does not know. Owned. */
Onnx__AttributeProto *
onnx_wire_attribute (const char *path, const ProtobufCMessageUnknownField *field, GError **error);
/* Top level alone: fields of ModelProto, a graph among them. */
bool onnx_wire_looks_like_model (const SfSource *source);

/* ---- contents outside the proto ---- */

/* Files of external data: mapped once, never outside the folder of the model; and spans of the
 * model's own file. */
typedef struct OnnxFolder OnnxFolder;

OnnxFolder *onnx_folder_new (const char *model_path);
void onnx_folder_free (OnnxFolder *folder);
/* Takes the list over; what it points to outlives the folder. */
void onnx_folder_set_spans (OnnxFolder *folder, GArray *spans);
/* raw_data of a tensor, wherever it is; NULL: it has none. */
const ProtobufCBinaryData *onnx_folder_raw_data (OnnxFolder *folder,
                                                 const Onnx__TensorProto *proto);
/* `n_bytes` bytes at `offset` of file `location`; borrowed from the folder. */
const uint8_t *onnx_folder_bytes (OnnxFolder *folder, const char *location, uint64_t offset,
                                  size_t n_bytes, GError **error);

/* ---- tensors ---- */

/* Name of a TensorProto.DataType as ONNX writes it: "FLOAT16". */
const char *onnx_data_type_name (int64_t data_type);
/* Ours; SF_N_DTYPES and an error without an object for one that we lack. */
SfDtype onnx_data_type (int64_t data_type, GError **error);
/* The same, but integers of 4 bits have the dtype of 8 that holds them, and `*nibbles` is set. */
SfDtype onnx_stored_data_type (int64_t data_type, bool *nibbles, GError **error);
/* Dtype and shape alone; `what` names the tensor in messages. */
bool onnx_tensor_head (const Onnx__TensorProto *proto, const char *what, SfDtype *dtype,
                       SfShape *shape, GError **error);
/* Content, dense: borrowed from `proto` or a mapped file where it lies there as it should, else
 * with memory of its own; sf_tensor_clear either. */
bool onnx_tensor_read (const Onnx__TensorProto *proto, OnnxFolder *folder, const char *what,
                       SfTensor *out, GError **error);
/* The same as bytes, borrowed, on any boundary; NULL where they do not lie so, or not soundly. */
const void *onnx_tensor_bytes (const Onnx__TensorProto *proto, OnnxFolder *folder);
/* A sparse tensor, made dense; memory of its own. */
bool onnx_sparse_read (const Onnx__SparseTensorProto *proto, OnnxFolder *folder, const char *what,
                       SfTensor *out, GError **error);

/* ---- the model ---- */

typedef struct
{
  const char *path; /* borrowed */
  Onnx__ModelProto *proto;
  OnnxFolder *folder;
  GHashTable *functions; /* "domain:name" -> Onnx__FunctionProto */
  GHashTable *defaults;  /* FunctionProto -> GPtrArray of AttributeProto; without defaults: none */
} OnnxModel;

OnnxModel *onnx_model_read (const SfSource *source, GError **error);
void onnx_model_free (OnnxModel *model);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (OnnxModel, onnx_model_free)

/* The texts "" and "ai.onnx" are one domain. */
const char *onnx_domain (const char *domain);
const Onnx__FunctionProto *onnx_model_function (const OnnxModel *model, const char *domain,
                                                const char *name);
/* What a call of the function has when it leaves the attribute out; NULL. */
const Onnx__AttributeProto *
onnx_model_default (const OnnxModel *model, const Onnx__FunctionProto *function, const char *name);

#endif
