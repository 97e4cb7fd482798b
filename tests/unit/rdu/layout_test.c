/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts: what is kept channels-last, and that nobody outside the kernels can tell. */
#include <math.h>
#include <string.h>

#include <sf/plugin/plugin.h>
#include <sf/rng.h>

#include "tests/unit/rdu/build.h"

/* Images, channels in and out, rows and columns; the pool halves both. */
#define N 6
#define C 9
#define O 12
#define H 4
#define W 6

#define SHAPE_X SF_SHAPE (N, C, H, W)
#define SHAPE_W SF_SHAPE (O, C, 3, 3)
#define SHAPE_Y SF_SHAPE (N, O, H, W)
#define SHAPE_P SF_SHAPE (N, O, H / 2, W / 2)

static void
randomise (uint32_t stream, float *x, int64_t n)
{
  SfRng rng = { .seed = 5, .stream = stream };
  for (int64_t i = 0; i < n; i++)
    x[i] = sf_rng_uniform (&rng, (uint64_t) i) * 2 - 1;
}

typedef struct
{
  Build b;
  uint32_t x, w, y, p;     /* tensors */
  uint32_t in, weight;     /* buffers */
  uint32_t image, reduced; /* the results of convolution and pool */
} Net;

/* A buffer whose tokens are one and a half images. */
static uint32_t
add_buffer (Build *b, SfShape shape)
{
  SfBuffer buffer = { .name = "images",
                      .dtype = SF_F32,
                      .shape = shape,
                      .tokens = 4,
                      .token_elems = sf_shape_n_elems (&shape) / 4,
                      .depth = 2,
                      .n_pmus = 1 };
  return sf_config_add_buffer (b->program, b->config, &buffer);
}

static void
add_stream (Build *b, uint32_t buffer, uint32_t tensor, bool out)
{
  SfStream stream = { .buffer = buffer, .out = out, .slot = (uint32_t) b->n_slots };
  b->bindings[b->n_slots++] = (SfBinding){ tensor, 0 };
  sf_config_add_stream (b->program, b->config, &stream);
}

/* y = relu (conv (x, w) + 0.25), p = max pool (y), three images at a time. */
static Net
build_net (void)
{
  Net net = { .b = build_new ("eval") };
  Build *b = &net.b;
  net.x = build_tensor (b, "x", SF_TENSOR_INPUT, SF_F32, SHAPE_X, NULL);
  net.w = build_tensor (b, "w", SF_TENSOR_INPUT, SF_F32, SHAPE_W, NULL);
  net.y = build_tensor (b, "y", SF_TENSOR_OUTPUT, SF_F32, SHAPE_Y, NULL);
  net.p = build_tensor (b, "p", SF_TENSOR_OUTPUT, SF_F32, SHAPE_P, NULL);
  net.in = add_buffer (b, SHAPE_X);
  add_stream (b, net.in, net.x, false);
  net.weight = build_load (b, net.w, O, 1);
  net.image = add_buffer (b, SHAPE_Y);
  add_stream (b, net.image, net.y, true);
  net.reduced = add_buffer (b, SHAPE_P);
  add_stream (b, net.reduced, net.p, true);
  SfCounter counters[] = { { N, 3, SF_COUNTER_PARALLEL } };
  SfOperand conv[] = {
    { SF_OPERAND_IN,
      net.in,
      SF_F32,
      SHAPE_X,
      0,
      2,
      { BLOCK (0, 3),
        ALL (C),
        { .base = -1, .size = H + 2, .stride = 1 },
        { .base = -1, .size = W + 2, .stride = 1 } } },
    { SF_OPERAND_IN, net.weight, SF_F32, SHAPE_W, -1, 1, { ALL (O), ALL (C), ALL (3), ALL (3) } },
    { SF_OPERAND_TEMP,
      SF_NONE,
      SF_F32,
      SHAPE_Y,
      -1,
      1,
      { BLOCK (0, 3), ALL (O), ALL (H), ALL (W) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, SF_SHAPE (1), -1, 1, { ALL (1) } },
    { SF_OPERAND_OUT,
      net.image,
      SF_F32,
      SHAPE_Y,
      0,
      2,
      { BLOCK (0, 3), ALL (O), ALL (H), ALL (W) } },
  };
  SfInstr relu[] = {
    { "conv2d", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 }, { 1, 1, 1, 1 } },
    { "fill", 1, SF_WHEN_EACH, 0, 1, { 0 }, { 3 }, { 0 }, { 0.25 } },
    { "add", 1, SF_WHEN_EACH, 2, 1, { 2, 3 }, { 2 } },
    { "relu", 1, SF_WHEN_EACH, 1, 1, { 2 }, { 4 } },
  };
  build_stage (b, "conv+relu", counters, 1, conv, 5, relu, 4);
  SfOperand pool[] = {
    { SF_OPERAND_IN,
      net.image,
      SF_F32,
      SHAPE_Y,
      0,
      2,
      { BLOCK (0, 3), ALL (O), ALL (H), ALL (W) } },
    { SF_OPERAND_OUT,
      net.reduced,
      SF_F32,
      SHAPE_P,
      0,
      2,
      { BLOCK (0, 3), ALL (O), ALL (H / 2), ALL (W / 2) } },
  };
  SfInstr max[] = { { "max_pool2d", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 1 }, { 2, 2, 2, 2, 1, 1 } } };
  build_stage (b, "pool", counters, 1, pool, 2, max, 1);
  build_launch (b, SF_PHASE_FWD);
  return net;
}

