/* SPDX-License-Identifier: Apache-2.0 */
/* Stochastic gradient descent with weight decay, momentum and Nesterov's variant (Sutskever et al.,
 * ICML 2013), as torch.optim.SGD. */
#include <sf/plugin/optimizer.h>

static const SfOption options[] = {
  { .name = "lr",
    .type = SF_OPTION_FLOAT,
    .def = "0.01",
    .min = 0,
    .max = 1e6,
    .help = "learning rate, before the schedule" },
  { .name = "momentum",
    .type = SF_OPTION_FLOAT,
    .def = "0",
    .min = 0,
    .max = 1,
    .help = "momentum; 0 when compiled keeps no buffer" },
  { .name = "weight-decay",
    .type = SF_OPTION_FLOAT,
    .def = "0",
    .min = 0,
    .max = 1e6,
    .help = "L2 penalty added to the gradient" },
  { .name = "nesterov",
    .type = SF_OPTION_BOOL,
    .def = "false",
    .help = "look ahead along the momentum" },
  { .name = NULL },
};

/* g = grad + decay w;  v = momentum v + g;  w = w - lr (nesterov ? g + momentum v : v) */
static bool
rule (SfOptimizerContext *context, size_t index, GError **error)
{
  SfGraph *graph = sf_optimizer_graph (context);
  SfValue w = sf_optimizer_param (context, index), g = sf_optimizer_grad (context, index);
  const SfOptionValues *values = sf_optimizer_options (context, index);
  SfValue lr = sf_optimizer_hyper (context, index, "lr", error),
          decay = lr == SF_NONE ? SF_NONE
                                : sf_optimizer_hyper (context, index, "weight_decay", error);
  SfValue penalty = decay == SF_NONE ? SF_NONE : sf_graph_op2 (graph, "mul", w, decay, error);
  if (penalty == SF_NONE || (g = sf_graph_op2 (graph, "add", g, penalty, error)) == SF_NONE)
    return false;
  if (sf_option_float (values, "momentum") > 0)
    {
      SfValue momentum = sf_optimizer_hyper (context, index, "momentum", error);
      SfValue v = momentum == SF_NONE
                      ? SF_NONE
                      : sf_optimizer_state (context, index, "momentum_buffer", error);
      SfValue kept = v == SF_NONE ? SF_NONE : sf_graph_op2 (graph, "mul", v, momentum, error);
      SfValue next = kept == SF_NONE ? SF_NONE : sf_graph_op2 (graph, "add", kept, g, error);
      if (next == SF_NONE || !sf_optimizer_update_state (context, v, next, error))
        return false;
      if (sf_option_bool (values, "nesterov"))
        {
          SfValue ahead = sf_graph_op2 (graph, "mul", next, momentum, error);
          next = ahead == SF_NONE ? SF_NONE : sf_graph_op2 (graph, "add", g, ahead, error);
        }
      g = next;
    }
  SfValue step = g == SF_NONE ? SF_NONE : sf_graph_op2 (graph, "mul", g, lr, error);
  SfValue next = step == SF_NONE ? SF_NONE : sf_graph_op2 (graph, "sub", w, step, error);
  return next != SF_NONE && sf_optimizer_update (context, index, next, error);
}

static bool
build (SfOptimizerContext *context, GError **error)
{
  return sf_optimizer_map (context, rule, error);
}

static const SfOptimizerOps ops = { .size = sizeof ops, .build = build };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_OPTIMIZER, "sgd", "1.0",
                  "stochastic gradient descent with momentum and weight decay"),
  .options = options,
  .ops.optimizer = &ops,
};
