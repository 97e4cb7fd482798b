/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that are no model, or that would become far more than they are. */
#include "tests/support/sftest.h"
#include "tests/unit/onnx/build.h"

enum
{
  MODEL_GRAPH = 7 << 3 | 2,
  GRAPH_NODE = 1 << 3 | 2,
  GRAPH_INITIALISER = 5 << 3 | 2,
  NODE_ATTRIBUTE = 5 << 3 | 2,
  ATTRIBUTE_GRAPH = 6 << 3 | 2,
  GRAPH_NAME = 2 << 3 | 2,
  GRAPH_NAME_AS_VARINT = 2 << 3,
};

static void
expect (const GByteArray *bytes, const char *message)
{
  GError *error = NULL;
  g_autoptr (SfGraph) graph = build_import_bytes (bytes->data, bytes->len, "/nonexistent/m.onnx",
                                                  NULL, &error);
  SF_CHECK (graph == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, message);
}

/* Puts a tag and the length so far in front of the bytes. */
static void
wrap (GByteArray *bytes, guint8 tag)
{
  guint8 head[8] = { tag };
  guint n = 1;
  for (guint length = bytes->len; n == 1 || length > 0; length >>= 7)
    head[n++] = (guint8) ((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
  g_byte_array_prepend (bytes, head, n);
}

SF_TEST (OnnxWire, RefusesWhatIsCutShort)
{
  g_autoptr (Build) build = build_new (13);
  build_input (build, "x", F32, "2,3");
  build_node (build, "Identity", "x", "y");
  build_output (build, "y");
  g_autoptr (GByteArray) bytes = build_bytes (build);
  guint whole = bytes->len;
  /* The graph ends before the two opsets, which take less than 20 bytes. */
  for (guint n = 1; n < whole - 20; n++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SfGraph) graph = build_import_bytes (bytes->data, n, "/nonexistent/m.onnx", NULL,
                                                      &error);
      SF_CHECK_MSG (graph == NULL && error != NULL, "cut to %u of %u bytes", n, whole);
    }
}

SF_TEST (OnnxWire, RefusesDeepNesting)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  for (int i = 0; i < 1000; i++)
    {
      wrap (bytes, ATTRIBUTE_GRAPH);
      wrap (bytes, NODE_ATTRIBUTE);
      wrap (bytes, GRAPH_NODE);
    }
  wrap (bytes, MODEL_GRAPH);
  expect (bytes, "messages within messages beyond 64 levels");
}

SF_TEST (OnnxWire, RefusesMemoryOutOfProportion)
{
  /* A tensor of two bytes each. */
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint8 empty[] = { GRAPH_INITIALISER, 0 };
  for (int i = 0; i < 1 << 19; i++)
    g_byte_array_append (bytes, empty, sizeof empty);
  wrap (bytes, MODEL_GRAPH);
  expect (bytes, "more content than its size warrants");
}

SF_TEST (OnnxWire, RefusesASecondValue)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint8 twice[] = { GRAPH_NAME, 1, 'a', GRAPH_NAME, 1, 'b' };
  g_byte_array_append (bytes, twice, sizeof twice);
  wrap (bytes, MODEL_GRAPH);
  expect (bytes, "in GraphProto: a second value of a field that holds one");
}

SF_TEST (OnnxWire, RefusesWrongTypesAndTexts)
{
  g_autoptr (GByteArray) number = g_byte_array_new ();
  const guint8 varint[] = { GRAPH_NAME_AS_VARINT, 5 };
  g_byte_array_append (number, varint, sizeof varint);
  wrap (number, MODEL_GRAPH);
  expect (number, "a field of the wrong wire type");
  g_autoptr (GByteArray) latin = g_byte_array_new ();
  const guint8 text[] = { GRAPH_NAME, 1, 0xe9 };
  g_byte_array_append (latin, text, sizeof text);
  wrap (latin, MODEL_GRAPH);
  expect (latin, "byte 4, in GraphProto: a text that is not UTF-8");
}

SF_TEST (OnnxWire, RefusesReservedFields)
{
  /* Number 19000 as a varint, value 0. */
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint8 field[] = { 0xc0, 0xa3, 0x09, 0 };
  g_byte_array_append (bytes, field, sizeof field);
  wrap (bytes, MODEL_GRAPH);
  expect (bytes, "a field of a number that protobuf reserves");
}

SF_TEST (OnnxWire, RefusesNothingAtAll)
{
  GError *error = NULL;
  SF_CHECK (build_import_bytes (NULL, 0, "/nonexistent/m.onnx", NULL, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA, "/nonexistent/m.onnx: holds no graph");
}