static float
wanted_y (const float *x, const float *w, int n, int o, int h, int v)
{
  double sum = 0.25;
  for (int t = 0; t < C * 9; t++)
    {
      int r = h + t / 3 % 3 - 1, c = v + t % 3 - 1;
      if (r >= 0 && r < H && c >= 0 && c < W)
        sum += (double) x[((n * C + t / 9) * H + r) * W + c] * w[o * C * 9 + t];
    }
  return (float) fmax (sum, 0);
}

static void
check_y (const float *x, const float *w, const float *y)
{
  for (int i = 0; i < N * O * H * W; i++)
    SF_CHECK_NEAR (y[i], wanted_y (x, w, i / W / H / O, i / W / H % O, i / W % H, i % W), 1e-5);
}

static void
check_p (const float *y, const float *p)
{
  for (int i = 0; i < N * O * H * W / 4; i++)
    {
      int plane = i / (H / 2 * (W / 2)), h = i / (W / 2) % (H / 2), v = i % (W / 2);
      const float *from = y + (plane * H + 2 * h) * W + 2 * v;
      SF_CHECK (p[i] == fmaxf (fmaxf (from[0], from[1]), fmaxf (from[W], from[W + 1])));
    }
}

static void
set_layout (const char *layout)
{
  if (layout != NULL)
    g_setenv ("SF_RDU_LAYOUT", layout, TRUE);
  else
    g_unsetenv ("SF_RDU_LAYOUT");
}

/* Tokens end in the middle of images, which exact firing has to put together. */
SF_TEST (RduLayout, BothGiveTheValuesAndExactFiringTheirBits)
{
  static const char *const layouts[] = { "rows", "auto" };
  float x[N * C * H * W], w[O * C * 9], y[N * O * H * W], p[N * O * H * W / 4], y2[N * O * H * W],
      p2[N * O * H * W / 4];
  randomise (1, x, G_N_ELEMENTS (x));
  randomise (2, w, G_N_ELEMENTS (w));
  for (int l = 0; l < 2; l++)
    for (int how = 0; how < 3; how++)
      {
        g_autoptr (GError) error = NULL;
        Net net = build_net ();
        bool is_first = how == 0;
        set_layout (layouts[l]);
        build_run (&net.b, how == 1 ? 3 : 1, how == 2, (void *[]){ x, w },
                   (void *[]){ is_first ? y : y2, is_first ? p : p2 }, &error);
        set_layout (NULL);
        SF_REQUIRE_NO_ERROR (error);
        if (!is_first)
          SF_CHECK (memcmp (y, y2, sizeof y) == 0 && memcmp (p, p2, sizeof p) == 0);
        check_y (x, w, y);
        check_p (y, p);
        sf_program_unref (net.b.program);
      }
}

static RduMachine *
open_net (const Net *net)
{
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&net->b, 1, false, &error);
  SF_CHECK_MSG (machine != NULL, "%s", error != NULL ? error->message : "");
  return machine;
}

