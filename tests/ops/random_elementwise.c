/* SPDX-License-Identifier: Apache-2.0 */
/* Random cases of the elementwise ops, over ranges in which they have no kink. */
#include "tests/ops/random.h"

static const struct
{
  const char *op;
  CaseFill fill;
  double low, high;
} unary[] = {
  { "neg", FILL_UNIFORM, -2, 2 },       { "abs", FILL_SIGNED, 0.1, 2 },
  { "sign", FILL_SIGNED, 0.1, 2 },      { "exp", FILL_UNIFORM, -2, 2 },
  { "log", FILL_UNIFORM, 0.3, 3 },      { "sqrt", FILL_UNIFORM, 0.3, 3 },
  { "rsqrt", FILL_UNIFORM, 0.3, 3 },    { "reciprocal", FILL_SIGNED, 0.4, 2 },
  { "sin", FILL_UNIFORM, -4, 4 },       { "cos", FILL_UNIFORM, -4, 4 },
  { "tan", FILL_UNIFORM, -1.2, 1.2 },   { "asin", FILL_UNIFORM, -0.9, 0.9 },
  { "acos", FILL_UNIFORM, -0.9, 0.9 },  { "atan", FILL_UNIFORM, -3, 3 },
  { "sinh", FILL_UNIFORM, -2, 2 },      { "cosh", FILL_UNIFORM, -2, 2 },
  { "asinh", FILL_UNIFORM, -3, 3 },     { "acosh", FILL_UNIFORM, 1.2, 4 },
  { "atanh", FILL_UNIFORM, -0.8, 0.8 }, { "tanh", FILL_UNIFORM, -3, 3 },
  { "sigmoid", FILL_UNIFORM, -5, 5 },   { "erf", FILL_UNIFORM, -2, 2 },
  { "floor", FILL_UNIFORM, 0.1, 0.9 },  { "ceil", FILL_UNIFORM, -0.9, -0.1 },
  { "round", FILL_UNIFORM, -0.4, 0.4 }, { "relu", FILL_SIGNED, 0.1, 2 },
  { "gelu", FILL_UNIFORM, -3, 3 },
};

static const struct
{
  const char *op;
  CaseFill a_fill;
  double a_low, a_high;
  CaseFill b_fill;
  double b_low, b_high;
} binary[] = {
  { "add", FILL_UNIFORM, -2, 2, FILL_UNIFORM, -2, 2 },
  { "sub", FILL_UNIFORM, -2, 2, FILL_UNIFORM, -2, 2 },
  { "mul", FILL_UNIFORM, -2, 2, FILL_UNIFORM, -2, 2 },
  { "div", FILL_UNIFORM, -2, 2, FILL_SIGNED, 0.5, 2 },
  { "mod", FILL_SIGNED, 2.1, 2.3, FILL_SIGNED, 0.8, 1 },
  { "fmod", FILL_SIGNED, 2.1, 2.3, FILL_SIGNED, 0.8, 1 },
  { "pow", FILL_UNIFORM, 0.3, 2, FILL_UNIFORM, -2, 2 },
  { "max", FILL_DISTINCT, 0, 0, FILL_DISTINCT, 0.05, 0 },
  { "min", FILL_DISTINCT, 0, 0, FILL_DISTINCT, 0.05, 0 },
  { "eq", FILL_INTEGER, 0, 2, FILL_INTEGER, 0, 2 },
  { "ne", FILL_INTEGER, 0, 2, FILL_INTEGER, 0, 2 },
  { "lt", FILL_INTEGER, 0, 3, FILL_INTEGER, 0, 3 },
  { "le", FILL_INTEGER, 0, 3, FILL_INTEGER, 0, 3 },
  { "gt", FILL_INTEGER, 0, 3, FILL_INTEGER, 0, 3 },
  { "ge", FILL_INTEGER, 0, 3, FILL_INTEGER, 0, 3 },
};

static void
fill (CaseInput *in, CaseFill how, double low, double high)
{
  in->fill = how;
  in->low = low;
  in->high = high;
}

void
random_elementwise (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (unary); i++)
    for (int times = 0; times < 2; times++)
      {
        OpCase *c = random_case (unary[i].op);
        fill (random_input (c, CASE_T, random_shape (0, 4, 0)), unary[i].fill, unary[i].low,
              unary[i].high);
        if (g_str_equal (unary[i].op, "gelu") && times == 1)
          c->attrs[0] = SF_ATTR_S ("approximate", "tanh");
      }
  for (size_t i = 0; i < G_N_ELEMENTS (binary); i++)
    for (int times = 0; times < 4; times++)
      {
        OpCase *c = random_case (binary[i].op);
        SfShape shape = random_shape (0, 4, 0);
        SfShape a = random_bool () ? random_part (shape) : shape, b = random_part (shape);
        fill (random_input (c, CASE_T, a), binary[i].a_fill, binary[i].a_low, binary[i].a_high);
        fill (random_input (c, CASE_T, b), binary[i].b_fill, binary[i].b_low, binary[i].b_high);
      }
  for (int times = 0; times < 4; times++)
    {
      OpCase *c = random_case ("select");
      SfShape shape = random_shape (0, 4, 0);
      fill (random_input (c, CASE_BOOL, random_part (shape)), FILL_INTEGER, 0, 2);
      random_input (c, CASE_T, random_part (shape));
      random_input (c, CASE_T, random_part (shape));
    }
  OpCase *c = random_case ("cast");
  random_input (c, CASE_T, SF_SHAPE (3, 2));
  c->attrs[0] = SF_ATTR_D ("dtype", SF_F64);
}
