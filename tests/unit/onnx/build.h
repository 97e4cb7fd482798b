/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX models made in a test: a graph of few words, packed by protobuf-c, read by the plugin. */
#ifndef SF_TESTS_UNIT_ONNX_BUILD_H
#define SF_TESTS_UNIT_ONNX_BUILD_H

#include <sf/graph.h>
#include <sf/import.h>

#include "plugins/frontends/onnx/onnx.pb-c.h"

enum
{
  F32 = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT,
  I64 = ONNX__TENSOR_PROTO__DATA_TYPE__INT64,
  BOOL = ONNX__TENSOR_PROTO__DATA_TYPE__BOOL,
};

/* Everything made through a Build belongs to it. */
typedef struct Build Build;

Build *build_new (int64_t opset);
void build_free (Build *build);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Build, build_free)

/* Later calls fill this graph: the model's own at first, then a body of a node. */
void build_begin_graph (Build *build);
Onnx__GraphProto *build_end_graph (Build *build);

/* `dims` as "batch,3,?": names, sizes, and dimensions without either; NULL: no rank. */
void build_input (Build *build, const char *name, int type, const char *dims);
void build_output (Build *build, const char *name);
Onnx__TensorProto *build_tensor (Build *build, const char *name, int type, size_t n_dims,
                                 const int64_t *dims);
/* Initialisers: floats as raw bytes, integers as a list. */
void build_floats (Build *build, const char *name, const char *dims, const float *values);
void build_ints (Build *build, const char *name, const char *dims, const int64_t *values);
void build_initialiser (Build *build, Onnx__TensorProto *tensor);
/* A sparse one: floats at places of `indices` [n] or [n,rank] of a tensor of `dims`. */
void build_sparse (Build *build, const char *name, const char *dims, size_t n, const float *values,
                   bool linear, const int64_t *indices);
/* Names of inputs and outputs separated by spaces, "_" for an absent one. */
Onnx__NodeProto *build_node (Build *build, const char *op, const char *inputs, const char *outputs);
Onnx__AttributeProto *build_attr (Build *build, Onnx__NodeProto *node, const char *name, int type);
void build_attr_int (Build *build, Onnx__NodeProto *node, const char *name, int64_t value);
void build_attr_graph (Build *build, Onnx__NodeProto *node, const char *name,
                       Onnx__GraphProto *graph);
/* A function of domain "my"; its body is what the current graph has. */
Onnx__FunctionProto *build_function (Build *build, const char *name, const char *inputs,
                                     const char *outputs, const char *attribute);
void *build_alloc (Build *build, size_t n_bytes);

/* The model's bytes; owned. */
GByteArray *build_bytes (Build *build);
/* What the plugin makes of it under the name m.onnx in `folder` (NULL: one that is not there). */
SfGraph *build_import (Build *build, const char *folder, const SfImportOptions *options,
                       GError **error);
SfGraph *build_import_bytes (const uint8_t *data, size_t n, const char *path,
                             const SfImportOptions *options, GError **error);
bool build_read_tensor (const Onnx__TensorProto *proto, const char *path, SfTensor *out,
                        GError **error);

/* Ops of a graph in order, "add relu". Owned. */
char *build_ops (const SfGraph *graph);
/* Output `index` as f64 after feeding the inputs, in their order, with `feeds`. */
bool build_run (const SfGraph *graph, size_t index, const double *const *feeds, double *out,
                size_t n_out);

#endif
