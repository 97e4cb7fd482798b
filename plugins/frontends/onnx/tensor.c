/* SPDX-License-Identifier: Apache-2.0 */
/* TensorProto in all its encodings: raw bytes, a list per type, halves and bytes in a list of
 * int32, external files. */
#include <sf/checked.h>
#include <string.h>

#include "plugins/frontends/onnx/model.h"

enum
{
  /* Of later versions than the installed onnx.proto. */
  TYPE_UINT4 = 21,
  TYPE_INT4 = 22,
  /* A sparse tensor of a few bytes may name any shape. */
  MAX_SPARSE_ELEMS = 1 << 26,
};

typedef struct
{
  const char *name;
  SfDtype dtype; /* SF_N_DTYPES: none of ours */
} DataType;

static const DataType data_types[] = {
  [0] = { "UNDEFINED", SF_N_DTYPES },
  [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT] = { "FLOAT", SF_F32 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__UINT8] = { "UINT8", SF_U8 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__INT8] = { "INT8", SF_I8 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__UINT16] = { "UINT16", SF_U16 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__INT16] = { "INT16", SF_I16 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__INT32] = { "INT32", SF_I32 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__INT64] = { "INT64", SF_I64 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__STRING] = { "STRING", SF_N_DTYPES },
  [ONNX__TENSOR_PROTO__DATA_TYPE__BOOL] = { "BOOL", SF_BOOL },
  [ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16] = { "FLOAT16", SF_F16 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE] = { "DOUBLE", SF_F64 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__UINT32] = { "UINT32", SF_U32 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__UINT64] = { "UINT64", SF_U64 },
  [ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX64] = { "COMPLEX64", SF_N_DTYPES },
  [ONNX__TENSOR_PROTO__DATA_TYPE__COMPLEX128] = { "COMPLEX128", SF_N_DTYPES },
  [ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16] = { "BFLOAT16", SF_BF16 },
  [17] = { "FLOAT8E4M3FN", SF_N_DTYPES },
  [18] = { "FLOAT8E4M3FNUZ", SF_N_DTYPES },
  [19] = { "FLOAT8E5M2", SF_N_DTYPES },
  [20] = { "FLOAT8E5M2FNUZ", SF_N_DTYPES },
  [TYPE_UINT4] = { "UINT4", SF_N_DTYPES },
  [TYPE_INT4] = { "INT4", SF_N_DTYPES },
  [23] = { "FLOAT4E2M1", SF_N_DTYPES },
};

const char *
onnx_data_type_name (int64_t data_type)
{
  bool known = data_type >= 0 && data_type < (int64_t) G_N_ELEMENTS (data_types);
  return known ? data_types[data_type].name : "of a later version";
}

SfDtype
onnx_data_type (int64_t data_type, GError **error)
{
  bool known = data_type > 0 && data_type < (int64_t) G_N_ELEMENTS (data_types);
  SfDtype dtype = known ? data_types[data_type].dtype : SF_N_DTYPES;
  if (dtype == SF_N_DTYPES)
    sf_fail (error, SF_ERROR_UNSUPPORTED,
             "elements of type %s (%" G_GINT64_FORMAT
             "), wanted floats of 16 to 64 bits, integers of 8 to 64 bits or BOOL",
             onnx_data_type_name (data_type), data_type);
  return dtype;
}

/* ---- head ---- */

SfDtype
onnx_stored_data_type (int64_t data_type, bool *nibbles, GError **error)
{
  *nibbles = data_type == TYPE_UINT4 || data_type == TYPE_INT4;
  if (*nibbles)
    return data_type == TYPE_UINT4 ? SF_U8 : SF_I8;
  return onnx_data_type (data_type, error);
}

bool
onnx_tensor_head (const Onnx__TensorProto *proto, const char *what, SfDtype *dtype, SfShape *shape,
                  GError **error)
{
  bool nibbles;
  *dtype = onnx_stored_data_type (proto->data_type, &nibbles, error);
  if (*dtype == SF_N_DTYPES)
    {
      g_prefix_error (error, "%s: ", what);
      return false;
    }
  if (proto->n_dims > SF_MAX_RANK)
    return sf_fail (error, SF_ERROR_UNSUPPORTED, "%s: %zu dimensions, wanted at most %d", what,
                    proto->n_dims, SF_MAX_RANK);
  *shape = sf_shape ((int) proto->n_dims, proto->dims);
  return sf_shape_check (shape, what, error);
}

