/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of comparison with golden values. */
#include "queue/rule.h"

#include <math.h>
#include <string.h>

/* What a rule is written with. */
enum
{
  HAS_RANGE = 1 << 0, /* low, high */
  NEEDS_RANGE = 1 << 1,
  HAS_LIMIT = 1 << 2,
};

static const struct
{
  const char *name;
  unsigned parts;
  const char *example;
} kinds[] = {
  [SF_RULE_NONE] = { "none", 0, "" },
  [SF_RULE_EQUAL] = { "equal", 0, "" },
  [SF_RULE_RANGE] = { "range", HAS_RANGE | NEEDS_RANGE, " low = 0.5; high = 2.0;" },
  [SF_RULE_RANGE_ABS] = { "range_abs", HAS_RANGE | HAS_LIMIT, " limit = 0.01;" },
  [SF_RULE_MAX_REL] = { "max_rel", HAS_LIMIT, " limit = 0.001;" },
};

const char *
sf_rule_name (const SfRule *self)
{
  return kinds[self->kind].name;
}

static bool
read_kind (SfConfigNode *group, SfRule *out, GError **error)
{
  const char *name = NULL, *names[G_N_ELEMENTS (kinds)];
  if (!sf_config_get_string (group, "rule", true, &name, error))
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      names[i] = kinds[i].name;
      if (strcmp (name, names[i]) != 0)
        continue;
      out->kind = (SfRuleKind) i;
      return true;
    }
  const char *nearest = sf_nearest_word (name, names, G_N_ELEMENTS (kinds));
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: rule: found \"%s\", wanted equal, range, range_abs, max_rel or none%s%s%s",
                  sf_config_node_where (sf_config_node_member (group, "rule")), name,
                  nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                  nearest != NULL ? "\"?" : "");
}

static bool
fail_parts (SfConfigNode *group, const SfRule *rule, const char *wanted, GError **error)
{
  return sf_fail (error, SF_ERROR_INVALID_DATA,
                  "%s: %s: found none, or others, wanted %s; write { rule = \"%s\";%s }",
                  sf_config_node_where (group), kinds[rule->kind].name, wanted,
                  kinds[rule->kind].name, kinds[rule->kind].example);
}

bool
sf_rule_read (SfConfigNode *group, SfRule *out, GError **error)
{
  *out = (SfRule){ .low = 1, .high = 1, .limit = -1 };
  if (sf_config_node_type (group) != SF_CONFIG_GROUP)
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "%s: %s: found no group, wanted a rule; write %s = { rule = \"equal\"; }",
                    sf_config_node_where (group), sf_config_node_name (group),
                    sf_config_node_name (group));
  if (!read_kind (group, out, error))
    return false;
  unsigned parts = kinds[out->kind].parts;
  bool wants_range = (parts & NEEDS_RANGE) != 0;
  if ((parts & HAS_RANGE) != 0
      && (!sf_config_get_float (group, "low", wants_range, &out->low, error)
          || !sf_config_get_float (group, "high", wants_range, &out->high, error)))
    return false;
  if ((parts & HAS_LIMIT) != 0 && !sf_config_get_float (group, "limit", true, &out->limit, error))
    return false;
  if (out->low > out->high || out->low < 0)
    return fail_parts (group, out, "0 <= low <= high", error);
  if ((parts & HAS_LIMIT) != 0 && out->limit < 0)
    return fail_parts (group, out, "a limit of 0 or more", error);
  return sf_config_check_keys (group, false, error);
}

void
sf_rule_bounds (const SfRule *self, double golden, double *least, double *most)
{
  double slack = self->limit;
  *least = *most = golden;
  switch (self->kind)
    {
    case SF_RULE_NONE:
      *least = -INFINITY;
      *most = INFINITY;
      break;
    case SF_RULE_EQUAL:
      break;
    case SF_RULE_MAX_REL:
      *least = -INFINITY;
      *most = golden + slack * fabs (golden);
      break;
    case SF_RULE_RANGE_ABS:
    case SF_RULE_RANGE:
      *least = fmin (golden * self->low, golden * self->high);
      *most = fmax (golden * self->low, golden * self->high);
      if (self->kind == SF_RULE_RANGE)
        break;
      *least = fmin (*least, golden - slack);
      *most = fmax (*most, golden + slack);
      break;
    }
}

bool
sf_rule_allows (const SfRule *self, double golden, double value)
{
  double least, most;
  sf_rule_bounds (self, golden, &least, &most);
  return isfinite (value) && value >= least && value <= most;
}

double
sf_rule_limit (const SfRule *self)
{
  return self->kind == SF_RULE_RANGE ? self->high : self->limit >= 0 ? self->limit : 0;
}
