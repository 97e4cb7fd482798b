/* SPDX-License-Identifier: Apache-2.0 */
/* A view of caller memory, as DLPack: what goes in and out of a session. */
#ifndef SF_TENSOR_H
#define SF_TENSOR_H

#include <sf/dtype.h>
#include <sf/shape.h>

SF_BEGIN_DECLS

typedef struct
{
  void *data;
  SfDtype dtype;
  SfShape shape;
  int64_t
      strides[SF_MAX_RANK]; /* in elements, as given by sf_shape_strides when dense; must be >= 0 */
  void (*release) (
      void *user_data); /* called once by whoever takes ownership of the view; may be NULL */
  void *user_data;
} SfTensor;

/* Dense row-major view of `data`, borrowed. */
SF_API SfTensor sf_tensor (SfDtype dtype, SfShape shape, void *data);
/* Zeroed dense tensor with memory of its own (64-byte aligned); freed by sf_tensor_clear. */
SF_API bool sf_tensor_alloc (SfDtype dtype, const SfShape *shape, SfTensor *out, GError **error);
SF_API void sf_tensor_clear (SfTensor *tensor);           /* calls release, zeroes the struct */
SF_API size_t sf_tensor_n_bytes (const SfTensor *tensor); /* of a dense copy */
SF_API bool sf_tensor_is_dense (const SfTensor *tensor);
/* Copies between tensors of equal shape, any strides, converting the dtype as sf_dtype_convert. */
SF_API bool sf_tensor_copy (const SfTensor *from, SfTensor *to, GError **error);

SF_END_DECLS
#endif