SF_TEST (RduLayout, ImagesAreChannelsLastAndWeightsAreNot)
{
  Net net = build_net ();
  RduMachine *machine = open_net (&net);
  const RduBuffer *buffers = machine->configs[0].buffers;
  SF_CHECK (buffers[net.in].channels_last && buffers[net.image].channels_last);
  SF_CHECK (buffers[net.reduced].channels_last && !buffers[net.weight].channels_last);
  SF_CHECK (machine->tensors[net.x].channels_last && machine->tensors[net.p].channels_last);
  SF_CHECK (!machine->tensors[net.w].channels_last);
  const RduOperand *conv = machine->configs[0].stages[0].operands;
  SF_CHECK (conv[2].channels_last && !conv[3].channels_last);
  SF_CHECK (conv[4].whole_stride[0] == O * H * W && conv[4].whole_stride[1] == 1);
  SF_CHECK (conv[4].whole_stride[2] == O * W && conv[4].whole_stride[3] == O);
  SF_CHECK (conv[1].whole_stride[0] == C * 9 && conv[1].whole_stride[3] == 1);
  rdu_machine_close (machine);
  set_layout ("rows");
  machine = open_net (&net);
  set_layout (NULL);
  for (size_t b = 0; b < machine->configs[0].n_buffers; b++)
    SF_CHECK (!machine->configs[0].buffers[b].channels_last);
  rdu_machine_close (machine);
  sf_program_unref (net.b.program);
}

/* A stage of another section that doubles a tensor, which it sees under a shape of its own. */
static void
add_double (Net *net, uint32_t tensor, SfShape shape)
{
  Build *b = &net->b;
  build_section (b);
  SfProgramTensor t = sf_program_tensor (b->program, tensor);
  uint32_t to = build_tensor (b, "twice", SF_TENSOR_OUTPUT, SF_F32, t.shape, NULL);
  SfOperand operands[] = {
    { SF_OPERAND_IN, build_load (b, tensor, N, 1), SF_F32, shape, -1, 1, { ALL (0) } },
    { SF_OPERAND_OUT, build_store (b, to, N, 1), SF_F32, shape, -1, 1, { ALL (0) } },
  };
  for (int o = 0; o < 2; o++)
    for (int d = 0; d < shape.rank; d++)
      operands[o].dim[d] = (SfAccess) ALL (shape.dim[d]);
  SfInstr add[] = { { "add", 1, SF_WHEN_EACH, 2, 1, { 0, 0 }, { 1 } } };
  build_stage (b, "twice", NULL, 0, operands, 2, add, 1);
  build_launch (b, SF_PHASE_FWD);
}

SF_TEST (RduLayout, ElementwiseStagesFollowAndOtherShapesHoldToRows)
{
  const SfShape shapes[] = { SF_SHAPE (N, O * H / 2 * W / 2), SF_SHAPE (N, O / 2, H, W / 2) };
  for (int s = 0; s < 2; s++)
    {
      Net net = build_net ();
      add_double (&net, net.y, SHAPE_Y);
      add_double (&net, net.p, shapes[s]);
      RduMachine *machine = open_net (&net);
      const RduConfig *configs = machine->configs;
      SF_CHECK (configs[1].buffers[0].channels_last && configs[1].buffers[1].channels_last);
      SF_CHECK (!configs[2].buffers[0].channels_last && !configs[2].buffers[1].channels_last);
      SF_CHECK (!configs[0].buffers[net.reduced].channels_last
                && configs[0].buffers[net.image].channels_last);
      float x[N * C * H * W], w[O * C * 9], y[N * O * H * W], p[N * O * H * W / 4],
          y2[N * O * H * W], p2[N * O * H * W / 4];
      randomise (3, x, G_N_ELEMENTS (x));
      randomise (4, w, G_N_ELEMENTS (w));
      g_autoptr (GError) error = NULL;
      build_step (&net.b, machine, 0, (void *[]){ x, w }, (void *[]){ y, p, y2, p2 }, NULL, NULL,
                  &error);
      SF_REQUIRE_NO_ERROR (error);
      check_y (x, w, y);
      check_p (y, p);
      for (size_t i = 0; i < G_N_ELEMENTS (y); i++)
        SF_CHECK (y2[i] == 2 * y[i]);
      for (size_t i = 0; i < G_N_ELEMENTS (p); i++)
        SF_CHECK (p2[i] == 2 * p[i]);
      rdu_machine_close (machine);
      sf_program_unref (net.b.program);
    }
}

