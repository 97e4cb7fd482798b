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
/* An AttributeProto in a field that the installed onnx.proto does not know. Owned. */
Onnx__AttributeProto *
onnx_wire_attribute (const char *path, const ProtobufCMessageUnknownField *field, GError **error);
/* Top level alone: fields of ModelProto, a graph among them. */
bool onnx_wire_looks_like_model (const SfSource *source);

/* ---- files beside the model ---- */

/* Files of external data: mapped once, never outside the folder of the model. */
typedef struct OnnxFolder OnnxFolder;

OnnxFolder *onnx_folder_new (const char *model_path);
void onnx_folder_free (OnnxFolder *folder);
/* `n_bytes` bytes at `offset` of file `location`; borrowed from the folder. */
const uint8_t *onnx_folder_bytes (OnnxFolder *folder, const char *location, uint64_t offset,
                                  size_t n_bytes, GError **error);

/* ---- tensors ---- */

/* Name of a TensorProto.DataType as ONNX writes it: "FLOAT16". */
const char *onnx_data_type_name (int64_t data_type);
/* Ours; SF_N_DTYPES and an error without an object for one that we lack. */
SfDtype onnx_data_type (int64_t data_type, GError **error);
/* Dtype and shape alone; `what` names the tensor in messages. */
bool onnx_tensor_head (const Onnx__TensorProto *proto, const char *what, SfDtype *dtype,
                       SfShape *shape, GError **error);
/* Content, dense: borrowed from `proto` or a mapped file where it lies there as it should, else
 * with memory of its own; sf_tensor_clear either. */
bool onnx_tensor_read (const Onnx__TensorProto *proto, OnnxFolder *folder, const char *what,
                       SfTensor *out, GError **error);
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
