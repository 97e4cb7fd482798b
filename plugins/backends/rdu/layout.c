/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses layouts: what is bound together has one, and what convolutions and pools work on is kept
 * channels-last where nobody sees it under another shape.
 *
 * Tensors, buffers and operands are nodes. Streams join buffers with the tensors of every launch,
 * operands are joined with their buffers, next contents with their states. The class of what a
 * convolution touches is channels-last unless it has few of them or is held to rows; elementwise
 * instructions pass that on to what they combine it with. */
#include <string.h>

#include <sf/error.h>

#include "plugins/backends/rdu/kernels.h"
#include "plugins/backends/rdu/layout.h"

#define TRANSPOSE_BLOCK 16

typedef struct
{
  size_t parent; /* itself: of its class */
  SfShape shape; /* that all have; meaningless when held to rows */
  bool has_shape;
  bool is_rows; /* held to row-major */
  bool is_last; /* channels-last */
} Node;

/* Where the nodes of a config begin. */
typedef struct
{
  size_t buffers;
  size_t n_stages, *operands; /* per stage */
} Section;

struct RduLayouts
{
  size_t n_nodes, n_sections; /* tensors are the first nodes */
  Node *nodes;
  Section *sections;
};

/* Which operands of an instruction are images; those that are not are weights. */
typedef struct
{
  const char *op;
  unsigned src, dst; /* bit masks */
} Window;

static const Window windows[] = {
  { "conv2d", 1, 1 },         { "conv2d_dx", 1, 1 },  { "conv2d_dw", 3, 0 },
  { "max_pool2d", 1, 1 },     { "avg_pool2d", 1, 1 }, { "max_pool2d_bwd", 3, 1 },
  { "avg_pool2d_bwd", 1, 1 },
};

/* ---- classes ---- */

static Node *
class_of (const RduLayouts *layouts, size_t node)
{
  Node *nodes = layouts->nodes;
  while (nodes[node].parent != node)
    node = nodes[node].parent = nodes[nodes[node].parent].parent;
  return &nodes[node];
}

/* Somebody sees the class under this shape. */
static void
see (const RduLayouts *layouts, size_t node, const SfShape *shape)
{
  Node *c = class_of (layouts, node);
  c->is_rows |= shape->rank != 4 || (c->has_shape && !sf_shape_equal (shape, &c->shape));
  c->shape = *shape;
  c->has_shape = true;
}

static void
join (const RduLayouts *layouts, size_t a, size_t b)
{
  Node *to = class_of (layouts, a), *from = class_of (layouts, b);
  if (to == from)
    return;
  from->parent = (size_t) (to - layouts->nodes);
  to->is_rows |= from->is_rows;
  if (from->has_shape)
    see (layouts, a, &from->shape);
}

static void
hold (const RduLayouts *layouts, size_t node)
{
  class_of (layouts, node)->is_rows = true;
}

/* Whether the class becomes channels-last by this. */
static bool
choose (const RduLayouts *layouts, size_t node)
{
  Node *c = class_of (layouts, node);
  bool is_new = !c->is_rows && !c->is_last && c->shape.dim[1] > RDU_CONV_FEW;
  c->is_last |= is_new;
  return is_new;
}

/* ---- images that are seen without their first dimension ---- */

static bool
is_elementwise (const SfStage *stage)
{
  for (size_t i = 0; i < stage->n_instrs; i++)
    {
      const SfTileOp *row = sf_tile_op_find (stage->instrs[i].op, stage->instrs[i].version);
      if (row == NULL || (row->tile_class != SF_TILE_MAP && !g_str_equal (row->name, "fill")))
        return false;
    }
  return true;
}

/* Whether `image` is `shape` and a first dimension of 1. */
static bool
is_with_first (const SfShape *image, const SfShape *shape)
{
  return image->rank == 4 && image->dim[0] == 1 && shape->rank == 3
         && memcmp (image->dim + 1, shape->dim, 3 * sizeof *shape->dim) == 0;
}

SfBuffer
rdu_layout_buffer (const SfProgram *program, uint32_t config, uint32_t index)
{
  SfBuffer buffer = sf_config_buffer (program, config, index);
  for (uint32_t s = 0; s < sf_config_n_stages (program, config); s++)
    {
      SfStage stage = sf_config_stage (program, config, s);
      for (size_t o = 0; o < stage.n_operands; o++)
        if (stage.operands[o].kind != SF_OPERAND_TEMP && stage.operands[o].buffer == index
            && is_with_first (&stage.operands[o].shape, &buffer.shape))
          buffer.shape = stage.operands[o].shape;
    }
  return buffer;
}

