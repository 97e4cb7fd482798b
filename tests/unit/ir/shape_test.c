/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes and views of memory. */
#include <sf/tensor.h>

#include "tests/support/sftest.h"

static char *
broadcast_text (SfShape a, SfShape b)
{
  SfShape out;
  return sf_shape_broadcast (&a, &b, &out) ? sf_shape_text (&out) : g_strdup ("no");
}

SF_TEST (Shape, Broadcasts)
{
  g_autofree char *plain = broadcast_text (SF_SHAPE (4, 1, 3), SF_SHAPE (5, 1));
  g_autofree char *scalar = broadcast_text (sf_shape_scalar (), SF_SHAPE (2));
  g_autofree char *empty = broadcast_text (SF_SHAPE (0, 3), SF_SHAPE (1, 3));
  g_autofree char *wrong = broadcast_text (SF_SHAPE (0, 3), SF_SHAPE (2, 3));
  SF_CHECK_STR (plain, "[4,5,3]");
  SF_CHECK_STR (scalar, "[2]");
  SF_CHECK_STR (empty, "[0,3]");
  SF_CHECK_STR (wrong, "no");
}

SF_TEST (Shape, CountsAndStrides)
{
  SfShape shape = SF_SHAPE (2, 3, 4), empty = SF_SHAPE (2, 0), scalar = sf_shape_scalar ();
  int64_t strides[SF_MAX_RANK];
  SF_CHECK_INT (sf_shape_n_elems (&shape), 24);
  SF_CHECK_INT (sf_shape_n_elems (&empty), 0);
  SF_CHECK_INT (sf_shape_n_elems (&scalar), 1);
  sf_shape_strides (&shape, strides);
  SF_CHECK (strides[0] == 12 && strides[1] == 4 && strides[2] == 1 && strides[3] == 0);
}

SF_TEST (Shape, RefusesWhatIsTooLarge)
{
  g_autoptr (GError) error = NULL;
  SfShape largest = SF_SHAPE ((int64_t) 1 << 40), large = SF_SHAPE ((int64_t) 1 << 40, 2);
  SfShape hidden = SF_SHAPE (0, INT64_MAX, INT64_MAX), negative = SF_SHAPE (2, -1);
  SfShape deep = { .rank = 9 };
  SF_CHECK (sf_shape_check (&largest, "x", &error));
  SF_CHECK (!sf_shape_check (&large, "x", &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "x: shape [1099511627776,2] has more than 2^40 elements");
  SF_CHECK (!sf_shape_check (&hidden, "x", &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "more than 2^40 elements");
  SF_CHECK (!sf_shape_check (&negative, "x", &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "x: dimension 1 is -1, wanted 0 or more");
  SF_CHECK (!sf_shape_check (&deep, "x", &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "x: rank 9, wanted 0 to 8");
}

SF_TEST (Tensor, CopiesThroughStridesAndDtypes)
{
  g_autoptr (GError) error = NULL;
  const float in[6] = { 0, 1, 2, 3, 4, 5 };
  double out[6];
  SfTensor turned = sf_tensor (SF_F32, SF_SHAPE (3, 2), (void *) in);
  turned.strides[0] = 1; /* the transpose of [2,3] */
  turned.strides[1] = 3;
  SfTensor dense = sf_tensor (SF_F64, SF_SHAPE (3, 2), out);
  SF_CHECK (!sf_tensor_is_dense (&turned));
  SF_CHECK (sf_tensor_copy (&turned, &dense, &error));
  const double wanted[6] = { 0, 3, 1, 4, 2, 5 };
  SF_CHECK (memcmp (out, wanted, sizeof out) == 0);
  SfTensor other = sf_tensor (SF_F64, SF_SHAPE (2, 3), out);
  SF_CHECK (!sf_tensor_copy (&turned, &other, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT, "tensor: shape [3,2], wanted [2,3]");
}

SF_TEST (Tensor, RepeatsThroughStrideZero)
{
  float one = 7, out[4] = { 0 };
  SfTensor from = sf_tensor (SF_F32, SF_SHAPE (4), &one);
  from.strides[0] = 0;
  SfTensor to = sf_tensor (SF_F32, SF_SHAPE (4), out);
  SF_CHECK (sf_tensor_copy (&from, &to, NULL));
  SF_CHECK (out[0] == 7 && out[3] == 7);
}

SF_TEST (Tensor, AllocatesZeroedAligned)
{
  g_autoptr (GError) error = NULL;
  SfShape shape = SF_SHAPE (3, 5);
  SfTensor tensor;
  SF_REQUIRE (sf_tensor_alloc (SF_BF16, &shape, &tensor, &error));
  SF_CHECK_INT (sf_tensor_n_bytes (&tensor), 30);
  SF_CHECK_INT ((uintptr_t) tensor.data % 64, 0);
  for (int i = 0; i < 15; i++)
    SF_CHECK_INT (((uint16_t *) tensor.data)[i], 0);
  sf_tensor_clear (&tensor);
  SF_CHECK (tensor.data == NULL && tensor.release == NULL);
}
