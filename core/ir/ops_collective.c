/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and shape rules of the collectives: models can name them, backends refuse them. */
#include "core/ir/infer.h"

#include <string.h>

#define MAX_RANKS ((int64_t) 1 << 20)

static bool
infer_all_reduce (SfInfer *infer, GError **error)
{
  const char *word = sf_infer_attr (infer, "reduce")->s;
  if (strcmp (word, "sum") != 0 && strcmp (word, "max") != 0 && strcmp (word, "min") != 0)
    return sf_refuse (error, "attribute reduce is '%s', wanted 'sum', 'max' or 'min'", word);
  if (!sf_infer_want_number (infer, 0, "x", error))
    return false;
  sf_infer_set (infer, 0, infer->dtype[0], *infer->shape[0]);
  return true;
}

static bool
infer_all_gather (SfInfer *infer, GError **error)
{
  int64_t ranks = sf_infer_int (infer, "ranks");
  SfShape y = *infer->shape[0];
  int axis;
  if (!sf_infer_axis (infer, "axis", y.rank, &axis, error))
    return false;
  if (ranks < 1 || ranks > MAX_RANKS)
    return sf_refuse (error, "attribute ranks is %" G_GINT64_FORMAT ", wanted 1 to 2^20", ranks);
  y.dim[axis] *= ranks;
  sf_infer_set (infer, 0, infer->dtype[0], y);
  return true;
}

static bool
check_peer (const SfInfer *infer, GError **error)
{
  int64_t peer = sf_infer_int (infer, "peer");
  if (peer >= 0 && peer < MAX_RANKS)
    return true;
  return sf_refuse (error, "attribute peer is %" G_GINT64_FORMAT ", wanted 0 to 2^20 - 1", peer);
}

static bool
infer_send (SfInfer *infer, GError **error)
{
  return check_peer (infer, error);
}

static bool
infer_recv (SfInfer *infer, GError **error)
{
  size_t n;
  const int64_t *dims = sf_infer_ints (infer, "shape", &n);
  SfShape shape = sf_shape ((int) n, dims);
  if (!check_peer (infer, error) || !sf_shape_check (&shape, "attribute shape", error))
    return false;
  sf_infer_set (infer, 0, (SfDtype) sf_infer_int (infer, "dtype"), shape);
  return true;
}

static const SfOpAttr reduce_attrs[] = { { "reduce", SF_ATTR_STRING, "sum" }, { NULL, 0, NULL } };
static const SfOpAttr gather_attrs[]
    = { { "axis", SF_ATTR_INT, "0" }, { "ranks", SF_ATTR_INT, NULL }, { NULL, 0, NULL } };
static const SfOpAttr send_attrs[]
    = { { "peer", SF_ATTR_INT, NULL }, { "tag", SF_ATTR_INT, "0" }, { NULL, 0, NULL } };
static const SfOpAttr recv_attrs[] = { { "shape", SF_ATTR_INTS, NULL },
                                       { "dtype", SF_ATTR_DTYPE, "f32" },
                                       { "peer", SF_ATTR_INT, NULL },
                                       { "tag", SF_ATTR_INT, "0" },
                                       { NULL, 0, NULL } };

/* clang-format off */
const SfOp sf_ops_collective[] = {
  { "all_reduce", 1, SF_OP_COLLECTIVE, 1, 1, 1, reduce_attrs, infer_all_reduce, NULL, NULL, NULL,
    "x reduced over all ranks" },
  { "all_gather", 1, SF_OP_COLLECTIVE, 1, 1, 1, gather_attrs, infer_all_gather, NULL, NULL, NULL,
    "the x of all ranks joined along axis" },
  { "send", 1, SF_OP_COLLECTIVE, 1, 1, 0, send_attrs, infer_send, NULL, NULL, NULL,
    "x sent to a peer" },
  { "recv", 1, SF_OP_COLLECTIVE, 0, 0, 1, recv_attrs, infer_recv, NULL, NULL, NULL,
    "a tensor received from a peer" },
  { NULL, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL },
};
/* clang-format on */