/* Whether the operand is all of an image that its buffer has by itself. */
static bool
is_sole_image (const SfProgram *program, uint32_t config, const SfOperand *operand)
{
  if (operand->kind == SF_OPERAND_TEMP || operand->shape.rank != 3)
    return false;
  SfShape shape = rdu_layout_buffer (program, config, operand->buffer).shape;
  return is_with_first (&shape, &operand->shape);
}

static void
add_first_dimension (SfOperand *operand)
{
  memmove (operand->shape.dim + 1, operand->shape.dim, 3 * sizeof *operand->shape.dim);
  memmove (operand->dim + 1, operand->dim, 3 * sizeof *operand->dim);
  operand->shape.rank = 4;
  operand->shape.dim[0] = 1;
  operand->dim[0] = (SfAccess){ .size = 1, .stride = 1 };
}

SfStage
rdu_layout_stage (const SfProgram *program, uint32_t config, uint32_t index, SfOperand **own)
{
  SfStage stage = sf_config_stage (program, config, index);
  size_t n_images = 0;
  *own = NULL;
  if (!is_elementwise (&stage))
    return stage;
  for (size_t o = 0; o < stage.n_operands; o++)
    {
      const SfOperand *operand = &stage.operands[o];
      bool is_image = is_sole_image (program, config, operand);
      if (operand->kind == SF_OPERAND_OUT && !is_image)
        return stage;
      n_images += is_image;
    }
  if (n_images == 0)
    return stage;
  *own = g_memdup2 (stage.operands, stage.n_operands * sizeof *stage.operands);
  for (size_t o = 0; o < stage.n_operands; o++)
    if (is_sole_image (program, config, &stage.operands[o])
        || (stage.operands[o].kind == SF_OPERAND_TEMP && stage.operands[o].shape.rank == 3))
      add_first_dimension (&(*own)[o]);
  stage.operands = *own;
  return stage;
}

/* ---- nodes ---- */

static void
count_nodes (RduLayouts *layouts, const SfProgram *program)
{
  layouts->n_nodes = sf_program_n_tensors (program);
  layouts->n_sections = sf_program_n_configs (program);
  layouts->sections = g_new0 (Section, layouts->n_sections);
  for (uint32_t c = 0; c < layouts->n_sections; c++)
    {
      Section *section = &layouts->sections[c];
      section->n_stages = sf_config_n_stages (program, c);
      section->operands = g_new (size_t, section->n_stages + 1);
      section->buffers = layouts->n_nodes;
      layouts->n_nodes += sf_config_n_buffers (program, c);
      for (uint32_t s = 0; s < section->n_stages; s++)
        {
          section->operands[s] = layouts->n_nodes;
          layouts->n_nodes += sf_config_stage (program, c, s).n_operands;
        }
    }
  layouts->nodes = g_new0 (Node, layouts->n_nodes + 1);
  for (size_t i = 0; i < layouts->n_nodes; i++)
    layouts->nodes[i].parent = i;
}

static void
join_tensors (const RduLayouts *layouts, const SfProgram *program)
{
  for (uint32_t t = 0; t < sf_program_n_tensors (program); t++)
    {
      SfProgramTensor tensor = sf_program_tensor (program, t);
      see (layouts, t, &tensor.shape);
      if (tensor.role == SF_TENSOR_NEXT)
        join (layouts, t, tensor.state);
    }
}

static void
join_section (const RduLayouts *layouts, const SfProgram *program, uint32_t config)
{
  const Section *section = &layouts->sections[config];
  for (uint32_t b = 0; b < sf_config_n_buffers (program, config); b++)
    {
      SfBuffer buffer = rdu_layout_buffer (program, config, b);
      see (layouts, section->buffers + b, &buffer.shape);
    }
  for (uint32_t s = 0; s < section->n_stages; s++)
    {
      g_autofree SfOperand *own = NULL;
      SfStage stage = rdu_layout_stage (program, config, s, &own);
      for (size_t o = 0; o < stage.n_operands; o++)
        {
          see (layouts, section->operands[s] + o, &stage.operands[o].shape);
          if (stage.operands[o].kind != SF_OPERAND_TEMP)
            join (layouts, section->operands[s] + o, section->buffers + stage.operands[o].buffer);
        }
    }
}

/* A part of a tensor, or what the host works on, lies row-major. */
static void
join_launch (const RduLayouts *layouts, const SfProgram *program, const SfLaunch *launch)
{
  if (launch->target == SF_TARGET_HOST)
    {
      for (size_t i = 0; i < launch->n_bindings; i++)
        hold (layouts, launch->bindings[i].tensor);
      return;
    }
  for (uint32_t s = 0; s < sf_config_n_streams (program, launch->config); s++)
    {
      SfStream stream = sf_config_stream (program, launch->config, s);
      const SfBinding *binding = &launch->bindings[stream.slot];
      join (layouts, binding->tensor, layouts->sections[launch->config].buffers + stream.buffer);
      if (binding->offset_elems != 0)
        hold (layouts, binding->tensor);
    }
}

