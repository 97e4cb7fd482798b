/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs of unusual shape through every level, run on the device against the reference. */
#include "tests/passes/both.h"

static void
output (SfGraph *g, const char *name, SfValue v)
{
  SF_CHECK (sf_graph_output (g, name, SF_OUTPUT_OTHER, v, NULL));
}

static SfValue
input (SfGraph *g, const char *name, SfDtype dtype, SfShape shape)
{
  return sf_graph_input (g, name, dtype, shape, NULL);
}

static SfValue
op1 (SfGraph *g, const char *op, SfValue x)
{
  return sf_graph_op1 (g, op, x, NULL);
}

static SfValue
op2 (SfGraph *g, const char *op, SfValue a, SfValue b)
{
  return sf_graph_op2 (g, op, a, b, NULL);
}

SF_TEST (Whole, Scalars)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_F32, sf_shape_scalar ()),
          y = input (g, "y", SF_F32, sf_shape_scalar ());
  SfValue s = op2 (g, "add", op1 (g, "exp", x), y);
  output (g, "s", s);
  SfValue m = input (g, "m", SF_F32, SF_SHAPE (3, 4));
  output (g, "sum", op1 (g, "reduce_sum", op2 (g, "mul", m, s)));
  test_both_everywhere (g, 1e-5);
}

SF_TEST (Whole, RankEight)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_F32, SF_SHAPE (2, 1, 3, 2, 2, 1, 2, 3));
  static const int64_t perm[] = { 7, 6, 5, 4, 3, 2, 1, 0 }, axes[] = { 0, 2, 4, 6 };
  SfAttr attr = SF_ATTR_IS ("perm", perm, 8);
  SfValue t = sf_graph_op (g, "transpose", &x, 1, &attr, 1, NULL);
  output (g, "t", op1 (g, "tanh", t));
  attr = (SfAttr) SF_ATTR_IS ("axes", axes, 4);
  output (g, "sum", sf_graph_op (g, "reduce_sum", &t, 1, &attr, 1, NULL));
  output (g, "soft", op1 (g, "softmax", x));
  test_both_everywhere (g, 1e-5);
}

/* Dimension 0 is features in one operand and rows in the other. */
SF_TEST (Whole, DimensionZeroIsNoBatch)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue a = input (g, "a", SF_F32, SF_SHAPE (7, 5)), b = input (g, "b", SF_F32, SF_SHAPE (5, 7));
  SfValue c = input (g, "c", SF_F32, SF_SHAPE (7));
  static const int64_t perm[] = { 1, 0 }, axis = 0;
  SfAttr attr = SF_ATTR_IS ("perm", perm, 2);
  SfValue at = sf_graph_op (g, "transpose", &a, 1, &attr, 1, NULL);
  SfValue s = op2 (g, "add", op2 (g, "add", at, b), c);
  attr = (SfAttr) SF_ATTR_IS ("axes", &axis, 1);
  output (g, "s", s);
  output (g, "column", sf_graph_op (g, "reduce_max", &s, 1, &attr, 1, NULL));
  output (g, "product", op2 (g, "matmul", a, s));
  test_both_everywhere (g, 1e-5);
}

SF_TEST (Whole, NoInputs)
{
  SfGraph *g = sf_graph_new ("test");
  static const float numbers[6] = { 1, 2, 3, 4, 5, 6 };
  SfValue c = sf_graph_constant (g, SF_F32, SF_SHAPE (2, 3), numbers, NULL);
  output (g, "constant", c);
  output (g, "exp", op1 (g, "exp", c));
  static const int64_t shape[] = { 4, 3 };
  SfAttr attrs[] = { SF_ATTR_IS ("shape", shape, 2), SF_ATTR_I ("axis", 1),
                     SF_ATTR_D ("dtype", SF_I32) };
  output (g, "iota", sf_graph_op (g, "iota", NULL, 0, attrs, 3, NULL));
  test_both_everywhere (g, 1e-5);
}

SF_TEST (Whole, OutputsAreInputsAndOneAnother)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_F32, SF_SHAPE (3, 4));
  static const int64_t flat = 12;
  SfAttr attr = SF_ATTR_IS ("shape", &flat, 1);
  SfValue y = op1 (g, "neg", x);
  output (g, "x1", x);
  output (g, "x2", x);
  output (g, "flat_x", sf_graph_op (g, "reshape", &x, 1, &attr, 1, NULL));
  output (g, "y1", y);
  output (g, "y2", y);
  output (g, "flat_y", sf_graph_op (g, "reshape", &y, 1, &attr, 1, NULL));
  test_both_everywhere (g, 1e-5);
}

