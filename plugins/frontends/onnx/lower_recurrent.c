/* SPDX-License-Identifier: Apache-2.0 */
/* RNN, GRU, LSTM: unrolled over time. The inputs of all steps are projected by one product; what a
 * step adds is the product with the state. A sequence that has ended keeps its state and puts out
 * zeros, which also makes the reverse direction begin at each sequence's own end. */
#include "importer.h"

#define MAX_STEPS       4096
#define MAX_GATES       4
#define MAX_ACTIVATIONS 3

/* ---- activations ---- */

typedef struct
{
  const char *name;
  int n_args; /* alpha; alpha and beta */
  double alpha, beta;
  SfValue (*apply) (OnnxNode *node, SfValue x, double alpha, double beta);
} Activation;

static SfValue
act_relu (OnnxNode *node, SfValue x, double alpha, double beta)
{
  return onnx_1 (node, "relu", x);
}

static SfValue
act_tanh (OnnxNode *node, SfValue x, double alpha, double beta)
{
  return onnx_1 (node, "tanh", x);
}

static SfValue
act_sigmoid (OnnxNode *node, SfValue x, double alpha, double beta)
{
  return onnx_1 (node, "sigmoid", x);
}

static SfValue
act_affine (OnnxNode *node, SfValue x, double alpha, double beta)
{
  return onnx_2f (node, "add", onnx_2f (node, "mul", x, alpha), beta);
}

static SfValue
act_leaky_relu (OnnxNode *node, SfValue x, double alpha, double beta)
{
  return onnx_select (node, onnx_2f (node, "lt", x, 0), onnx_2f (node, "mul", x, alpha), x);
}

static SfValue
act_thresholded_relu (OnnxNode *node, SfValue x, double alpha, double beta)
{
  SfValue zero = onnx_scalar (node, onnx_dtype (node, x), 0);
  return onnx_select (node, onnx_2f (node, "ge", x, alpha), x, zero);
}

static SfValue
act_scaled_tanh (OnnxNode *node, SfValue x, double alpha, double beta)
{
  return onnx_2f (node, "mul", onnx_1 (node, "tanh", onnx_2f (node, "mul", x, beta)), alpha);
}

static SfValue
act_hard_sigmoid (OnnxNode *node, SfValue x, double alpha, double beta)
{
  return onnx_2f (node, "min", onnx_2f (node, "max", act_affine (node, x, alpha, beta), 0), 1);
}

/* The exponential sees only what is negative, so that nothing overflows on the other side. */
static SfValue
act_elu (OnnxNode *node, SfValue x, double alpha, double beta)
{
  SfValue low = onnx_1 (node, "exp", onnx_2f (node, "min", x, 0));
  low = onnx_2f (node, "mul", onnx_2f (node, "sub", low, 1), alpha);
  return onnx_select (node, onnx_2f (node, "lt", x, 0), low, x);
}

static SfValue
act_softsign (OnnxNode *node, SfValue x, double alpha, double beta)
{
  return onnx_2 (node, "div", x, onnx_2f (node, "add", onnx_1 (node, "abs", x), 1));
}

/* max (x, 0) + log (1 + exp (-|x|)) */
static SfValue
act_softplus (OnnxNode *node, SfValue x, double alpha, double beta)
{
  SfValue tail = onnx_1 (node, "exp", onnx_1 (node, "neg", onnx_1 (node, "abs", x)));
  tail = onnx_1 (node, "log", onnx_2f (node, "add", tail, 1));
  return onnx_2 (node, "add", onnx_1 (node, "relu", x), tail);
}

