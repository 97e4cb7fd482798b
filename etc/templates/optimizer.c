/* Stochastic gradient descent with weight decay: p' = p - lr (g + decay p). */
#include <sf/plugin/optimizer.h>

/* Appends the update of one parameter to the train graph. lr and weight_decay are scalars of the
 * step, so that a schedule needs no new compile. */
static bool
step (SfOptimizerContext *context, size_t index, GError **error)
{
  SfGraph *graph = sf_optimizer_graph (context);
  SfValue p = sf_optimizer_param (context, index);
  SfValue lr = sf_optimizer_hyper (context, index, "lr", error);
  SfValue decay = lr != SF_NONE ? sf_optimizer_hyper (context, index, "weight_decay", error)
                                : SF_NONE;
  SfValue pull = decay != SF_NONE ? sf_graph_op2 (graph, "mul", p, decay, error) : SF_NONE;
  SfValue g = pull != SF_NONE
                  ? sf_graph_op2 (graph, "add", sf_optimizer_grad (context, index), pull, error)
                  : SF_NONE;
  SfValue move = g != SF_NONE ? sf_graph_op2 (graph, "mul", g, lr, error) : SF_NONE;
  SfValue next = move != SF_NONE ? sf_graph_op2 (graph, "sub", p, move, error) : SF_NONE;
  return next != SF_NONE && sf_optimizer_update (context, index, next, error);
}

static bool
build (SfOptimizerContext *context, GError **error)
{
  return sf_optimizer_map (context, step, error);
}

static const SfOption options[] = {
  { .name = "lr",
    .type = SF_OPTION_FLOAT,
    .def = "0.1",
    .min = 0,
    .max = 1e6,
    .arg = "X",
    .help = "learning rate, before the schedule" },
  { .name = "weight-decay",
    .type = SF_OPTION_FLOAT,
    .def = "0",
    .min = 0,
    .max = 1e6,
    .arg = "X",
    .help = "pull towards zero" },
  { .name = NULL },
};

static const SfOptimizerOps ops = { .size = sizeof (SfOptimizerOps), .build = build };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_OPTIMIZER, "@name@", "1.0", "plain gradient descent"),
  .options = options,
  .ops = { .optimizer = &ops },
};
