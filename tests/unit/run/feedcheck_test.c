/* SPDX-License-Identifier: Apache-2.0 */
/* What may be fed, and the words for what may not. */
#include "core/run/feedcheck.h"

#include "tests/support/sftest.h"
#include "tests/unit/run/fake.h"

#include <math.h>

static const char *const facts[] = {
  "bounds.eval.label", "0 10", "bounds.train.label", "0 10 -1", "bounds.train.tokens", "0 17", NULL
};

static SfInputCheck *
new_check (SfSession *session)
{
  g_autoptr (GError) error = NULL;
  SfInputCheck *check = sf_input_check_new (&session->pef, &error);
  SF_CHECK_NO_ERROR (error);
  return check;
}

typedef struct
{
  const char *name;
  const char *entry, *input;
  SfDtype port, given;
  double value; /* of the last of 300 elements; the others are 1 */
  int code;     /* -1: fine */
  const char *message;
} Case;

#define LABELS "; the data has more classes or tokens than the model"
static const Case cases[] = {
  { "label in range", "train", "label", SF_I32, SF_I32, 9, -1, NULL },
  { "first label", "train", "label", SF_I32, SF_I64, 0, -1, NULL },
  { "ignored label", "train", "label", SF_I32, SF_I32, -1, -1, NULL },
  { "label too large", "train", "label", SF_I32, SF_I32, 10, SF_ERROR_INVALID_DATA,
    "input label: element 299 is 10, wanted 0 to 9" LABELS },
  { "label too small", "train", "label", SF_I32, SF_I32, -2, SF_ERROR_INVALID_DATA,
    "input label: element 299 is -2, wanted 0 to 9" LABELS },
  { "nothing is ignored there", "eval", "label", SF_I32, SF_I32, -1, SF_ERROR_INVALID_DATA,
    "input label: element 299 is -1, wanted 0 to 9" LABELS },
  { "token", "train", "tokens", SF_I32, SF_U8, 16, -1, NULL },
  { "token too large", "train", "tokens", SF_I32, SF_U8, 17, SF_ERROR_INVALID_DATA,
    "input tokens: element 299 is 17, wanted 0 to 16" LABELS },
  { "whole float as label", "train", "label", SF_I32, SF_F32, 3, -1, NULL },
  { "broken label", "train", "label", SF_I32, SF_F32, 3.5, SF_ERROR_INVALID_DATA,
    "input label: element 299 is 3.5, wanted 0 to 9" LABELS },
  { "label that is no number", "train", "label", SF_I32, SF_F64, NAN, SF_ERROR_INVALID_DATA,
    "input label: element 299 is nan, wanted 0 to 9" LABELS },
  { "infinite label", "train", "label", SF_I32, SF_F64, INFINITY, SF_ERROR_INVALID_DATA,
    "input label: element 299 is inf, wanted 0 to 9" LABELS },
  { "unbounded, same dtype", "train", "free", SF_I32, SF_I32, -2147483648.0, -1, NULL },
  { "narrows", "train", "free", SF_I32, SF_I64, 2147483647.0, -1, NULL },
  { "does not narrow", "train", "free", SF_I32, SF_I64, 2147483648.0, SF_ERROR_INVALID_DATA,
    "input free: element 299 is 2147483648 and does not fit i32" },
  { "does not narrow below", "train", "free", SF_I32, SF_I64, -2147483649.0, SF_ERROR_INVALID_DATA,
    "input free: element 299 is -2147483649 and does not fit i32" },
  { "negative for unsigned", "train", "free", SF_U8, SF_I32, -1, SF_ERROR_INVALID_DATA,
    "input free: element 299 is -1 and does not fit u8" },
  { "256 for a byte", "train", "free", SF_U8, SF_I32, 256, SF_ERROR_INVALID_DATA,
    "input free: element 299 is 256 and does not fit u8" },
  { "2 for a bool", "train", "free", SF_BOOL, SF_U8, 2, SF_ERROR_INVALID_DATA,
    "input free: element 299 is 2 and does not fit bool" },
  { "anything for a float", "train", "free", SF_F32, SF_F64, NAN, -1, NULL },
};

/* Dense, and every second element of a twice as long one. */
static void
check_case (const Case *c, int64_t stride)
{
  const SfShape shape = SF_SHAPE (300), room = SF_SHAPE (300 * stride);
  const SfPort port = { .name = c->input, .dtype = c->port, .shape = shape };
  g_autoptr (GError) error = NULL;
  SfSession *session = fake_session_new (facts);
  SfInputCheck *check = new_check (session);
  double wide[600];
  for (int i = 0; i < 600; i++)
    wide[i] = stride == 2 && i % 2 == 1 ? -77 : 1;
  wide[299 * stride] = c->value;
  SfTensor tensor = { 0 };
  SF_CHECK (sf_tensor_alloc (c->given, &room, &tensor, NULL));
  sf_dtype_convert (SF_F64, wide, c->given, tensor.data, (size_t) (300 * stride));
  SfTensor view = sf_tensor (c->given, shape, tensor.data);
  view.strides[0] = stride;
  bool ok = sf_input_check_tensor (sf_input_check_bounds (check, c->entry, c->input), &port, &view,
                                   &error);
  SF_CHECK_INT (ok, c->code < 0);
  if (c->code < 0)
    SF_CHECK_NO_ERROR (error);
  else
    SF_CHECK_ERROR (error, c->code, c->message);
  sf_tensor_clear (&tensor);
  sf_input_check_free (check);
  fake_session_free (session);
}

SF_TEST_CASES (FeedCheck, Values, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  check_case (data, 1);
  check_case (data, 2);
}

SF_TEST (FeedCheck, Shape)
{
  g_autoptr (GError) error = NULL;
  float values[32] = { 0 };
  const SfPort port = { .name = "image", .dtype = SF_F32, .shape = SF_SHAPE (4, 8) };
  const SfTensor wrong = sf_tensor (SF_F32, SF_SHAPE (8, 4), values),
                 right = sf_tensor (SF_F32, SF_SHAPE (4, 8), values);
  SF_CHECK (sf_input_check_tensor (NULL, &port, &right, &error));
  SF_CHECK (!sf_input_check_tensor (NULL, &port, &wrong, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "input image: found shape [8,4], wanted [4,8]; a PEF is bound to its batch size, "
                  "compile with another --batch-size");
}

SF_TEST (FeedCheck, DamagedFact)
{
  static const char *const damaged[] = { "bounds.train.label", "0", NULL };
  g_autoptr (GError) error = NULL;
  SfSession *session = fake_session_new (damaged);
  SF_CHECK (sf_input_check_new (&session->pef, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_DATA,
                  "fake.pef: fact bounds.train.label is \"0\", wanted two or three integers");
  fake_session_free (session);
}