/* A part of a tensor that another section reads, and what the host works on. */
SF_TEST (RduLayout, PartsAndHostLaunchesHoldToRows)
{
  for (int host = 0; host < 2; host++)
    {
      Net net = build_net ();
      SfBinding whole = { net.y, 0 };
      SfLaunch launch = { .name = "host",
                          .target = host ? SF_TARGET_HOST : SF_TARGET_RDU,
                          .repeat = 1,
                          .n_bindings = 1,
                          .bindings = &whole };
      if (!host)
        {
          add_double (&net, net.y, SHAPE_Y);
          net.b.bindings[0].offset_elems = O * H * W;
          launch.config = net.b.config;
          launch.n_bindings = net.b.n_slots;
          launch.bindings = net.b.bindings;
        }
      sf_entry_add_launch (net.b.program, net.b.entry, &launch);
      g_autoptr (GError) error = NULL;
      g_autoptr (RduLayouts) layouts = rdu_layouts_choose (net.b.program, &error);
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK (rdu_layouts_of_tensor (layouts, net.p));
      SF_CHECK (!rdu_layouts_of_tensor (layouts, net.y));
      SF_CHECK (!rdu_layouts_of_buffer (layouts, 0, net.image));
      SF_CHECK (rdu_layouts_of_operand (layouts, 0, 0, 2)); /* scratch is nobody else's */
      sf_program_unref (net.b.program);
    }
}

/* Negates what it sees, having looked at whether it is y row-major. */
static void
negate (void *user_data, const SfObserved *observed)
{
  float *y = observed->tensor->data;
  memcpy (user_data, y, sizeof (float[N * O * H * W]));
  SF_CHECK (sf_tensor_is_dense (observed->tensor));
  for (int i = 0; i < N * O * H * W; i++)
    y[i] = -y[i];
}

SF_TEST (RduLayout, ObserversSeeRowsAndWriteThem)
{
  Net net = build_net ();
  sf_launch_set_origin (net.b.program, net.b.entry, 0, net.image, 7);
  RduMachine *machine = open_net (&net);
  float x[N * C * H * W], w[O * C * 9], y[N * O * H * W], p[N * O * H * W / 4], seen[N * O * H * W];
  randomise (5, x, G_N_ELEMENTS (x));
  randomise (6, w, G_N_ELEMENTS (w));
  g_autoptr (GError) error = NULL;
  build_step (&net.b, machine, 0, (void *[]){ x, w }, (void *[]){ y, p }, negate, seen, &error);
  SF_REQUIRE_NO_ERROR (error);
  check_y (x, w, seen);
  for (int i = 0; i < N * O * H * W; i++)
    SF_CHECK (y[i] == -seen[i]);
  check_p (y, p);
  rdu_machine_close (machine);
  sf_program_unref (net.b.program);
}

/* s := s + max pool (s) with windows of one pixel, that is 2 s. */
static Build
build_state (const float *initial)
{
  Build b = build_new ("train");
  SfShape shape = SF_SHAPE (2, 9, 2, 2);
  uint32_t s = build_tensor (&b, "s", SF_TENSOR_STATE, SF_F32, shape, initial);
  SfProgramTensor next = { .name = "s",
                           .role = SF_TENSOR_NEXT,
                           .dtype = SF_F32,
                           .shape = shape,
                           .offset_bytes = -1,
                           .state = s };
  uint32_t in = build_load (&b, s, 2, 1);
  uint32_t out = build_store (&b, sf_program_add_tensor (b.program, &next), 2, 1);
  SfOperand operands[] = {
    { SF_OPERAND_IN, in, SF_F32, shape, -1, 1, { ALL (2), ALL (9), ALL (2), ALL (2) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, shape, -1, 1, { ALL (2), ALL (9), ALL (2), ALL (2) } },
    { SF_OPERAND_OUT, out, SF_F32, shape, -1, 1, { ALL (2), ALL (9), ALL (2), ALL (2) } }
  };
  SfInstr instrs[] = {
    { "max_pool2d", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 1 }, { 1, 1, 1, 1, 1, 1 } },
    { "add", 1, SF_WHEN_EACH, 2, 1, { 0, 1 }, { 2 } },
  };
  build_stage (&b, "double", NULL, 0, operands, 3, instrs, 2);
  build_launch (&b, SF_PHASE_FWD);
  return b;
}

