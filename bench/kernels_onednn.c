/* SPDX-License-Identifier: Apache-2.0 */
/* The same products and convolutions by oneDNN 2, where configure found it. Memory formats are
 * those it asks for, as if all that is around it had them too. */
#include "bench/kernels.h"

#ifdef SF_BENCH_ONEDNN
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>

enum
{
  MAX_ARGS = 3,
  FILL = 0x3c /* 0.01 as f32 and as bf16, in whatever order it lies */
};

/* One primitive with its memory. */
typedef struct
{
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_desc_t desc;
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t args[MAX_ARGS];
} Primitive;

static void
free_primitive (void *data)
{
  Primitive *p = data;
  for (int a = 0; a < MAX_ARGS; a++)
    dnnl_memory_destroy (p->args[a].memory);
  dnnl_primitive_destroy (p->primitive);
  dnnl_primitive_desc_destroy (p->desc);
  dnnl_stream_destroy (p->stream);
  dnnl_engine_destroy (p->engine);
  g_free (p);
}

static void
run_primitive (void *data)
{
  Primitive *p = data;
  dnnl_primitive_execute (p->primitive, p->stream, MAX_ARGS, p->args);
  dnnl_stream_wait (p->stream);
}

static bool
make_argument (Primitive *p, int which, int arg)
{
  const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md (p->desc, dnnl_query_exec_arg_md,
                                                               arg);
  void *handle = NULL;
  p->args[which].arg = arg;
  if (dnnl_memory_create (&p->args[which].memory, md, p->engine, DNNL_MEMORY_ALLOCATE)
          != dnnl_success
      || dnnl_memory_get_data_handle (p->args[which].memory, &handle) != dnnl_success)
    return false;
  memset (handle, FILL, dnnl_memory_desc_get_size (md));
  return true;
}

/* Its threads are those of OpenMP. */
static void
set_threads (int n)
{
  void (*set) (int);
  *(void **) &set = dlsym (RTLD_DEFAULT, "omp_set_num_threads");
  if (set != NULL)
    set (n);
}

/* What an operation's descriptor and its three arguments make; `forward` describes the convolution
 * whose gradient it is, or is NULL. */
static BenchJob
job_of (const Bench *bench, const_dnnl_op_desc_t op, const_dnnl_op_desc_t forward,
        const int args[MAX_ARGS])
{
  Primitive *p = g_new0 (Primitive, 1);
  dnnl_primitive_desc_t hint = NULL;
  set_threads (bench->n_threads);
  bool ok = dnnl_engine_create (&p->engine, dnnl_cpu, 0) == dnnl_success
            && dnnl_stream_create (&p->stream, p->engine, dnnl_stream_default_flags) == dnnl_success
            && (forward == NULL
                || dnnl_primitive_desc_create (&hint, forward, NULL, p->engine, NULL)
                       == dnnl_success)
            && dnnl_primitive_desc_create (&p->desc, op, NULL, p->engine, hint) == dnnl_success
            && dnnl_primitive_create (&p->primitive, p->desc) == dnnl_success;
  for (int a = 0; ok && a < MAX_ARGS; a++)
    ok = make_argument (p, a, args[a]);
  dnnl_primitive_desc_destroy (hint);
  if (ok)
    return (BenchJob){ run_primitive, free_primitive, p };
  free_primitive (p);
  return (BenchJob){ .run = NULL };
}

static dnnl_data_type_t
type_of (SfDtype dtype)
{
  return dtype == SF_BF16 ? dnnl_bf16 : dnnl_f32;
}