static const Activation activations[] = {
  { "Relu", 0, 0, 0, act_relu },
  { "Tanh", 0, 0, 0, act_tanh },
  { "Sigmoid", 0, 0, 0, act_sigmoid },
  { "Affine", 2, 1, 0, act_affine },
  { "LeakyRelu", 1, 0.01, 0, act_leaky_relu },
  { "ThresholdedRelu", 1, 1, 0, act_thresholded_relu },
  { "ScaledTanh", 2, 1, 1, act_scaled_tanh },
  { "HardSigmoid", 2, 0.2, 0.5, act_hard_sigmoid },
  { "Elu", 1, 1, 0, act_elu },
  { "Softsign", 0, 0, 0, act_softsign },
  { "Softplus", 0, 0, 0, act_softplus },
};

/* ---- the layer ---- */

typedef struct Layer Layer;
typedef struct Cell Cell;

/* One of the three operators. */
typedef struct
{
  int gates;
  int n_activations;
  const char *defaults[MAX_ACTIVATIONS];
  bool has_cell; /* a second state */
  void (*prepare) (Layer *layer, Cell *cell, SfValue r);
  /* From x [N, gates H], projected, with its biases, and the state to the next state. */
  void (*step) (Layer *layer, Cell *cell, SfValue x);
} Kind;

struct Layer
{
  OnnxNode *node;
  const Kind *kind;
  int64_t directions, steps, batch, inputs, hidden;
  bool reverse; /* the only direction, or the first */
  bool batch_first;
  double clip; /* 0: none */
  bool linear_before_reset, input_forget;
  SfValue x;         /* [steps, batch, inputs] */
  SfValue w, r, b;   /* [directions, ...]; b may be SF_NONE */
  SfValue peepholes; /* [directions, 3 hidden] or SF_NONE */
  SfValue h, c;      /* [directions, batch, hidden] or SF_NONE */
  SfValue ends;      /* [batch, 1]: steps of each sequence; SF_NONE: all go to the end */
};

/* One direction of it, at some step. */
struct Cell
{
  Activation act[MAX_ACTIVATIONS];
  SfValue r[2];   /* weights of the state: all gates; GRU: update and reset, then hidden */
  SfValue r_bias; /* GRU with linear_before_reset: of the hidden gate */
  SfValue peephole[3];
  SfValue h, c; /* [batch, hidden] */
};

/* [directions, ...] at `direction`, without that dimension. */
static SfValue
direction_of (OnnxNode *node, SfValue v, int64_t direction)
{
  if (v == SF_NONE)
    return SF_NONE;
  SfShape shape = onnx_shape (node, v);
  v = onnx_slice (node, v, 0, direction, direction + 1, 1);
  return onnx_reshape (node, v, sf_shape (MAX (shape.rank - 1, 0), &shape.dim[1]));
}

/* Gate `i` of v [..., gates H] along `axis`. */
static SfValue
gate (const Layer *l, SfValue v, int64_t axis, int64_t first, int64_t n)
{
  return onnx_slice (l->node, v, axis, first * l->hidden, (first + n) * l->hidden, 1);
}

static SfValue
linear (const Layer *l, SfValue x, SfValue w, SfValue b)
{
  const SfValue inputs[] = { x, w, b };
  return onnx_node (l->node, "linear", inputs, b == SF_NONE ? 2 : 3, NULL, 0, NULL);
}

static SfValue
add (const Layer *l, SfValue a, SfValue b)
{
  return onnx_2 (l->node, "add", a, b);
}

static SfValue
mul (const Layer *l, SfValue a, SfValue b)
{
  return onnx_2 (l->node, "mul", a, b);
}

static SfValue
activate (const Layer *l, const Cell *cell, int which, SfValue x)
{
  const Activation *act = &cell->act[which];
  if (l->clip > 0)
    x = onnx_2f (l->node, "max", onnx_2f (l->node, "min", x, l->clip), -l->clip);
  return act->apply (l->node, x, act->alpha, act->beta);
}

/* ---- RNN ---- */

static void
prepare_all_gates (Layer *l, Cell *cell, SfValue r)
{
  cell->r[0] = r;
}

static void
step_rnn (Layer *l, Cell *cell, SfValue x)
{
  cell->h = activate (l, cell, 0, add (l, x, linear (l, cell->h, cell->r[0], SF_NONE)));
}