/* ---- encodings ---- */

static bool
wrong_count (const char *what, size_t found, size_t wanted, const char *unit, GError **error)
{
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: %zu %s, but its shape wants %zu; the file is damaged", what, found, unit,
                  wanted);
}

static void
unpack_nibbles (const uint8_t *in, bool is_signed, size_t n, uint8_t *out)
{
  for (size_t i = 0; i < n; i++)
    {
      uint8_t nibble = i % 2 == 0 ? in[i / 2] & 15 : in[i / 2] >> 4;
      out[i] = is_signed && nibble > 7 ? (uint8_t) (nibble | 0xf0) : nibble;
    }
}

/* Little-endian bytes as they lie in memory. */
static bool
from_bytes (const Onnx__TensorProto *proto, const uint8_t *bytes, size_t n, SfDtype dtype,
            SfShape shape, SfTensor *out, GError **error)
{
  bool nibbles = proto->data_type == TYPE_UINT4 || proto->data_type == TYPE_INT4;
  size_t width = sf_dtype_bytes (dtype);
  if (!nibbles && dtype != SF_BOOL && (uintptr_t) bytes % width == 0)
    {
      *out = sf_tensor (dtype, shape, (void *) bytes);
      return true;
    }
  if (!sf_tensor_alloc (dtype, &shape, out, error))
    return false;
  uint8_t *to = out->data;
  if (nibbles)
    unpack_nibbles (bytes, proto->data_type == TYPE_INT4, n, to);
  else if (dtype == SF_BOOL)
    for (size_t i = 0; i < n; i++)
      to[i] = bytes[i] != 0;
  else if (n > 0)
    memcpy (to, bytes, n * width);
  return true;
}

/* int32_data: the narrow types, and the bits of halves. */
static bool
from_int32s (const Onnx__TensorProto *proto, SfDtype dtype, const char *what, SfTensor *out,
             GError **error)
{
  size_t width = sf_dtype_bytes (dtype), n = proto->n_int32_data;
  bool is_signed = dtype == SF_I8 || dtype == SF_I16;
  int32_t low = is_signed ? -(1 << (8 * width - 1)) : 0;
  int32_t high = (int32_t) ((1u << (8 * width - (is_signed ? 1 : 0))) - 1);
  uint8_t *to = out->data;
  for (size_t i = 0; i < n; i++)
    {
      int32_t x = dtype == SF_BOOL ? proto->int32_data[i] != 0 : proto->int32_data[i];
      if (x < low || x > high)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: element %zu is %d, wanted a %s; the file is damaged", what, i, x,
                        sf_dtype_name (dtype));
      memcpy (to + i * width, &x, width);
    }
  return true;
}

/* Nibbles in int32_data: two in each entry's low byte. */
static bool
nibbles_from_int32s (const Onnx__TensorProto *proto, size_t n, SfTensor *out)
{
  g_autofree uint8_t *packed = g_try_malloc (proto->n_int32_data + 1);
  if (packed == NULL)
    return false;
  for (size_t i = 0; i < proto->n_int32_data; i++)
    packed[i] = (uint8_t) proto->int32_data[i];
  unpack_nibbles (packed, proto->data_type == TYPE_INT4, n, out->data);
  return true;
}

typedef struct
{
  const void *data;
  size_t n, n_wanted;
  SfDtype dtype; /* of the list's elements */
} List;

static List
list_of (const Onnx__TensorProto *proto, SfDtype dtype, size_t n)
{
  if (proto->data_type == TYPE_UINT4 || proto->data_type == TYPE_INT4)
    return (List){ proto->int32_data, proto->n_int32_data, (n + 1) / 2, SF_N_DTYPES };
  switch (dtype)
    {
    case SF_F32:
      return (List){ proto->float_data, proto->n_float_data, n, SF_F32 };
    case SF_F64:
      return (List){ proto->double_data, proto->n_double_data, n, SF_F64 };
    case SF_I64:
      return (List){ proto->int64_data, proto->n_int64_data, n, SF_I64 };
    case SF_U32:
    case SF_U64:
      return (List){ proto->uint64_data, proto->n_uint64_data, n, SF_U64 };
    case SF_I32:
      return (List){ proto->int32_data, proto->n_int32_data, n, SF_I32 };
    default:
      return (List){ proto->int32_data, proto->n_int32_data, n, SF_N_DTYPES };
    }
}