BenchJob
bench_onednn_product (const Bench *bench, const BenchProduct *p, SfDtype dtype)
{
  const dnnl_dims_t a = { p->batch, p->m, p->k }, b = { p->batch, p->k, p->n },
                    y = { p->batch, p->m, p->n };
  dnnl_memory_desc_t source, weights, result;
  dnnl_matmul_desc_t matmul;
  bool ok = dnnl_memory_desc_init_by_tag (&source, 3, a, type_of (dtype),
                                          p->ta ? dnnl_acb : dnnl_abc)
                == dnnl_success
            && dnnl_memory_desc_init_by_tag (&weights, 3, b, type_of (dtype), dnnl_format_tag_any)
                   == dnnl_success
            && dnnl_memory_desc_init_by_tag (&result, 3, y, dnnl_f32, dnnl_abc) == dnnl_success
            && dnnl_matmul_desc_init (&matmul, &source, &weights, NULL, &result) == dnnl_success;
  if (!ok)
    return (BenchJob){ .run = NULL };
  const int args[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST };
  return job_of (bench, &matmul, NULL, args);
}

/* Any format; what is made is f32, except where it only describes the forward convolution. */
static bool
describe_conv (const BenchConv *s, BenchDirection direction, SfDtype dtype,
               dnnl_convolution_desc_t *conv)
{
  const dnnl_dims_t x = { s->n, s->c, s->h, s->w }, w = { s->o, s->c, s->kernel, s->kernel },
                    y = { s->n, s->o, bench_conv_out (s, s->h), bench_conv_out (s, s->w) },
                    strides = { s->stride, s->stride }, pad = { s->pad, s->pad };
  const dnnl_alg_kind_t algorithm = dnnl_convolution_auto;
  dnnl_data_type_t read = type_of (dtype);
  dnnl_memory_desc_t image, weights, result;
  bool ok = dnnl_memory_desc_init_by_tag (&image, 4, x, direction == BENCH_DX ? dnnl_f32 : read,
                                          dnnl_format_tag_any)
                == dnnl_success
            && dnnl_memory_desc_init_by_tag (
                   &weights, 4, w, direction == BENCH_DW ? dnnl_f32 : read, dnnl_format_tag_any)
                   == dnnl_success
            && dnnl_memory_desc_init_by_tag (
                   &result, 4, y, direction == BENCH_FORWARD ? dnnl_f32 : read, dnnl_format_tag_any)
                   == dnnl_success;
  if (!ok)
    return false;
  if (direction == BENCH_DX)
    return dnnl_convolution_backward_data_desc_init (conv, algorithm, &image, &weights, &result,
                                                     strides, pad, pad)
           == dnnl_success;
  if (direction == BENCH_DW)
    return dnnl_convolution_backward_weights_desc_init (conv, algorithm, &image, &weights, NULL,
                                                        &result, strides, pad, pad)
           == dnnl_success;
  return dnnl_convolution_forward_desc_init (conv, dnnl_forward_training, algorithm, &image,
                                             &weights, NULL, &result, strides, pad, pad)
         == dnnl_success;
}

BenchJob
bench_onednn_conv (const Bench *bench, const BenchConv *s, BenchDirection direction, SfDtype dtype)
{
  static const int args[][MAX_ARGS] = {
    [BENCH_FORWARD] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST },
    [BENCH_DX] = { DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST },
    [BENCH_DW] = { DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST },
  };
  dnnl_convolution_desc_t conv, forward;
  if (!describe_conv (s, direction, dtype, &conv)
      || !describe_conv (s, BENCH_FORWARD, dtype, &forward))
    return (BenchJob){ .run = NULL };
  return job_of (bench, &conv, direction == BENCH_FORWARD ? NULL : &forward, args[direction]);
}

const char *
bench_onednn_about (void)
{
  static char about[64];
  const dnnl_version_t *version = dnnl_version ();
  g_snprintf (about, sizeof about, "oneDNN %d.%d.%d", version->major, version->minor,
              version->patch);
  return about;
}

#else

BenchJob
bench_onednn_product (const Bench *bench, const BenchProduct *product, SfDtype dtype)
{
  return (BenchJob){ .run = NULL };
}

BenchJob
bench_onednn_conv (const Bench *bench, const BenchConv *conv, BenchDirection direction,
                   SfDtype dtype)
{
  return (BenchJob){ .run = NULL };
}

const char *
bench_onednn_about (void)
{
  return "oneDNN is missing: configure found no oneDNN 2; install libdnnl-dev or set DNNL_CFLAGS "
         "and DNNL_LIBS, and configure again";
}

#endif