SF_TEST (Whole, NothingInIt)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_F32, SF_SHAPE (0, 4)), y = input (g, "y", SF_F32, SF_SHAPE (3, 4));
  static const int64_t low[] = { 0, 0 }, high[] = { 2, 1 }, axis = 0;
  SfAttr attrs[] = { SF_ATTR_IS ("low", low, 2), SF_ATTR_IS ("high", high, 2) };
  output (g, "x", x);
  output (g, "exp", op1 (g, "exp", x));
  output (g, "pad", sf_graph_op (g, "pad", &x, 1, attrs, 2, NULL));
  SfAttr attr = SF_ATTR_IS ("axes", &axis, 1);
  output (g, "sum", sf_graph_op (g, "reduce_sum", &x, 1, &attr, 1, NULL));
  SfValue both[] = { x, y };
  attr = (SfAttr) SF_ATTR_I ("axis", 0);
  output (g, "joined", sf_graph_op (g, "concat", both, 2, &attr, 1, NULL));
  test_both_everywhere (g, 1e-5);
}

/* Movements that leave what is empty empty. */
SF_TEST (Whole, NothingMoves)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_F32, SF_SHAPE (2, 0, 3));
  static const int64_t none[] = { 0, 0, 0 }, perm[] = { 2, 1, 0 }, flat[] = { 6, 0 };
  SfAttr pad[] = { SF_ATTR_IS ("low", none, 3), SF_ATTR_IS ("high", none, 3) };
  SfAttr turn = SF_ATTR_IS ("perm", perm, 3), shape = SF_ATTR_IS ("shape", flat, 2);
  output (g, "pad", sf_graph_op (g, "pad", &x, 1, pad, 2, NULL));
  output (g, "turn", sf_graph_op (g, "transpose", &x, 1, &turn, 1, NULL));
  SfValue r = sf_graph_op (g, "reshape", &x, 1, &shape, 1, NULL);
  output (g, "reshape", r);
  output (g, "exp", op1 (g, "exp", r));
  output (g, "sum", op1 (g, "reduce_sum", r));
  test_both_everywhere (g, 1e-5);
}

/* What is wide runs on the host, what is not before and after it on the device. */
SF_TEST (Whole, HostBetweenSections)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_I64, SF_SHAPE (4, 6)), f = input (g, "f", SF_F32, SF_SHAPE (4, 6));
  SfAttr wide = SF_ATTR_D ("dtype", SF_I64), narrow = SF_ATTR_D ("dtype", SF_F32);
  SfValue e = op1 (g, "exp", f);
  SfValue i = sf_graph_op (g, "cast", &e, 1, &wide, 1, NULL);
  SfValue s = op2 (g, "add", op2 (g, "mul", i, x), x);
  SfValue back = sf_graph_op (g, "cast", &s, 1, &narrow, 1, NULL);
  output (g, "wide", s);
  output (g, "narrow", op2 (g, "mul", back, e));
  test_both_everywhere (g, 1e-5);
}

SF_TEST (Whole, NarrowIntegersWrapInsideAStage)
{
  SfGraph *g = sf_graph_new ("test");
  static const SfDtype dtypes[] = { SF_U8, SF_I8, SF_U16, SF_I16 };
  for (size_t d = 0; d < G_N_ELEMENTS (dtypes); d++)
    {
      const char *name = sf_dtype_name (dtypes[d]);
      SfValue x = input (g, name, dtypes[d], SF_SHAPE (3, 5));
      SfAttr to = SF_ATTR_D ("dtype", SF_F32);
      SfValue v = op1 (g, "neg", x); /* of unsigned: near the top */
      for (int i = 0; i < 4; i++)
        v = op2 (g, "mul", op2 (g, "add", v, v), op2 (g, "sub", v, x));
      v = op2 (g, "max", v, op1 (g, "bit_not", x));
      output (g, name, sf_graph_op (g, "cast", &v, 1, &to, 1, NULL));
    }
  test_both_everywhere (g, 1e-5);
}

SF_TEST (Whole, LongChain)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_F32, SF_SHAPE (8, 16)), y = x;
  SfValue w = input (g, "w", SF_F32, SF_SHAPE (16, 16));
  for (int i = 0; i < 300; i++)
    y = i % 10 == 9 ? op1 (g, "softmax", op2 (g, "matmul", y, w))
                    : op1 (g, "tanh", op2 (g, "add", y, x));
  output (g, "y", y);
  test_both_everywhere (g, 1e-5);
}

