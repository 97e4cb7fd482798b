/* SPDX-License-Identifier: Apache-2.0 */
/* The wire format, checked against protobuf-c's descriptors before protobuf-c unpacks a byte, and
 * freed of what protobuf-c need not copy.
 *
 * protobuf-c bounds neither nesting nor memory, and a message of two bytes becomes a struct of
 * hundreds: this walk adds up what unpacking would take and refuses what is too deep or too large
 * for the size of the file. It also refuses a second value of a field that holds one, so that
 * unpacking never merges messages. */
#include "plugins/frontends/onnx/model.h"

#include <sf/checked.h>
#include <string.h>

enum
{
  MAX_DEPTH = 64,           /* an If in an If costs three */
  ENTRY_BYTES = 64,         /* heap overhead, list entry and scan record of one field */
  BYTES_PER_BYTE = 40,      /* an attribute of 13 bytes is a struct of 312 */
  FREE_BYTES = 64 << 20,    /* for any file */
  MAX_SLIM_BYTES = 1 << 30, /* well below what a GByteArray takes */
  SLIM_BYTES = 4096,        /* contents of tensors from here on stay where they are */
  FIELD_SPAN = 19000,       /* in their place; protobuf leaves this number to implementations */
};

typedef struct
{
  const char *path;
  const uint8_t *start;
  size_t memory, limit;
  GError **error;
} Walk;

/* A field as it stands in the bytes. */
typedef struct
{
  uint32_t id;
  int wire;
  const uint8_t *payload;
  size_t n_bytes; /* of the payload */
} Field;

static bool
refuse (Walk *walk, const uint8_t *at, const ProtobufCMessageDescriptor *message, const char *what)
{
  return sf_fail (walk->error, SF_ERROR_INVALID_DATA,
                  "%s: byte %zu, in %s: %s; the file is damaged or no ONNX file", walk->path,
                  (size_t) (at - walk->start), message->short_name, what);
}

/* A varint of at most 10 bytes; 0 when it does not end. */
static size_t
read_varint (const uint8_t *at, size_t n, uint64_t *out)
{
  uint64_t value = 0;
  for (size_t i = 0; i < MIN (n, 10); i++)
    {
      value |= (uint64_t) (at[i] & 0x7f) << (7 * i);
      if ((at[i] & 0x80) == 0)
        {
          *out = value;
          return i + 1;
        }
    }
  return 0;
}