static bool
from_list (const Onnx__TensorProto *proto, SfDtype dtype, SfShape shape, const char *what,
           SfTensor *out, GError **error)
{
  size_t n = (size_t) sf_shape_n_elems (&shape);
  List list = list_of (proto, dtype, n);
  if (list.n != list.n_wanted)
    return wrong_count (what, list.n, list.n_wanted, "numbers", error);
  if (list.dtype == dtype && n > 0)
    {
      *out = sf_tensor (dtype, shape, (void *) list.data);
      return true;
    }
  if (!sf_tensor_alloc (dtype, &shape, out, error))
    return false;
  if (list.dtype != SF_N_DTYPES)
    {
      sf_dtype_convert (list.dtype, list.data, dtype, out->data, n);
      return true;
    }
  bool nibbles = proto->data_type == TYPE_UINT4 || proto->data_type == TYPE_INT4;
  bool ok = nibbles ? nibbles_from_int32s (proto, n, out)
                          || sf_fail (error, SF_ERROR_NO_RESOURCE, "%s: no memory", what)
                    : from_int32s (proto, dtype, what, out, error);
  if (!ok)
    sf_tensor_clear (out);
  return ok;
}

/* ---- external data ---- */

/* A count written in decimal, as external_data has them. */
static bool
parse_count (const char *text, const char *what, const char *key, uint64_t *out, GError **error)
{
  if (text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, out, NULL))
    return true;
  return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: external data: %s is \"%s\", wanted a number",
                  what, key, text != NULL ? text : "");
}

static bool
external_bytes (const Onnx__TensorProto *proto, OnnxFolder *folder, size_t n_bytes,
                const char *what, const uint8_t **bytes, GError **error)
{
  const char *location = NULL;
  uint64_t offset = 0, length = n_bytes;
  for (size_t i = 0; i < proto->n_external_data; i++)
    {
      const char *key = proto->external_data[i]->key, *value = proto->external_data[i]->value;
      if (g_strcmp0 (key, "location") == 0)
        location = value;
      if (g_strcmp0 (key, "offset") == 0 && !parse_count (value, what, key, &offset, error))
        return false;
      if (g_strcmp0 (key, "length") == 0 && !parse_count (value, what, key, &length, error))
        return false;
    }
  if (location == NULL)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: external data without a location, wanted the name of a file", what);
  if (length != n_bytes)
    return wrong_count (what, (size_t) length, n_bytes, "bytes of external data", error);
  *bytes = onnx_folder_bytes (folder, location, offset, n_bytes, error);
  if (*bytes == NULL)
    g_prefix_error (error, "%s: ", what);
  return *bytes != NULL;
}

/* ---- whole tensors ---- */

