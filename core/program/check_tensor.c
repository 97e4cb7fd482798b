/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of a program's tensors by themselves. */
#include "core/program/check.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

static bool fail_tensor (const SfProgram *program, uint32_t tensor, GError **error,
                         const char *format, ...) G_GNUC_PRINTF (4, 5);

static bool
fail_tensor (const SfProgram *program, uint32_t tensor, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  const char *name = AT (program->tensors, SfProgramTensor, tensor).name;
  return sf_fail (error, SF_ERROR_CHECK_FAILED, "program: tensor %u (%s): %s", tensor,
                  name != NULL ? name : "unnamed", text);
}

static bool
check_next (const SfProgram *program, uint32_t tensor, GError **error)
{
  const SfProgramTensor *t = &AT (program->tensors, SfProgramTensor, tensor);
  if (t->role != SF_TENSOR_NEXT)
    return t->state == SF_NONE
           || fail_tensor (program, tensor, error,
                           "names state %u, wanted none: it is no next content; correct the pass",
                           t->state);
  if (t->state >= program->tensors->len)
    return fail_tensor (program, tensor, error, "its state is tensor %u of %u; correct the pass",
                        t->state, program->tensors->len);
  const SfProgramTensor *state = &AT (program->tensors, SfProgramTensor, t->state);
  if (state->role != SF_TENSOR_STATE || state->dtype != t->dtype
      || !sf_shape_equal (&state->shape, &t->shape))
    return fail_tensor (
        program, tensor, error,
        "is the next content of tensor %u, which is no state of the same dtype and shape; correct the pass",
        t->state);
  return true;
}

static bool
needs_name (SfTensorRole role)
{
  return role == SF_TENSOR_INPUT || role == SF_TENSOR_SCALAR || role == SF_TENSOR_OUTPUT
         || role == SF_TENSOR_STATE;
}

static bool
check_tensor (const SfProgram *program, uint32_t tensor, GError **error)
{
  const SfProgramTensor *t = &AT (program->tensors, SfProgramTensor, tensor);
  if ((unsigned) t->role > SF_TENSOR_TEMP || (unsigned) t->dtype >= SF_N_DTYPES)
    return fail_tensor (program, tensor, error,
                        "its role or dtype is unknown; recompile with this version of Spatialflow");
  if (!sf_shape_is_sound (&t->shape))
    return fail_tensor (
        program, tensor, error,
        "its shape is out of bounds, wanted rank 0 to 8 and at most 2^40 elements; correct the pass");
  if (needs_name (t->role) && (t->name == NULL || t->name[0] == '\0'))
    return fail_tensor (program, tensor, error,
                        "has no name, wanted one for its role; correct the pass");
  size_t bytes = (size_t) sf_shape_n_elems (&t->shape) * sf_dtype_bytes (t->dtype);
  if (t->data != NULL
      && (t->role == SF_TENSOR_CONST || t->role == SF_TENSOR_STATE ? t->data_bytes != bytes : true))
    return fail_tensor (
        program, tensor, error,
        "has %zu bytes of data, wanted %zu for a constant or state and none for others; correct the pass",
        t->data_bytes, bytes);
  if (t->role == SF_TENSOR_CONST && t->data == NULL && bytes > 0)
    return fail_tensor (program, tensor, error,
                        "has no data, wanted %zu bytes for a constant; correct the pass", bytes);
  return check_next (program, tensor, error);
}

static bool
check_state_names (const SfProgram *program, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < program->tensors->len; i++)
    {
      const SfProgramTensor *t = &AT (program->tensors, SfProgramTensor, i);
      if (t->role == SF_TENSOR_STATE && !g_hash_table_add (seen, (gpointer) t->name))
        return fail_tensor (
            program, i, error,
            "another state has the same name, wanted one of each; correct the pass");
    }
  return true;
}

bool
sf_check_tensors (const SfProgram *program, GError **error)
{
  for (guint i = 0; i < program->tensors->len; i++)
    if (!check_tensor (program, i, error))
      return false;
  return check_state_names (program, error);
}