/* ---- GRU: gates z r h ---- */

static void
prepare_gru (Layer *l, Cell *cell, SfValue r)
{
  cell->r[0] = gate (l, r, 0, 0, 2);
  cell->r[1] = gate (l, r, 0, 2, 1);
}

static void
step_gru (Layer *l, Cell *cell, SfValue x)
{
  SfValue zr = add (l, gate (l, x, 1, 0, 2), linear (l, cell->h, cell->r[0], SF_NONE));
  zr = activate (l, cell, 0, zr);
  SfValue z = gate (l, zr, 1, 0, 1), r = gate (l, zr, 1, 1, 1);
  SfValue from_state = l->linear_before_reset
                           ? mul (l, r, linear (l, cell->h, cell->r[1], cell->r_bias))
                           : linear (l, mul (l, r, cell->h), cell->r[1], SF_NONE);
  SfValue h = activate (l, cell, 1, add (l, gate (l, x, 1, 2, 1), from_state));
  /* (1 - z) h + z H = h + z (H - h) */
  cell->h = add (l, h, mul (l, z, onnx_2 (l->node, "sub", cell->h, h)));
}

/* ---- LSTM: gates i o f c ---- */

static SfValue
peep (const Layer *l, const Cell *cell, int which, SfValue x, SfValue c)
{
  return cell->peephole[which] == SF_NONE ? x : add (l, x, mul (l, cell->peephole[which], c));
}

static void
step_lstm (Layer *l, Cell *cell, SfValue x)
{
  x = add (l, x, linear (l, cell->h, cell->r[0], SF_NONE));
  SfValue i = activate (l, cell, 0, peep (l, cell, 0, gate (l, x, 1, 0, 1), cell->c));
  SfValue f = l->input_forget
                  ? onnx_2f (l->node, "add", onnx_1 (l->node, "neg", i), 1)
                  : activate (l, cell, 0, peep (l, cell, 2, gate (l, x, 1, 2, 1), cell->c));
  SfValue c = activate (l, cell, 1, gate (l, x, 1, 3, 1));
  cell->c = add (l, mul (l, f, cell->c), mul (l, i, c));
  SfValue o = activate (l, cell, 0, peep (l, cell, 1, gate (l, x, 1, 1, 1), cell->c));
  cell->h = mul (l, o, activate (l, cell, 2, cell->c));
}

static const Kind rnn = { 1, 1, { "Tanh" }, false, prepare_all_gates, step_rnn };
static const Kind gru = { 3, 2, { "Sigmoid", "Tanh" }, false, prepare_gru, step_gru };
static const Kind lstm
    = { 4, 3, { "Sigmoid", "Tanh", "Tanh" }, true, prepare_all_gates, step_lstm };

/* ---- reading ---- */

static bool
read_direction (Layer *l)
{
  const char *name = onnx_string (l->node, "direction", "forward");
  if (onnx_failed (l->node))
    return false;
  l->reverse = g_str_equal (name, "reverse");
  l->directions = g_str_equal (name, "bidirectional") ? 2 : 1;
  if (l->reverse || l->directions == 2 || g_str_equal (name, "forward"))
    return true;
  onnx_refuse (l->node, SF_ERROR_INVALID_DATA,
               "attribute direction is %s, wanted forward, reverse or bidirectional", name);
  return false;
}

static const Activation *
find_activation (OnnxNode *node, const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (activations); i++)
    if (g_ascii_strcasecmp (activations[i].name, name) == 0)
      return &activations[i];
  onnx_refuse (node, SF_ERROR_INVALID_DATA,
               "activation %s is not known, wanted Relu, Tanh, Sigmoid, Affine, LeakyRelu, "
               "ThresholdedRelu, ScaledTanh, HardSigmoid, Elu, Softsign or Softplus",
               name);
  return NULL;
}

