/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars of a step: compiled values, groups, overrides, and what an optimizer derives. */
#include "core/run/hyper.h"

#include "tests/support/sftest.h"
#include "tests/unit/run/fake.h"

#include <math.h>

/* adamw with a group whose rate is ten times that of the rest. */
static const char *const facts[] = { "group.head.beta2",
                                     "0.5",
                                     "group.head.lr",
                                     "0.02",
                                     "group.head.x.eps",
                                     "0.25",
                                     "optimizer",
                                     "adamw",
                                     "optimizer.beta1",
                                     "0.75",
                                     "optimizer.lr",
                                     "0.002",
                                     "optimizer.weight_decay",
                                     "0.5",
                                     NULL };

typedef struct
{
  const char *name, *scalar;
  double lr;
  const char *override;
  double override_value;
  double wanted;
} Case;

/* bias1 at step 2: 1 - 0.75^2 = 0.4375; sqrt_bias2 of head: sqrt (1 - 0.5^2) = sqrt 0.75. */
static const Case cases[] = {
  { "compiled rate", "lr", NAN, NULL, 0, 0.002 },
  { "rate of the step", "lr", 0.001, NULL, 0, 0.001 },
  { "compiled rate of a group", "head.lr", NAN, NULL, 0, 0.02 },
  { "group follows the step", "head.lr", 0.001, NULL, 0, 0.01 },
  { "group overridden", "head.lr", 0.001, "head.lr", 0.5, 0.5 },
  { "override of another name", "lr", 0.001, "head.lr", 0.5, 0.001 },
  { "option by underscores", "weight_decay", NAN, NULL, 0, 0.5 },
  { "option not in the facts", "eps", NAN, NULL, 0, 1e-8 },
  { "group inherits", "head.beta1", NAN, NULL, 0, 0.75 },
  { "group's own", "head.beta2", NAN, NULL, 0, 0.5 },
  { "group with a dot in its name", "head.x.eps", NAN, NULL, 0, 0.25 },
  { "option overridden", "weight_decay", NAN, "weight_decay", 0.125, 0.125 },
  { "derived", "bias1", NAN, NULL, 0, 0.4375 },
  { "derived of a group", "head.sqrt_bias2", NAN, NULL, 0, 0.8660254037844386 },
  { "derived from an override", "one_minus_beta1", NAN, "beta1", 0.5, 0.5 },
  { "group's override leaves the rest", "one_minus_beta1", NAN, "head.beta1", 0.5, 0.25 },
  { "derived from a group's override", "head.one_minus_beta1", NAN, "head.beta1", 0.5, 0.5 },
};

static bool
value_of (SfHyperTable *table, const char *name, const SfHyper *hyper, double *out, GError **error)
{
  const SfHyperScalar scalar = sf_hyper_scalar (table, name);
  return sf_hyper_value (table, &scalar, hyper, out, error);
}

SF_TEST_CASES (Hyper, Value, cases, G_N_ELEMENTS (cases), sf_test_row_name)
{
  const Case *c = data;
  g_autoptr (GError) error = NULL;
  const char *const names[] = { c->override, NULL };
  const SfHyper hyper = { .step = 2, .lr = c->lr, .names = names, .values = &c->override_value };
  SfSession *session = fake_session_new (facts);
  SfHyperTable *table = sf_hyper_table_new (&session->pef, &error);
  double found = NAN;
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (value_of (table, c->scalar, &hyper, &found, &error));
  SF_CHECK_NO_ERROR (error);
  SF_CHECK_NEAR (found, c->wanted, 1e-15);
  sf_hyper_table_free (table);
  fake_session_free (session);
}

