/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding, half formats and conversion, against values worked out by hand from the formats'
 * definitions. */
#include <sf/dtype.h>

#include <math.h>

#include "tests/support/sftest.h"

SF_TEST (Dtype, NamesParseBack)
{
  g_autoptr (GError) error = NULL;
  for (int i = 0; i < SF_N_DTYPES; i++)
    {
      SfDtype back = SF_N_DTYPES;
      SF_CHECK (sf_dtype_parse (sf_dtype_name ((SfDtype) i), &back, &error));
      SF_CHECK_INT (back, i);
      SF_CHECK (sf_dtype_bytes ((SfDtype) i) >= 1);
    }
  SfDtype unused;
  SF_CHECK (!sf_dtype_parse ("float", &unused, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "dtype 'float': not known, wanted one of f32 ");
}

SF_TEST (Dtype, Classes)
{
  SF_CHECK (sf_dtype_is_float (SF_BF16) && !sf_dtype_is_int (SF_BF16));
  SF_CHECK (sf_dtype_is_int (SF_U8) && !sf_dtype_is_signed (SF_U8));
  SF_CHECK (sf_dtype_is_signed (SF_I64));
  SF_CHECK (!sf_dtype_is_int (SF_BOOL) && !sf_dtype_is_float (SF_BOOL));
  SF_CHECK_INT (sf_dtype_bytes (SF_BOOL), 1);
  SF_CHECK_INT (sf_dtype_bytes (SF_F64), 8);
}

typedef struct
{
  const char *name;
  SfDtype dtype;
  double x, wanted;
} RoundCase;

static const RoundCase round_cases[] = {
  { "bf16_exact", SF_BF16, 1.5, 1.5 },
  { "bf16_tie_to_even_down", SF_BF16, 1 + 0x1p-8, 1 },
  { "bf16_tie_to_even_up", SF_BF16, 1 + 0x1.8p-7, 1 + 0x1p-6 },
  { "bf16_above_tie", SF_BF16, 1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-7 },
  { "bf16_overflow", SF_BF16, 0x1.ffp127, INFINITY },
  { "bf16_largest", SF_BF16, 0x1.fep127, 0x1.fep127 },
  { "bf16_smallest_subnormal", SF_BF16, 0x1p-133, 0x1p-133 },
  { "bf16_half_of_it_is_zero", SF_BF16, 0x1p-134, 0 },
  { "f16_largest", SF_F16, 65504, 65504 },
  { "f16_overflow", SF_F16, 65520, INFINITY },
  { "f16_below_overflow", SF_F16, 65519.99, 65504 },
  { "f16_subnormal", SF_F16, 0x1.8p-24, 0x1p-23 },
  { "f16_negative", SF_F16, -1 - 0x1p-11, -1 },
  { "f32_double", SF_F32, 1 + 0x1p-24, 1 },
  { "f64_identity", SF_F64, 0.1, 0.1 },
};

SF_TEST_CASES (Dtype, Rounds, round_cases, G_N_ELEMENTS (round_cases), sf_test_row_name)
{
  const RoundCase *c = data;
  SF_CHECK (sf_dtype_round (c->dtype, c->x) == c->wanted);
}

/* Every one of the 65536 patterns survives the way to f32 and back, NaN as NaN. */
SF_TEST (Dtype, HalfPatternsRoundTrip)
{
  int bad = 0;
  for (uint32_t h = 0; h < 65536; h++)
    {
      float f = sf_f16_to_f32 ((uint16_t) h), b = sf_bf16_to_f32 ((uint16_t) h);
      bad += isnan (f) ? !isnan (sf_f16_to_f32 (sf_f16_from_f32 (f))) : sf_f16_from_f32 (f) != h;
      bad += isnan (b) ? !isnan (sf_bf16_to_f32 (sf_bf16_from_f32 (b))) : sf_bf16_from_f32 (b) != h;
    }
  SF_CHECK_INT (bad, 0);
  SF_CHECK (sf_f16_to_f32 (0x3c00) == 1.0f);
  SF_CHECK (sf_f16_to_f32 (0x0001) == 0x1p-24f);
  SF_CHECK (sf_f16_to_f32 (0xfc00) == -INFINITY);
  SF_CHECK (sf_bf16_to_f32 (0xc040) == -3.0f);
  SF_CHECK_INT (sf_f16_from_f32 (0x1.ff8p-15f), 0x3ff);
  SF_CHECK_INT (sf_f16_from_f32 (0x1.ffcp-15f), 0x400); /* a tie, rounded up into the normals */
}

SF_TEST (Dtype, FloatToIntTruncatesAndSaturates)
{
  const float in[] = { 2.9f, -2.9f, 300.0f, -300.0f, NAN, INFINITY };
  int8_t i8[6];
  uint8_t u8[6];
  uint8_t bools[6];
  sf_dtype_convert (SF_F32, in, SF_I8, i8, 6);
  sf_dtype_convert (SF_F32, in, SF_U8, u8, 6);
  sf_dtype_convert (SF_F32, in, SF_BOOL, bools, 6);
  const int8_t i8_wanted[] = { 2, -2, 127, -128, 0, 127 };
  const uint8_t u8_wanted[] = { 2, 0, 255, 0, 0, 255 };
  SF_CHECK (memcmp (i8, i8_wanted, 6) == 0);
  SF_CHECK (memcmp (u8, u8_wanted, 6) == 0);
  SF_CHECK (memcmp (bools, (uint8_t[]){ 1, 1, 1, 1, 1, 1 }, 6) == 0);
  int64_t i64[2];
  uint64_t u64[2];
  const double wide[] = { 1e19, -1e19 };
  sf_dtype_convert (SF_F64, wide, SF_I64, i64, 2);
  sf_dtype_convert (SF_F64, wide, SF_U64, u64, 2);
  SF_CHECK (i64[0] == INT64_MAX && i64[1] == INT64_MIN);
  SF_CHECK (u64[0] == UINT64_C (10000000000000000000) && u64[1] == 0);
}

SF_TEST (Dtype, IntToIntWraps)
{
  const int64_t in[] = { 256 + 5, -1, INT64_C (1) << 40 };
  uint8_t u8[3];
  int32_t i32[3];
  sf_dtype_convert (SF_I64, in, SF_U8, u8, 3);
  sf_dtype_convert (SF_I64, in, SF_I32, i32, 3);
  SF_CHECK (u8[0] == 5 && u8[1] == 255 && u8[2] == 0);
  SF_CHECK (i32[0] == 261 && i32[1] == -1 && i32[2] == 0);
}

SF_TEST (Dtype, WideIntToFloatRoundsOnce)
{
  /* One above a tie of f32: rounding to f64 first would lose the one and go to even. */
  const int64_t in[] = { (INT64_C (1) << 62) + (INT64_C (1) << 38) + 1, -7 };
  float f32[2];
  sf_dtype_convert (SF_I64, in, SF_F32, f32, 2);
  SF_CHECK (f32[0] == 0x1.000002p62f);
  SF_CHECK (f32[1] == -7.0f);
}

SF_TEST (Dtype, F64ToBf16RoundsOnce)
{
  const double in = 1 + 0x1p-8 + 0x1p-40;
  uint16_t out;
  sf_dtype_convert (SF_F64, &in, SF_BF16, &out, 1);
  SF_CHECK_INT (out, 0x3f81);
}