bool
onnx_tensor_read (const Onnx__TensorProto *proto, OnnxFolder *folder, const char *what,
                  SfTensor *out, GError **error)
{
  SfDtype dtype;
  SfShape shape;
  size_t n_bytes;
  if (!onnx_tensor_head (proto, what, &dtype, &shape, error))
    return false;
  size_t n = (size_t) sf_shape_n_elems (&shape);
  if (proto->segment != NULL)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: a segment of a tensor, wanted a whole one; merge the segments", what);
  if (!sf_mul_size (n, sf_dtype_bytes (dtype), &n_bytes))
    return sf_fail (error, SF_ERROR_NO_RESOURCE, "%s: too large for this machine", what);
  if (proto->data_type == TYPE_UINT4 || proto->data_type == TYPE_INT4)
    n_bytes = n / 2 + n % 2;
  if (proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
    {
      const uint8_t *bytes = NULL;
      return external_bytes (proto, folder, n_bytes, what, &bytes, error)
             && from_bytes (proto, bytes, n, dtype, shape, out, error);
    }
  const ProtobufCBinaryData *raw = onnx_folder_raw_data (folder, proto);
  if (raw == NULL)
    return from_list (proto, dtype, shape, what, out, error);
  if (raw->len != n_bytes)
    return wrong_count (what, raw->len, n_bytes, "bytes", error);
  static const uint64_t empty[1];
  const uint8_t *bytes = n_bytes == 0 ? (const uint8_t *) empty : raw->data;
  return from_bytes (proto, bytes, n, dtype, shape, out, error);
}

const void *
onnx_tensor_bytes (const Onnx__TensorProto *proto, OnnxFolder *folder)
{
  SfDtype dtype;
  SfShape shape;
  size_t n_bytes;
  const ProtobufCBinaryData *raw = onnx_folder_raw_data (folder, proto);
  bool plain = raw != NULL && raw->len > 0 && proto->segment == NULL
               && proto->data_location != ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL
               && proto->data_type != ONNX__TENSOR_PROTO__DATA_TYPE__BOOL
               && proto->data_type != TYPE_UINT4 && proto->data_type != TYPE_INT4
               && onnx_tensor_head (proto, "", &dtype, &shape, NULL)
               && sf_mul_size ((size_t) sf_shape_n_elems (&shape), sf_dtype_bytes (dtype),
                               &n_bytes);
  return plain && raw->len == n_bytes ? raw->data : NULL;
}

/* Where entry `i` of a sparse tensor goes; -1 outside the shape. */
static int64_t
sparse_position (const SfTensor *indices, const SfShape *shape, size_t i)
{
  const int64_t *at = indices->data;
  int64_t n = sf_shape_n_elems (shape), position = 0;
  if (indices->shape.rank == 1)
    return at[i] >= 0 && at[i] < n ? at[i] : -1;
  for (int d = 0; d < shape->rank; d++)
    {
      int64_t index = at[i * (size_t) shape->rank + (size_t) d];
      if (index < 0 || index >= shape->dim[d])
        return -1;
      position = position * shape->dim[d] + index;
    }
  return position;
}

static bool
scatter (const SfTensor *values, const SfTensor *indices, const char *what, SfTensor *out,
         GError **error)
{
  size_t nnz = (size_t) sf_shape_n_elems (&values->shape), width = sf_dtype_bytes (values->dtype);
  bool linear = indices->shape.rank == 1 && indices->shape.dim[0] == (int64_t) nnz;
  bool grid = indices->shape.rank == 2 && indices->shape.dim[0] == (int64_t) nnz
              && indices->shape.dim[1] == out->shape.rank;
  if (indices->dtype != SF_I64 || (!linear && !grid))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: indices of a sparse tensor, wanted INT64 [%zu] or [%zu,%d]", what, nnz,
                    nnz, out->shape.rank);
  for (size_t i = 0; i < nnz; i++)
    {
      int64_t position = sparse_position (indices, &out->shape, i);
      if (position < 0)
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: index %zu of a sparse tensor lies outside its shape", what, i);
      memcpy ((char *) out->data + (size_t) position * width,
              (const char *) values->data + i * width, width);
    }
  return true;
}

bool
onnx_sparse_read (const Onnx__SparseTensorProto *proto, OnnxFolder *folder, const char *what,
                  SfTensor *out, GError **error)
{
  SfTensor values = { 0 }, indices = { 0 };
  if (proto->values == NULL || proto->indices == NULL || proto->n_dims > SF_MAX_RANK)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: wanted a sparse tensor with values, indices and at most %d dimensions",
                    what, SF_MAX_RANK);
  SfShape shape = sf_shape ((int) proto->n_dims, proto->dims);
  if (!sf_shape_check (&shape, what, error))
    return false;
  if (sf_shape_n_elems (&shape) > MAX_SPARSE_ELEMS)
    return sf_fail (error, SF_ERROR_UNSUPPORTED,
                    "%s: a sparse tensor of %" G_GINT64_FORMAT
                    " elements, wanted at most %d, for it is made dense",
                    what, sf_shape_n_elems (&shape), MAX_SPARSE_ELEMS);
  bool ok = onnx_tensor_read (proto->values, folder, what, &values, error)
            && onnx_tensor_read (proto->indices, folder, what, &indices, error)
            && sf_tensor_alloc (values.dtype, &shape, out, error);
  if (ok && !scatter (&values, &indices, what, out, error))
    {
      sf_tensor_clear (out);
      ok = false;
    }
  sf_tensor_clear (&values);
  sf_tensor_clear (&indices);
  return ok;
}