/* ---- instructions ---- */

static const Window *
find_window (const char *op)
{
  for (size_t i = 0; i < G_N_ELEMENTS (windows); i++)
    if (g_str_equal (windows[i].op, op))
      return &windows[i];
  return NULL;
}

/* Elementwise, dimension by dimension: operands are best in one order. */
static bool
is_aligned (const SfInstr *instr, const SfTileOp *row)
{
  if (row->tile_class == SF_TILE_MAP)
    return true;
  bool is_identity = g_str_equal (row->name, "copy") && instr->imm[8] == 4;
  for (int d = 0; d < 4; d++)
    is_identity &= instr->imm[d] == d;
  return is_identity;
}

/* Matrices, rows and tables are read as they are. */
static bool
wants_rows (const SfTileOp *row)
{
  return row->tile_class == SF_TILE_GEMM || row->tile_class == SF_TILE_ROW
         || row->tile_class == SF_TILE_INDEX;
}

/* Holds weights, matrices and tables to rows. */
static void
hold_operands (const RduLayouts *layouts, const SfInstr *instr, const SfTileOp *row,
               size_t operands)
{
  const Window *window = find_window (row->name);
  for (uint32_t i = 0; i < instr->n_src; i++)
    if (wants_rows (row) || (window != NULL && (window->src >> i & 1) == 0))
      hold (layouts, operands + instr->src[i]);
  for (uint32_t i = 0; i < instr->n_dst; i++)
    if (wants_rows (row) || (window != NULL && (window->dst >> i & 1) == 0))
      hold (layouts, operands + instr->dst[i]);
}

/* Whether another class became channels-last. */
static bool
choose_operands (const RduLayouts *layouts, const SfInstr *instr, const SfTileOp *row,
                 size_t operands)
{
  bool is_window = find_window (row->name) != NULL, passes_on = is_window, has_changed = false;
  if (!is_window && !is_aligned (instr, row))
    return false;
  for (uint32_t i = 0; i < instr->n_src; i++)
    passes_on |= class_of (layouts, operands + instr->src[i])->is_last;
  for (uint32_t i = 0; i < instr->n_dst; i++)
    passes_on |= class_of (layouts, operands + instr->dst[i])->is_last;
  for (uint32_t i = 0; i < instr->n_src && passes_on; i++)
    has_changed |= choose (layouts, operands + instr->src[i]);
  for (uint32_t i = 0; i < instr->n_dst && passes_on; i++)
    has_changed |= choose (layouts, operands + instr->dst[i]);
  return has_changed;
}

/* All instructions once: holds (`hold_them`) or chooses. */
static bool
each_instr (const RduLayouts *layouts, const SfProgram *program, bool hold_them)
{
  bool has_changed = false;
  for (uint32_t c = 0; c < layouts->n_sections; c++)
    for (uint32_t s = 0; s < layouts->sections[c].n_stages; s++)
      {
        g_autofree SfOperand *own = NULL;
        SfStage stage = rdu_layout_stage (program, c, s, &own);
        size_t operands = layouts->sections[c].operands[s];
        for (size_t i = 0; i < stage.n_instrs; i++)
          {
            const SfInstr *instr = &stage.instrs[i];
            const SfTileOp *row = sf_tile_op_find (instr->op, instr->version);
            if (row != NULL && hold_them)
              hold_operands (layouts, instr, row, operands);
            else if (row != NULL)
              has_changed |= choose_operands (layouts, instr, row, operands);
          }
      }
  return has_changed;
}

/* ---- the choice ---- */

RduLayouts *
rdu_layouts_choose (const SfProgram *program, GError **error)
{
  const char *wanted = g_getenv ("SF_RDU_LAYOUT");
  bool is_rows = g_strcmp0 (wanted, "rows") == 0;
  if (wanted != NULL && *wanted != '\0' && !is_rows && !g_str_equal (wanted, "auto"))
    {
      sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
               "SF_RDU_LAYOUT: found \"%s\", wanted auto or rows; unset it or name one of these",
               wanted);
      return NULL;
    }
  RduLayouts *layouts = g_new0 (RduLayouts, 1);
  count_nodes (layouts, program);
  if (is_rows)
    return layouts;
  join_tensors (layouts, program);
  for (uint32_t c = 0; c < layouts->n_sections; c++)
    join_section (layouts, program, c);
  for (uint32_t e = 0; e < sf_program_n_entries (program); e++)
    for (uint32_t l = 0; l < sf_entry_n_launches (program, e); l++)
      {
        SfLaunch launch = sf_entry_launch (program, e, l);
        join_launch (layouts, program, &launch);
      }
  each_instr (layouts, program, true);
  while (each_instr (layouts, program, false))
    ;
  return layouts;
}