SF_TEST (Whole, ManyParts)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_F32, SF_SHAPE (3, 80)), parts[80];
  static const int64_t ones[] = { 1, 1 };
  for (int64_t i = 0; i < 80; i++)
    {
      const int64_t starts[] = { 0, 79 - i }, ends[] = { 3, 80 - i };
      SfAttr attrs[] = { SF_ATTR_IS ("starts", starts, 2), SF_ATTR_IS ("ends", ends, 2),
                         SF_ATTR_IS ("steps", ones, 2) };
      parts[i] = sf_graph_op (g, "slice", &x, 1, attrs, 3, NULL);
    }
  SfAttr attr = SF_ATTR_I ("axis", 1);
  output (g, "y", sf_graph_op (g, "concat", parts, 80, &attr, 1, NULL));
  test_both_everywhere (g, 1e-5);
}

/* What is joined is read by the rest of the graph only once it is whole. */
SF_TEST (Whole, JoinedAndReadOn)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue a = input (g, "a", SF_F32, SF_SHAPE (3, 4)), b = input (g, "b", SF_F32, SF_SHAPE (3, 2));
  SfValue c = input (g, "c", SF_F32, SF_SHAPE (6)), both[] = { a, b };
  SfAttr attr = SF_ATTR_I ("axis", 1);
  SfValue j = sf_graph_op (g, "concat", both, 2, &attr, 1, NULL);
  output (g, "y", op1 (g, "tanh", op2 (g, "sub", j, c)));
  test_both_everywhere (g, 1e-5);
}

/* Rows of a table that does not fit, fetched and given back. */
SF_TEST (Whole, LargeTable)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue table = input (g, "table", SF_F32, SF_SHAPE (1 << 18, 16));
  SfValue i = input (g, "i", SF_I32, SF_SHAPE (3, 5)), wide;
  SfValue thousand = sf_graph_constant (g, SF_I32, sf_shape_scalar (), (int32_t[]){ 40000 }, NULL);
  wide = op2 (g, "mul", i, thousand);
  SfValue y = op2 (g, "gather", table, wide);
  output (g, "y", op1 (g, "tanh", y));
  SfAttr attrs[] = { SF_ATTR_I ("axis", 0), SF_ATTR_I ("size", 1 << 18) };
  SfValue both[] = { wide, y };
  output (g, "back", sf_graph_op (g, "scatter_add", both, 2, attrs, 2, NULL));
  g_autoptr (SfModule) module = test_module (g);
  test_both (module, "o1", "tiny", 1e-5);
}

/* Slices along dimension 0 of which one alone is larger than the PMUs of the small machine. */
SF_TEST (Whole, LargeSlices)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_F32, SF_SHAPE (1, 3, 512, 1024));
  SfValue c = input (g, "c", SF_F32, SF_SHAPE (3, 1, 1)),
          r = input (g, "r", SF_F32, SF_SHAPE (1024));
  SfValue y = op2 (g, "add", op1 (g, "tanh", x), r);
  output (g, "y", op1 (g, "softmax", y));
  output (g, "z", op1 (g, "reduce_max", op2 (g, "mul", y, c)));
  g_autoptr (SfModule) module = test_module (g);
  test_both (module, "o3", "tiny", 1e-5);
}

/* z is no part of the sum that is cut in blocks, but is made in its stage and needed elsewhere. */
SF_TEST (Whole, BesideALongSum)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_F32, SF_SHAPE (4, 5001)),
          w = input (g, "w", SF_F32, SF_SHAPE (5001, 8));
  SfValue z = op1 (g, "tanh", input (g, "c", SF_F32, SF_SHAPE (4, 8)));
  output (g, "y", op2 (g, "add", op2 (g, "matmul", x, w), z));
  output (g, "z", z);
  /* 5001 terms in f32; products are fused with sums in an optimised build alone. */
  test_both_everywhere (g, 1e-4);
}

/* Thirty tensors in one expression: more than the switches around one PCU have channels for. */
SF_TEST (Whole, ManyTermsOnFewChannels)
{
  SfGraph *g = sf_graph_new ("test");
  SfValue x = input (g, "x", SF_F32, SF_SHAPE (4, 30)), sum = SF_NONE;
  static const int64_t ones[] = { 1, 1 };
  for (int64_t i = 0; i < 30; i++)
    {
      const int64_t starts[] = { 0, i }, ends[] = { 4, i + 1 };
      SfAttr attrs[] = { SF_ATTR_IS ("starts", starts, 2), SF_ATTR_IS ("ends", ends, 2),
                         SF_ATTR_IS ("steps", ones, 2) };
      SfValue part = sf_graph_op (g, "slice", &x, 1, attrs, 3, NULL);
      sum = i == 0 ? part : op2 (g, "add", sum, part);
    }
  output (g, "sum", op1 (g, "tanh", sum));
  g_autoptr (SfModule) module = test_module (g);
  test_both (module, "o3", "plasticine", 1e-5);
  test_both (module, "o3", "tiny", 1e-5);
}
