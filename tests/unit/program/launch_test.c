/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors, bindings and dependencies broken by hand, each refused by its rule. */
#include "tests/support/sftest.h"
#include "tests/unit/program/sample.h"

typedef struct
{
  const char *name;
  SampleHooks hooks;
  const char *message;
} LaunchCase;

#define LAUNCH(fn) \
  static void fn (uint32_t index, SfLaunch *launch, SfBinding *bindings, uint32_t *deps)
#define TENSOR(fn) static void fn (uint32_t id, SfProgramTensor *tensor)

TENSOR (tensor_without_name)
{
  if (id == SAMPLE_X)
    tensor->name = "";
}

TENSOR (tensor_data)
{
  if (id == SAMPLE_W)
    tensor->data_bytes = 95;
}

TENSOR (next_of_no_state)
{
  if (id == SAMPLE_W_NEXT)
    tensor->state = SAMPLE_X;
}

TENSOR (next_shape)
{
  if (id == SAMPLE_W_NEXT)
    tensor->shape = SF_SHAPE (6, 4);
}

TENSOR (bound_dtype)
{
  if (id == SAMPLE_X)
    tensor->dtype = SF_BF16;
}

TENSOR (bound_too_small)
{
  if (id == SAMPLE_X)
    tensor->shape = SF_SHAPE (7, 4);
}

LAUNCH (binding_missing)
{
  if (index == 0)
    launch->n_bindings = 2;
}

LAUNCH (binding_tensor)
{
  if (index == 0)
    bindings[0].tensor = 100;
}

LAUNCH (binding_offset)
{
  if (index == 0)
    bindings[0].offset_elems = 1;
}

LAUNCH (binding_negative)
{
  if (index == 0)
    bindings[0].offset_elems = -1;
}

LAUNCH (writes_state)
{
  if (index == 3)
    bindings[2].tensor = SAMPLE_W;
}

LAUNCH (cyclic_dependency)
{
  if (index == 1)
    deps[0] = 1;
}

LAUNCH (missing_dependency)
{
  if (index == 1)
    launch->n_deps = 0;
}

LAUNCH (second_write)
{
  if (index == 1)
    bindings[1].tensor = SAMPLE_H;
}

LAUNCH (unwritten_read)
{
  if (index == 1)
    bindings[0].tensor = SAMPLE_Y;
}

LAUNCH (no_such_config)
{
  if (index == 0)
    launch->config = 3;
}

LAUNCH (no_such_graph)
{
  if (index == 2)
    launch->config = 1;
}

LAUNCH (host_binding)
{
  if (index == 2)
    bindings[0].tensor = SAMPLE_W;
}

LAUNCH (no_repeat)
{
  if (index == 0)
    launch->repeat = 0;
}

LAUNCH (earlier_phase)
{
  if (index == 0)
    launch->phase = SF_PHASE_OPT;
}

static const LaunchCase launch_cases[] = {
  { "tensor_without_name",
    { .tensor = tensor_without_name },

    "tensor 0 (): has no name" },
  { "tensor_data",
    { .tensor = tensor_data },

    "tensor 1 (w): has 95 bytes of data, wanted 96" },
  { "next_of_no_state",
    { .tensor = next_of_no_state },

    "is the next content of tensor 0, which is no state" },
  { "next_shape", { .tensor = next_shape }, "no state of the same dtype and shape" },
  { "bound_dtype",
    { .tensor = bound_dtype },

    "launch 0 (gemm): binding 0: tensor 0 (x) is bf16, wanted f32" },
  { "bound_too_small",
    { .tensor = bound_too_small },

    "32 elements from 0 of tensor 0 (x), which has 28" },
  { "binding_missing",
    { .launch = binding_missing },

    "binding 2 is missing, found 2" },
  { "binding_tensor", { .launch = binding_tensor }, "tensor 100 does not exist" },
  { "binding_offset",
    { .launch = binding_offset },

    "32 elements from 1 of tensor 0 (x), which has 32" },
  { "binding_negative", { .launch = binding_negative }, "32 elements from -1" },
  { "writes_state",
    { .launch = writes_state },

    "writes tensor 1 (w), which is not written by launches" },
  { "cyclic_dependency",
    { .launch = cyclic_dependency },

    "depends on launch 1, wanted an earlier one" },
  { "missing_dependency",
    { .launch = missing_dependency },

    "that launch 0 writes, but does not depend on it" },
  { "second_write",
    { .launch = second_write },

    "that launch 0 writes too, wanted one writer" },
  { "unwritten_read",
    { .launch = unwritten_read },

    "tensor 3 (y) that launch 2 writes, but does not depend on it" },
  { "no_such_config", { .launch = no_such_config }, "config 3 does not exist" },
  { "no_such_graph", { .launch = no_such_graph }, "host graph 1 does not exist" },
  { "host_binding",
    { .launch = host_binding },

    "48 elements from 0 of tensor 1 (w), which has 24" },
  { "no_repeat", { .launch = no_repeat }, "repeat 0 is out of range" },
  { "earlier_phase",
    { .launch = earlier_phase },

    "depends on launch 0 of a later phase" },
};

SF_TEST_CASES (Verify, RefusesLaunch, launch_cases, G_N_ELEMENTS (launch_cases), sf_test_row_name)
{
  const LaunchCase *c = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfProgram) program = sample_program (&c->hooks, NULL);
  SF_CHECK (!sf_program_verify (program, NULL, SF_CHECK_BODY, &error));
  SF_CHECK_ERROR (error, SF_ERROR_CHECK_FAILED, c->message);
}