/* Alphas and betas stand in the order of the activations that take one. */
static bool
read_activations (Layer *l, Cell *cells)
{
  const char *const *names;
  const double *alphas, *betas;
  size_t n = onnx_strings (l->node, "activations", &names), alpha = 0, beta = 0;
  size_t n_alphas = onnx_floats (l->node, "activation_alpha", &alphas);
  size_t n_betas = onnx_floats (l->node, "activation_beta", &betas);
  size_t each = (size_t) l->kind->n_activations, wanted = each * (size_t) l->directions;
  if (onnx_failed (l->node))
    return false;
  if (n != 0 && n < wanted)
    {
      onnx_refuse (l->node, SF_ERROR_INVALID_DATA,
                   "attribute activations has %zu names, wanted %zu", n, wanted);
      return false;
    }
  for (size_t i = 0; i < wanted; i++)
    {
      const Activation *found = find_activation (l->node,
                                                 n != 0 ? names[i] : l->kind->defaults[i % each]);
      if (found == NULL)
        return false;
      Activation *act = &cells[i / each].act[i % each];
      *act = *found;
      if (found->n_args > 0 && alpha < n_alphas)
        act->alpha = alphas[alpha++];
      if (found->n_args > 1 && beta < n_betas)
        act->beta = betas[beta++];
    }
  return true;
}

/* X in steps first, and the sizes that weights and states must have. */
static bool
read_sizes (Layer *l)
{
  SfShape x = onnx_input_shape (l->node, 0), r = onnx_input_shape (l->node, 2);
  int64_t hidden = onnx_int (l->node, "hidden_size", 0);
  l->batch_first = onnx_int (l->node, "layout", 0) != 0;
  if (onnx_failed (l->node))
    return false;
  if (x.rank != 3 || r.rank != 3 || (hidden != 0 && r.dim[2] != hidden))
    {
      g_autofree char *x_text = sf_shape_text (&x);
      g_autofree char *r_text = sf_shape_text (&r);
      onnx_refuse (l->node, SF_ERROR_INVALID_DATA,
                   "X has shape %s, R %s and hidden_size is %" G_GINT64_FORMAT
                   ", wanted X of rank 3 and R [directions,gates*hidden_size,hidden_size]",
                   x_text, r_text, hidden);
      return false;
    }
  l->steps = x.dim[l->batch_first ? 1 : 0];
  l->batch = x.dim[l->batch_first ? 0 : 1];
  l->inputs = x.dim[2];
  l->hidden = r.dim[2];
  if (l->steps >= 1 && l->steps <= MAX_STEPS)
    return true;
  onnx_refuse (l->node, SF_ERROR_UNSUPPORTED,
               "sequence has %" G_GINT64_FORMAT " steps, wanted 1 to %d, since it is unrolled",
               l->steps, MAX_STEPS);
  return false;
}

static bool
is_known_zero (OnnxNode *node, size_t index)
{
  const double *values;
  if (!onnx_is_known (node, index))
    return false;
  size_t n = onnx_known_floats (node, index, &values);
  for (size_t i = 0; i < n; i++)
    if (values[i] != 0)
      return false;
  return true;
}

/* An initial state as [directions, batch, hidden]. Zeros that an exporter wrote out are no
 * parameter. */
static SfValue
initial_state (const Layer *l, size_t index)
{
  static const int64_t batch_inside[] = { 1, 0, 2 };
  SfShape shape = SF_SHAPE (l->directions, l->batch, l->hidden);
  if (!onnx_has_input (l->node, index) || is_known_zero (l->node, index))
    return onnx_broadcast (l->node, onnx_scalar (l->node, onnx_dtype (l->node, l->x), 0), shape);
  SfValue v = onnx_input (l->node, index);
  if (l->batch_first)
    v = onnx_transpose (l->node, v, batch_inside);
  return onnx_reshape (l->node, v, shape);
}