/* What a step overrides is forgotten with the next one's. */
SF_TEST (Hyper, OverridesOfOneStep)
{
  static const char *const beta1[] = { "beta1", NULL }, *const beta2[] = { "beta2", NULL };
  static const struct
  {
    const char *const *names;
    double value, wanted;
  } steps[] = { { NULL, 0, 0.25 },       { beta1, 0.5, 0.5 },  { beta1, 0.5, 0.5 },
                { beta1, 0.125, 0.875 }, { beta2, 0.5, 0.25 }, { beta1, 0.125, 0.875 },
                { NULL, 0, 0.25 } };
  g_autoptr (GError) error = NULL;
  SfSession *session = fake_session_new (facts);
  SfHyperTable *table = sf_hyper_table_new (&session->pef, &error);
  SF_REQUIRE_NO_ERROR (error);
  for (size_t i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      const SfHyper hyper
          = { .step = 1, .lr = NAN, .names = steps[i].names, .values = &steps[i].value };
      double found = NAN;
      SF_CHECK (value_of (table, "one_minus_beta1", &hyper, &found, &error));
      SF_REQUIRE_NO_ERROR (error);
      SF_CHECK_NEAR (found, steps[i].wanted, 1e-15);
    }
  sf_hyper_table_free (table);
  fake_session_free (session);
}

SF_TEST (Hyper, Known)
{
  g_autoptr (GError) error = NULL;
  SfSession *session = fake_session_new (facts);
  SfHyperTable *table = sf_hyper_table_new (&session->pef, &error);
  const SfHyper hyper = { .step = 1, .lr = NAN };
  double out;
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (sf_hyper_known (table, "lr"));
  SF_CHECK (sf_hyper_known (table, "head.weight_decay"));
  SF_CHECK (!sf_hyper_known (table, "bias1"));
  SF_CHECK (!sf_hyper_known (table, "momentum"));
  SF_CHECK_NEAR (sf_hyper_default_lr (table), 0.002, 0);
  SF_CHECK (!value_of (table, "momentum", &hyper, &out, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "scalar momentum: optimizer adamw has no such option");
  sf_hyper_table_free (table);
  fake_session_free (session);
}

/* Everything but the head stands still: the head must not. */
SF_TEST (Hyper, RestAtRateZero)
{
  static const char *const frozen[] = { "group.head.lr", "0.5", "optimizer", "sgd",
                                        "optimizer.lr",  "0",   NULL };
  g_autoptr (GError) error = NULL;
  SfSession *session = fake_session_new (frozen);
  SfHyperTable *table = sf_hyper_table_new (&session->pef, &error);
  SfHyper hyper = { .step = 1, .lr = 0 };
  double out = NAN;
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK (value_of (table, "head.lr", &hyper, &out, &error));
  SF_CHECK_NEAR (out, 0.5, 0);
  hyper.lr = 0.25;
  SF_CHECK (value_of (table, "head.lr", &hyper, &out, &error));
  SF_CHECK_NEAR (out, 0.25, 0);
  sf_hyper_table_free (table);
  fake_session_free (session);
}

SF_TEST (Hyper, WithoutOptimizer)
{
  g_autoptr (GError) error = NULL;
  SfSession *session = fake_session_new (NULL);
  SfHyperTable *table = sf_hyper_table_new (&session->pef, &error);
  static const char *const names[] = { "temperature", NULL };
  static const double values[] = { 0.5 };
  const SfHyper hyper = { .lr = NAN, .names = names, .values = values };
  double out = NAN;
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_NEAR (sf_hyper_default_lr (table), 0, 0);
  SF_CHECK (!sf_hyper_known (table, "lr"));
  SF_CHECK (value_of (table, "temperature", &hyper, &out, &error));
  SF_CHECK_NEAR (out, 0.5, 0);
  SF_CHECK (!value_of (table, "lr", &hyper, &out, &error));
  SF_CHECK_ERROR (error, SF_ERROR_INVALID_ARGUMENT,
                  "scalar lr: the program wants it and nothing gives it; pass it by name");
  sf_hyper_table_free (table);
  fake_session_free (session);
}

SF_TEST (Hyper, OptimizerThatIsGone)
{
  static const char *const gone[] = { "optimizer", "nowhere", NULL };
  g_autoptr (GError) error = NULL;
  SfSession *session = fake_session_new (gone);
  SF_CHECK (sf_hyper_table_new (&session->pef, &error) == NULL);
  SF_CHECK_ERROR (error, SF_ERROR_NOT_FOUND, "nowhere");
  fake_session_free (session);
}