/* Initial data, wider and strided caller memory, the exchange with the next content. */
SF_TEST (RduLayout, StatesGoInAndOutInTheOrderOfTheModel)
{
  const SfBackendOps *ops = sf_plugin.ops.backend;
  float initial[72], read[72];
  double wide[72], spread[144];
  for (int i = 0; i < 72; i++)
    initial[i] = (float) (wide[i] = i + 1);
  Build b = build_state (initial);
  g_autoptr (GError) error = NULL;
  RduMachine *machine = build_open (&b, 1, false, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (machine->tensors[0].channels_last && machine->tensors[1].channels_last);
  SfTensor state = sf_tensor (SF_F32, SF_SHAPE (2, 9, 2, 2), read),
           from = sf_tensor (SF_F64, SF_SHAPE (2, 9, 2, 2), wide),
           to = sf_tensor (SF_F64, SF_SHAPE (2, 9, 2, 2), spread);
  for (int d = 0; d < 4; d++)
    to.strides[d] *= 2;
  SF_CHECK (build_step (&b, machine, 0, NULL, NULL, NULL, NULL, &error));
  SF_CHECK (ops->read (machine, "s", &state, &error));
  for (int i = 0; i < 72; i++)
    SF_CHECK (read[i] == 2 * initial[i]);
  SF_CHECK (ops->write (machine, "s", &from, &error));
  SF_CHECK (build_step (&b, machine, 0, NULL, NULL, NULL, NULL, &error));
  SF_CHECK (ops->read (machine, "s", &to, &error));
  for (int i = 0; i < 72; i++)
    SF_CHECK (spread[2 * i] == 2 * wide[i]);
  SF_REQUIRE_NO_ERROR (error);
  rdu_machine_close (machine);
  sf_program_unref (b.program);
}

/* Any part of a tensor of three images, against its strides. */
SF_TEST (RduLayout, PartsAreMovedToTheirPlaces)
{
  SfShape shape = SF_SHAPE (3, 5, 7, 4);
  int64_t stride[SF_MAX_RANK];
  int32_t rows[420], images[420], back[420];
  rdu_layout_strides (4, shape.dim, true, stride);
  for (int64_t begin = 0; begin < 420; begin += 33)
    for (int64_t n = 0; begin + n <= 420; n += 29)
      {
        int64_t first = begin / 140;
        memset (images, -1, sizeof images);
        for (int i = 0; i < 420; i++)
          rows[i] = i;
        rdu_layout_scatter (&shape, begin, n, rows + begin, images + first * 140, first);
        for (int64_t i = 0; i < 420; i++)
          {
            int64_t at = i / 140 * stride[0] + i / 28 % 5 * stride[1] + i / 4 % 7 * stride[2]
                         + i % 4 * stride[3];
            SF_CHECK (images[at] == (i >= begin && i < begin + n ? i : -1));
          }
        rdu_layout_gather (&shape, begin, n, back, images + first * 140, first);
        SF_CHECK (memcmp (back, rows + begin, (size_t) n * 4) == 0);
      }
}

SF_TEST (RduLayout, UnknownLayoutIsRefused)
{
  Net net = build_net ();
  g_autoptr (GError) error = NULL;
  set_layout ("columns");
  SF_CHECK (build_open (&net.b, 1, false, &error) == NULL);
  set_layout (NULL);
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "SF_RDU_LAYOUT: found \"columns\", wanted auto or rows");
  sf_program_unref (net.b.program);
}

/* Through a tensor of the machine and back, in another dtype or with gaps; image by image, and in
 * pieces of an image. */
SF_TEST (RduLayout, OtherDtypesAndStridesGoInAndOut)
{
  const SfShape shapes[] = { SF_SHAPE (70, 3, 5, 8), SF_SHAPE (2, 3, 50, 60) };
  for (size_t s = 0; s < G_N_ELEMENTS (shapes); s++)
    {
      const SfShape *shape = &shapes[s];
      int64_t n = sf_shape_n_elems (shape), pixels = shape->dim[2] * shape->dim[3];
      g_autofree float *memory = g_new (float, n);
      g_autofree double *given = g_new (double, 2 * n), *got = g_new0 (double, 2 * n);
      RduTensor tensor = { .name = (char *) "t",
                           .dtype = SF_F32,
                           .storage = SF_F32,
                           .shape = *shape,
                           .channels_last = true,
                           .n_elems = n,
                           .data = memory };
      RduMachine machine = { .n_tensors = 1, .tensors = &tensor };
      for (int64_t i = 0; i < 2 * n; i++)
        given[i] = (double) i;
      for (int gap = 1; gap <= 2; gap++)
        {
          SfTensor in = sf_tensor (SF_F64, *shape, given), out = sf_tensor (SF_F64, *shape, got);
          for (int d = 0; d < 4; d++)
            in.strides[d] = out.strides[d] = in.strides[d] * gap;
          SF_CHECK (rdu_tensor_write (&machine, 0, &in, NULL));
          int64_t off = 0;
          for (int64_t i = 0; i < n; i++)
            {
              int64_t image = i / (3 * pixels), channel = i / pixels % 3, pixel = i % pixels;
              off += (double) memory[(image * pixels + pixel) * 3 + channel] != given[i * gap];
            }
          SF_CHECK_INT (off, 0);
          SF_CHECK (rdu_tensor_read (&machine, 0, &out, NULL));
          for (int64_t i = 0; i < n; i++)
            off += got[i * gap] != given[i * gap];
          SF_CHECK_INT (off, 0);
        }
    }
}