/* SF_NONE when every sequence is known to last to the end. */
static SfValue
sequence_ends (const Layer *l)
{
  if (!onnx_has_input (l->node, 4))
    return SF_NONE;
  if (onnx_is_known (l->node, 4))
    {
      OnnxInts ends = onnx_known_ints (l->node, 4);
      size_t whole = 0;
      while (whole < ends.n && ends.at[whole] >= l->steps)
        whole++;
      if (whole == ends.n)
        return SF_NONE;
    }
  return onnx_reshape (l->node, onnx_input_i32 (l->node, 4), SF_SHAPE (l->batch, 1));
}

static void
read_inputs (Layer *l)
{
  static const int64_t batch_inside[] = { 1, 0, 2 };
  int64_t d = l->directions, h = l->hidden, g = l->kind->gates;
  OnnxNode *node = l->node;
  l->x = onnx_input (node, 0);
  if (l->batch_first)
    l->x = onnx_transpose (node, l->x, batch_inside);
  l->w = onnx_reshape (node, onnx_input (node, 1), SF_SHAPE (d, g * h, l->inputs));
  l->r = onnx_reshape (node, onnx_input (node, 2), SF_SHAPE (d, g * h, h));
  l->b = onnx_has_input (node, 3)
             ? onnx_reshape (node, onnx_input (node, 3), SF_SHAPE (d, 2 * g * h))
             : SF_NONE;
  l->ends = sequence_ends (l);
  l->h = initial_state (l, 5);
  l->c = l->peepholes = SF_NONE;
  if (l->kind->has_cell)
    {
      l->c = initial_state (l, 6);
      if (onnx_has_input (node, 7))
        l->peepholes = onnx_reshape (node, onnx_input (node, 7), SF_SHAPE (d, 3 * h));
    }
}

/* ---- unrolling ---- */

/* The biases of X and, but for what GRU adds before its reset, of the state: [gates H]. */
static SfValue
joint_bias (const Layer *l, Cell *cell, SfValue b)
{
  int64_t g = l->kind->gates;
  if (b == SF_NONE)
    return SF_NONE;
  SfValue of_x = gate (l, b, 0, 0, g), of_state = gate (l, b, 0, g, g);
  if (!l->linear_before_reset)
    return add (l, of_x, of_state);
  cell->r_bias = gate (l, of_state, 0, 2, 1);
  const SfValue parts[] = { add (l, gate (l, of_x, 0, 0, 2), gate (l, of_state, 0, 0, 2)),
                            gate (l, of_x, 0, 2, 1) };
  return onnx_concat (l->node, parts, 2, 0);
}

/* Everything that is the same at every step; the projected inputs as [steps batch, gates H]. */
static SfValue
begin_direction (Layer *l, Cell *cell, int64_t direction)
{
  OnnxNode *node = l->node;
  SfValue peepholes = direction_of (node, l->peepholes, direction);
  cell->r_bias = SF_NONE;
  cell->h = direction_of (node, l->h, direction);
  cell->c = direction_of (node, l->c, direction);
  for (int i = 0; i < 3; i++)
    cell->peephole[i] = peepholes == SF_NONE ? SF_NONE : gate (l, peepholes, 0, i, 1);
  l->kind->prepare (l, cell, direction_of (node, l->r, direction));
  SfValue x = onnx_reshape (node, l->x, SF_SHAPE (l->steps * l->batch, l->inputs));
  SfValue b = joint_bias (l, cell, direction_of (node, l->b, direction));
  return linear (l, x, direction_of (node, l->w, direction), b);
}

/* One step; returns what it puts out. */
static SfValue
step (Layer *l, Cell *cell, SfValue x, int64_t at)
{
  SfValue h = cell->h, c = cell->c;
  l->kind->step (l, cell, onnx_slice (l->node, x, 0, at * l->batch, (at + 1) * l->batch, 1));
  if (l->ends == SF_NONE)
    return cell->h;
  SfValue runs = onnx_2f (l->node, "gt", l->ends, (double) at);
  SfValue zero = onnx_scalar (l->node, onnx_dtype (l->node, cell->h), 0);
  SfValue y = onnx_select (l->node, runs, cell->h, zero);
  cell->h = onnx_select (l->node, runs, cell->h, h);
  if (c != SF_NONE)
    cell->c = onnx_select (l->node, runs, cell->c, c);
  return y;
}