void
rdu_layouts_free (RduLayouts *layouts)
{
  for (size_t c = 0; c < layouts->n_sections; c++)
    g_free (layouts->sections[c].operands);
  g_free (layouts->sections);
  g_free (layouts->nodes);
  g_free (layouts);
}

bool
rdu_layouts_of_tensor (const RduLayouts *layouts, uint32_t tensor)
{
  return class_of (layouts, tensor)->is_last;
}

bool
rdu_layouts_of_buffer (const RduLayouts *layouts, uint32_t config, uint32_t buffer)
{
  return class_of (layouts, layouts->sections[config].buffers + buffer)->is_last;
}

bool
rdu_layouts_of_operand (const RduLayouts *layouts, uint32_t config, uint32_t stage,
                        uint32_t operand)
{
  return class_of (layouts, layouts->sections[config].operands[stage] + operand)->is_last;
}

/* ---- places in memory ---- */

void
rdu_layout_strides (int rank, const int64_t *dim, bool channels_last, int64_t *stride)
{
  static const int last[] = { 1, 3, 2, 0 }; /* innermost first */
  int64_t n = 1;
  for (int i = 0; i < rank; i++)
    {
      int d = channels_last ? last[i] : rank - 1 - i;
      stride[d] = n;
      n *= dim[d];
    }
}

bool
rdu_layout_permutes (const SfShape *shape, bool channels_last)
{
  return channels_last && shape->dim[1] != 1 && shape->dim[2] * shape->dim[3] != 1;
}

/* to[column][row] = from[row][column], in squares that stay in cache. */
static void
transpose (const int32_t *from, int64_t rows, int64_t columns, int32_t *to)
{
  for (int64_t c0 = 0; c0 < columns; c0 += TRANSPOSE_BLOCK)
    for (int64_t r0 = 0; r0 < rows; r0 += TRANSPOSE_BLOCK)
      for (int64_t c = c0; c < MIN (c0 + TRANSPOSE_BLOCK, columns); c++)
        for (int64_t r = r0; r < MIN (r0 + TRANSPOSE_BLOCK, rows); r++)
          to[c * rows + r] = from[r * columns + c];
}

/* The next elements of the logical order that lie alike in both: an image, or pixels of a channel.
 */
typedef struct
{
  bool is_image;
  int64_t n;
  int64_t place; /* in the channels-last tensor, from image 0 */
} Run;

static Run
run_at (const SfShape *shape, int64_t begin, int64_t n)
{
  int64_t channels = shape->dim[1], pixels = shape->dim[2] * shape->dim[3];
  int64_t image = begin / (channels * pixels), pixel = begin % pixels;
  if (begin % (channels * pixels) == 0 && n >= channels * pixels)
    return (Run){ .is_image = true, .n = channels * pixels, .place = begin };
  return (Run){ .n = MIN (n, pixels - pixel),
                .place = (image * pixels + pixel) * channels + begin / pixels % channels };
}

void
rdu_layout_scatter (const SfShape *shape, int64_t begin, int64_t n, const int32_t *rows,
                    int32_t *images, int64_t first_image)
{
  int64_t channels = shape->dim[1], pixels = shape->dim[2] * shape->dim[3];
  for (Run run; n > 0; rows += run.n, begin += run.n, n -= run.n)
    {
      run = run_at (shape, begin, n);
      int32_t *to = images + (run.place - first_image * channels * pixels);
      if (run.is_image)
        transpose (rows, channels, pixels, to);
      else
        for (int64_t i = 0; i < run.n; i++)
          to[i * channels] = rows[i];
    }
}

void
rdu_layout_gather (const SfShape *shape, int64_t begin, int64_t n, int32_t *rows,
                   const int32_t *images, int64_t first_image)
{
  int64_t channels = shape->dim[1], pixels = shape->dim[2] * shape->dim[3];
  for (Run run; n > 0; rows += run.n, begin += run.n, n -= run.n)
    {
      run = run_at (shape, begin, n);
      const int32_t *from = images + (run.place - first_image * channels * pixels);
      if (run.is_image)
        transpose (from, pixels, channels, rows);
      else
        for (int64_t i = 0; i < run.n; i++)
          rows[i] = from[i * channels];
    }
}