/* Pool, relu, pool of one image, which relu and the buffer behind it see without a first dimension.
 */
static Build
build_sole_image (void)
{
  const SfShape image = SF_SHAPE (1, O, 8, 8), flat = SF_SHAPE (O, 8, 8);
  Build b = build_new ("eval");
  uint32_t x = build_tensor (&b, "x", SF_TENSOR_INPUT, SF_F32, SF_SHAPE (1, O, 16, 16), NULL);
  uint32_t y = build_tensor (&b, "y", SF_TENSOR_OUTPUT, SF_F32, SF_SHAPE (1, O, 4, 4), NULL);
  uint32_t in = build_load (&b, x, 1, 1), pooled = build_buffer (&b, SF_F32, image, 1, 1);
  uint32_t rectified = build_buffer (&b, SF_F32, flat, O, 1), out = build_store (&b, y, 1, 1);
  SfInstr pool[] = { { "max_pool2d", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 1 }, { 2, 2, 2, 2, 1, 1 } } };
  SfInstr relu[] = { { "relu", 1, SF_WHEN_EACH, 1, 1, { 0 }, { 1 } },
                     { "add", 1, SF_WHEN_EACH, 2, 1, { 1, 0 }, { 2 } } };
  SfOperand first[] = {
    { SF_OPERAND_IN,
      in,
      SF_F32,
      SF_SHAPE (1, O, 16, 16),
      -1,
      1,
      { ALL (1), ALL (O), ALL (16), ALL (16) } },
    { SF_OPERAND_OUT, pooled, SF_F32, image, -1, 1, { ALL (1), ALL (O), ALL (8), ALL (8) } },
  };
  SfOperand flats[] = {
    { SF_OPERAND_IN, pooled, SF_F32, flat, -1, 1, { ALL (O), ALL (8), ALL (8) } },
    { SF_OPERAND_TEMP, SF_NONE, SF_F32, flat, -1, 1, { ALL (O), ALL (8), ALL (8) } },
    { SF_OPERAND_OUT, rectified, SF_F32, flat, -1, 1, { ALL (O), ALL (8), ALL (8) } },
  };
  SfOperand last[] = {
    { SF_OPERAND_IN, rectified, SF_F32, image, -1, 1, { ALL (1), ALL (O), ALL (8), ALL (8) } },
    { SF_OPERAND_OUT,
      out,
      SF_F32,
      SF_SHAPE (1, O, 4, 4),
      -1,
      1,
      { ALL (1), ALL (O), ALL (4), ALL (4) } },
  };
  build_stage (&b, "first", NULL, 0, first, 2, pool, 1);
  build_stage (&b, "relu", NULL, 0, flats, 3, relu, 2);
  build_stage (&b, "last", NULL, 0, last, 2, pool, 1);
  build_launch (&b, SF_PHASE_FWD);
  return b;
}

SF_TEST (RduLayout, SoleImagesKeepTheirFirstDimension)
{
  float x[O * 256], found[2][O * 16];
  randomise (6, x, G_N_ELEMENTS (x));
  for (int is_rows = 0; is_rows < 2; is_rows++)
    {
      g_autoptr (GError) error = NULL;
      Build b = build_sole_image ();
      set_layout (is_rows ? "rows" : NULL);
      RduMachine *machine = build_open (&b, 1, false, &error);
      set_layout (NULL);
      SF_REQUIRE (machine != NULL);
      for (size_t i = 0; i < machine->configs[0].n_buffers; i++)
        SF_CHECK (machine->configs[0].buffers[i].channels_last == !is_rows);
      build_step (&b, machine, 0, (void *[]){ x }, (void *[]){ found[is_rows] }, NULL, NULL,
                  &error);
      SF_CHECK_MSG (error == NULL, "%s", error != NULL ? error->message : "");
      rdu_machine_close (machine);
      sf_program_unref (b.program);
    }
  SF_CHECK (memcmp (found[0], found[1], sizeof found[0]) == 0);
  float most = 0;
  for (int i = 0; i < 16; i++)
    most = MAX (most, x[i / 4 * 16 + i % 4]);
  SF_CHECK (found[0][0] == 2 * most);
}