/* Reads one field; its bytes, or 0 when it is cut short or of no known kind. */
static size_t
read_field (const uint8_t *at, size_t n, Field *field)
{
  uint64_t tag, length;
  size_t used = read_varint (at, n, &tag), more;
  if (used == 0 || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
    return 0;
  field->id = (uint32_t) (tag >> 3);
  field->wire = (int) (tag & 7);
  field->payload = at + used;
  switch (field->wire)
    {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
      field->n_bytes = read_varint (at + used, n - used, &length);
      return field->n_bytes == 0 ? 0 : used + field->n_bytes;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
    case PROTOBUF_C_WIRE_TYPE_32BIT:
      field->n_bytes = field->wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
      return n - used < field->n_bytes ? 0 : used + field->n_bytes;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
      more = read_varint (at + used, n - used, &length);
      if (more == 0 || length > n - used - more)
        return 0;
      field->payload += more;
      field->n_bytes = (size_t) length;
      return used + more + (size_t) length;
    default:
      return 0;
    }
}

static int
wire_of (ProtobufCType type)
{
  switch (type)
    {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
      return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
      return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
      return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    default:
      return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
}

static bool
spend (Walk *walk, size_t n_bytes)
{
  return sf_add_size (walk->memory, n_bytes, &walk->memory) && walk->memory <= walk->limit;
}

/* Numbers of a list in one field: whole ones, and what they take unpacked. */
static bool
check_packed (Walk *walk, const Field *field, int wire, const char **problem)
{
  size_t width = wire == PROTOBUF_C_WIRE_TYPE_32BIT   ? 4
                 : wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8
                                                      : 1;
  *problem = "a list of numbers that ends within one";
  if (field->n_bytes % width != 0
      || (width == 1 && field->n_bytes > 0 && (field->payload[field->n_bytes - 1] & 0x80) != 0))
    return false;
  *problem = "more content than its size warrants";
  return spend (walk, field->n_bytes / width * 8);
}

static bool walk_message (Walk *walk, const ProtobufCMessageDescriptor *message, const uint8_t *at,
                          size_t n, int depth);

static bool
check_field (Walk *walk, const ProtobufCMessageDescriptor *message,
             const ProtobufCFieldDescriptor *row, const Field *field, int depth)
{
  const char *problem = "more content than its size warrants";
  int wanted = wire_of (row->type);
  if (field->wire != wanted)
    {
      bool packed = field->wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED
                    && row->label == PROTOBUF_C_LABEL_REPEATED;
      if (!packed)
        return refuse (walk, field->payload, message, "a field of the wrong wire type");
      return check_packed (walk, field, wanted, &problem)
             || refuse (walk, field->payload, message, problem);
    }
  switch (row->type)
    {
    case PROTOBUF_C_TYPE_MESSAGE:
      return walk_message (walk, row->descriptor, field->payload, field->n_bytes, depth + 1);
    case PROTOBUF_C_TYPE_STRING:
      if (!g_utf8_validate_len ((const char *) field->payload, field->n_bytes, NULL))
        return refuse (walk, field->payload, message, "a text that is not UTF-8");
      return spend (walk, field->n_bytes) || refuse (walk, field->payload, message, problem);
    case PROTOBUF_C_TYPE_BYTES:
      return spend (walk, field->n_bytes) || refuse (walk, field->payload, message, problem);
    default:
      return true;
    }
}

/* Marks a field that holds one value; false when it has one already. Members of one union share
 * their mark. */
static bool
mark (const ProtobufCMessageDescriptor *message, const ProtobufCFieldDescriptor *row,
      uint64_t *seen)
{
  if (row->label == PROTOBUF_C_LABEL_REPEATED)
    return true;
  size_t index = (size_t) (row - message->fields);
  if ((row->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
    for (index = 0; message->fields[index].quantifier_offset != row->quantifier_offset;)
      index++;
  uint64_t bit = UINT64_C (1) << (index & 63);
  bool first = (*seen & bit) == 0;
  *seen |= bit;
  return first;
}

static bool
walk_message (Walk *walk, const ProtobufCMessageDescriptor *message, const uint8_t *at, size_t n,
              int depth)
{
  uint64_t seen = 0;
  if (depth > MAX_DEPTH)
    return refuse (walk, at, message, "messages within messages beyond 64 levels");
  if (!spend (walk, message->sizeof_message))
    return refuse (walk, at, message, "more content than its size warrants");
  while (n > 0)
    {
      Field field;
      size_t used = read_field (at, n, &field);
      if (used == 0)
        return refuse (walk, at, message, "a field that is cut short or of no known kind");
      const ProtobufCFieldDescriptor *row = protobuf_c_message_descriptor_get_field (message,
                                                                                     field.id);
      if (!spend (walk, ENTRY_BYTES) || (row == NULL && !spend (walk, field.n_bytes)))
        return refuse (walk, at, message, "more content than its size warrants");
      if (field.id == FIELD_SPAN)
        return refuse (walk, at, message, "a field of a number that protobuf reserves");
      if (row != NULL && !mark (message, row, &seen))
        return refuse (walk, at, message, "a second value of a field that holds one");
      if (row != NULL && !check_field (walk, message, row, &field, depth))
        return false;
      at += used;
      n -= used;
    }
  return true;
}

bool
onnx_wire_check (const ProtobufCMessageDescriptor *message, const SfSource *source, GError **error)
{
  size_t limit;
  if (!sf_mul_size (source->n_bytes, BYTES_PER_BYTE, &limit)
      || !sf_add_size (limit, FREE_BYTES, &limit))
    limit = SIZE_MAX;
  Walk walk = { .path = source->path, .start = source->data, .limit = limit, .error = error };
  return walk_message (&walk, message, source->data, source->n_bytes, 0);
}

/* ---- large tensors ---- */

static void
append_varint (GByteArray *out, uint64_t value)
{
  guint8 bytes[10];
  guint n = 0;
  for (; value > 0x7f; value >>= 7)
    bytes[n++] = (guint8) (value | 0x80);
  bytes[n++] = (guint8) value;
  g_byte_array_append (out, bytes, n);
}

bool
onnx_wire_slim (const ProtobufCMessageDescriptor *message, const uint8_t *at, size_t n,
                GByteArray *out, GArray *spans)
{
  Field field;
  for (size_t used; n > 0 && (used = read_field (at, n, &field)) > 0; at += used, n -= used)
    {
      const ProtobufCFieldDescriptor *row
          = field.wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && field.n_bytes >= SLIM_BYTES
                ? protobuf_c_message_descriptor_get_field (message, field.id)
                : NULL;
      if (row != NULL && row->type == PROTOBUF_C_TYPE_MESSAGE)
        {
          g_autoptr (GByteArray) inner = g_byte_array_new ();
          if (!onnx_wire_slim (row->descriptor, field.payload, field.n_bytes, inner, spans)
              || inner->len > MAX_SLIM_BYTES - out->len)
            return false;
          append_varint (out, (uint64_t) field.id << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
          append_varint (out, inner->len);
          g_byte_array_append (out, inner->data, inner->len);
        }
      else if (row != NULL && message == &onnx__tensor_proto__descriptor
               && strcmp (row->name, "raw_data") == 0)
        {
          const ProtobufCBinaryData span = { field.n_bytes, (uint8_t *) field.payload };
          append_varint (out, (uint64_t) FIELD_SPAN << 3 | PROTOBUF_C_WIRE_TYPE_VARINT);
          append_varint (out, spans->len);
          g_array_append_val (spans, span);
        }
      else if (used <= MAX_SLIM_BYTES - out->len)
        g_byte_array_append (out, at, (guint) used);
      else
        return false;
    }
  return true;
}

bool
onnx_wire_span (const ProtobufCMessage *message, size_t *index)
{
  uint64_t value;
  for (unsigned i = 0; i < message->n_unknown_fields; i++)
    {
      const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
      if (field->tag == FIELD_SPAN && read_varint (field->data, field->len, &value) > 0)
        {
          *index = (size_t) value;
          return true;
        }
    }
  return false;
}

/* ---- attributes of later versions ---- */

Onnx__AttributeProto *
onnx_wire_attribute (const char *path, const ProtobufCMessageUnknownField *field, GError **error)
{
  uint64_t length = 0;
  size_t used = field->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED
                    ? read_varint (field->data, field->len, &length)
                    : 0;
  if (used == 0 || length != field->len - used)
    {
      sf_fail (error, SF_ERROR_INVALID_DATA,
               "%s: a default of a function is no attribute; the file is damaged", path);
      return NULL;
    }
  const SfSource source
      = { .path = path, .data = field->data + used, .n_bytes = field->len - used };
  if (!onnx_wire_check (&onnx__attribute_proto__descriptor, &source, error))
    return NULL;
  Onnx__AttributeProto *attribute = onnx__attribute_proto__unpack (NULL, source.n_bytes,
                                                                   source.data);
  if (attribute == NULL)
    sf_fail (error, SF_ERROR_INVALID_DATA, "%s: a default of a function cannot be unpacked", path);
  return attribute;
}

bool
onnx_wire_looks_like_model (const SfSource *source)
{
  const ProtobufCMessageDescriptor *message = &onnx__model_proto__descriptor;
  const uint8_t *at = source->data;
  size_t n = source->n_bytes;
  bool has_graph = false;
  while (n > 0)
    {
      Field field;
      size_t used = read_field (at, n, &field);
      const ProtobufCFieldDescriptor *row
          = used == 0 ? NULL : protobuf_c_message_descriptor_get_field (message, field.id);
      /* Fields of later versions are none of the first 15. */
      if (used == 0 || (row == NULL ? field.id < 16 : field.wire != wire_of (row->type)))
        return false;
      has_graph = has_graph || (row != NULL && strcmp (row->name, "graph") == 0);
      at += used;
      n -= used;
    }
  return has_graph;
}