/* [steps, 1, batch, hidden] */
static SfValue
run_direction (Layer *l, Cell *cell, int64_t direction)
{
  bool reverse = l->reverse || direction == 1;
  SfValue x = begin_direction (l, cell, direction);
  g_autofree SfValue *y = g_new (SfValue, (gsize) l->steps);
  for (int64_t i = 0; i < l->steps && !onnx_failed (l->node); i++)
    {
      int64_t at = reverse ? l->steps - 1 - i : i;
      y[at] = step (l, cell, x, at);
    }
  if (onnx_failed (l->node) || !onnx_wants_output (l->node, 0))
    return SF_NONE;
  SfValue all = onnx_concat (l->node, y, (size_t) l->steps, 0);
  return onnx_reshape (l->node, all, SF_SHAPE (l->steps, 1, l->batch, l->hidden));
}

/* The last states of all directions: [directions, batch, hidden], batch first when so laid out. */
static void
set_last (const Layer *l, size_t output, const SfValue *last)
{
  static const int64_t batch_first[] = { 1, 0, 2 };
  SfValue parts[2] = { SF_NONE, SF_NONE };
  if (!onnx_wants_output (l->node, output))
    return;
  for (int64_t d = 0; d < l->directions; d++)
    parts[d] = onnx_reshape (l->node, last[d], SF_SHAPE (1, l->batch, l->hidden));
  SfValue v = l->directions == 1 ? parts[0] : onnx_concat (l->node, parts, 2, 0);
  onnx_set (l->node, output, l->batch_first ? onnx_transpose (l->node, v, batch_first) : v);
}

static void
lower (OnnxNode *node, const Kind *kind)
{
  static const int64_t batch_first[] = { 2, 0, 1, 3 };
  Layer l = { .node = node, .kind = kind };
  Cell cells[2] = { 0 };
  l.clip = onnx_float (node, "clip", 0);
  if (kind == &gru)
    l.linear_before_reset = onnx_int (node, "linear_before_reset", 0) != 0;
  if (kind == &lstm)
    l.input_forget = onnx_int (node, "input_forget", 0) != 0;
  if (!read_direction (&l) || !read_activations (&l, cells) || !read_sizes (&l))
    return;
  read_inputs (&l);
  SfValue y[2] = { SF_NONE, SF_NONE }, h[2] = { SF_NONE, SF_NONE }, c[2] = { SF_NONE, SF_NONE };
  for (int64_t d = 0; d < l.directions; d++)
    {
      y[d] = run_direction (&l, &cells[d], d);
      h[d] = cells[d].h;
      c[d] = cells[d].c;
    }
  if (onnx_wants_output (node, 0))
    {
      SfValue all = l.directions == 1 ? y[0] : onnx_concat (node, y, 2, 1);
      onnx_set (node, 0, l.batch_first ? onnx_transpose (node, all, batch_first) : all);
    }
  set_last (&l, 1, h);
  if (kind->has_cell)
    set_last (&l, 2, c);
}

static void
lower_rnn (OnnxNode *node)
{
  lower (node, &rnn);
}

static void
lower_gru (OnnxNode *node)
{
  lower (node, &gru);
}

static void
lower_lstm (OnnxNode *node)
{
  lower (node, &lstm);
}

const OnnxRow onnx_rows_recurrent[] = {
  { "RNN", 7, lower_rnn, 0, "at most 4096 steps", NULL },
  { "GRU", 7, lower_gru, 0, "at most 4096 steps", NULL },
  { "LSTM", 7, lower_lstm, 0, "at most 4096 steps", NULL },
  { NULL, 0, NULL, 0, NULL, NULL },
};
