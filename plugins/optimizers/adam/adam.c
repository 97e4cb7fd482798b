/* SPDX-License-Identifier: Apache-2.0 */
/* Adam (Kingma and Ba, ICLR 2015) and, with decoupled weight decay, AdamW (Loshchilov and Hutter,
 * ICLR 2019), as torch.optim. Built twice: SF_ADAM_DECOUPLED makes it adamw. */
#include <sf/exact.h>
#include <sf/plugin/optimizer.h>

#include <math.h>

#ifdef SF_ADAM_DECOUPLED
#define NAME    "adamw"
#define SUMMARY "Adam with decoupled weight decay"
#define DECAY   "0.01"
#else
#define NAME    "adam"
#define SUMMARY "adaptive moments; weight decay is added to the gradient"
#define DECAY   "0"
#endif

static const SfOption options[] = {
  { .name = "lr",
    .type = SF_OPTION_FLOAT,
    .def = "0.001",
    .min = 0,
    .max = 1e6,
    .help = "learning rate, before the schedule" },
  { .name = "beta1",
    .type = SF_OPTION_FLOAT,
    .def = "0.9",
    .min = 0,
    .max = 1,
    .help = "decay of the first moment" },
  { .name = "beta2",
    .type = SF_OPTION_FLOAT,
    .def = "0.999",
    .min = 0,
    .max = 1,
    .help = "decay of the second moment" },
  { .name = "eps",
    .type = SF_OPTION_FLOAT,
    .def = "1e-8",
    .min = 0,
    .max = 1,
    .help = "added to the root of the second moment" },
  { .name = "weight-decay",
    .type = SF_OPTION_FLOAT,
    .def = DECAY,
    .min = 0,
    .max = 1e6,
    .help = "weight decay" },
  { .name = NULL },
};

/* Scalars that the host computes in f64 for each step. */
static const char *const derived[] = { "one_minus_beta1", "one_minus_beta2", "bias1", "sqrt_bias2",
                                       NULL };

static double
derive (const SfOptionValues *values, const char *name, int64_t step)
{
  double beta1 = sf_option_float (values, "beta1"), beta2 = sf_option_float (values, "beta2");
  if (strcmp (name, "one_minus_beta1") == 0)
    return 1 - beta1;
  if (strcmp (name, "one_minus_beta2") == 0)
    return 1 - beta2;
  if (strcmp (name, "bias1") == 0)
    return 1 - sf_exact_pow (beta1, (double) step);
  return sqrt (1 - sf_exact_pow (beta2, (double) step));
}

/* Operations on a graph whose first failure sticks: later ones do nothing. */
typedef struct
{
  SfOptimizerContext *context;
  size_t index;
  GError **error;
  bool failed;
} Rule;

static SfValue
op2 (Rule *rule, const char *op, SfValue a, SfValue b)
{
  SfValue y = rule->failed
                  ? SF_NONE
                  : sf_graph_op2 (sf_optimizer_graph (rule->context), op, a, b, rule->error);
  rule->failed |= y == SF_NONE;
  return y;
}

static SfValue
hyper (Rule *rule, const char *name)
{
  SfValue y = rule->failed ? SF_NONE
                           : sf_optimizer_hyper (rule->context, rule->index, name, rule->error);
  rule->failed |= y == SF_NONE;
  return y;
}

/* state = beta state + one_minus_beta x; returns the new state. */
static SfValue
moment (Rule *rule, const char *name, const char *beta, const char *one_minus_beta, SfValue x)
{
  SfValue state = rule->failed ? SF_NONE
                               : sf_optimizer_state (rule->context, rule->index, name, rule->error);
  rule->failed |= state == SF_NONE;
  SfValue kept = op2 (rule, "mul", state, hyper (rule, beta)),
          fresh = op2 (rule, "mul", x, hyper (rule, one_minus_beta));
  SfValue next = op2 (rule, "add", kept, fresh);
  rule->failed |= !rule->failed
                  && !sf_optimizer_update_state (rule->context, state, next, rule->error);
  return next;
}

/* m, v: moments of g and g g;  w = w - lr / bias1 * m / (sqrt v / sqrt_bias2 + eps), with decay in
 * g (adam) or taken from w first (adamw). */
static bool
apply (SfOptimizerContext *context, size_t index, GError **error)
{
  Rule rule = { context, index, error, false };
  SfValue w = sf_optimizer_param (context, index), g = sf_optimizer_grad (context, index),
          lr = hyper (&rule, "lr");
  SfValue penalty = op2 (&rule, "mul", w, hyper (&rule, "weight_decay"));
#ifdef SF_ADAM_DECOUPLED
  w = op2 (&rule, "sub", w, op2 (&rule, "mul", penalty, lr));
#else
  g = op2 (&rule, "add", g, penalty);
#endif
  SfValue m = moment (&rule, "exp_avg", "beta1", "one_minus_beta1", g);
  SfValue v = moment (&rule, "exp_avg_sq", "beta2", "one_minus_beta2", op2 (&rule, "mul", g, g));
  SfValue root = rule.failed ? SF_NONE
                             : sf_graph_op1 (sf_optimizer_graph (context), "sqrt", v, error);
  rule.failed |= root == SF_NONE;
  SfValue denominator = op2 (&rule, "add", op2 (&rule, "div", root, hyper (&rule, "sqrt_bias2")),
                             hyper (&rule, "eps"));
  SfValue step = op2 (&rule, "mul", op2 (&rule, "div", lr, hyper (&rule, "bias1")),
                      op2 (&rule, "div", m, denominator));
  SfValue next = op2 (&rule, "sub", w, step);
  return !rule.failed && sf_optimizer_update (context, index, next, error);
}

static bool
build (SfOptimizerContext *context, GError **error)
{
  return sf_optimizer_map (context, apply, error);
}

static const SfOptimizerOps ops
    = { .size = sizeof ops, .build = build, .derived = derived, .derive = derive };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_OPTIMIZER, NAME, "1.0", SUMMARY),
  .options = options,
  .ops.optimizer = &ops,
};
