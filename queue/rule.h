/* SPDX-License-Identifier: Apache-2.0 */
/* How far a metric may be from its golden value. */
#ifndef QUEUE_RULE_H
#define QUEUE_RULE_H

#include <sf/config.h>

typedef enum
{
  SF_RULE_NONE,      /* not compared */
  SF_RULE_EQUAL,     /* the golden value */
  SF_RULE_RANGE,     /* golden * low .. golden * high */
  SF_RULE_RANGE_ABS, /* as range, or no further than `limit` from the golden value */
  SF_RULE_MAX_REL,   /* at most `limit` * |golden| above it */
} SfRuleKind;

typedef struct
{
  SfRuleKind kind;
  double low, high; /* RANGE, RANGE_ABS */
  double limit;     /* RANGE_ABS, MAX_REL */
} SfRule;

/* "equal" ... Constant storage. */
const char *sf_rule_name (const SfRule *rule);

/* From { rule = "range"; low = 0.5; high = 2.0; }: what the rule needs, and nothing else. */
bool sf_rule_read (SfConfigNode *group, SfRule *out, GError **error);

/* The least and the greatest value that the rule allows; infinite where it sets no bound. */
void sf_rule_bounds (const SfRule *rule, double golden, double *least, double *most);
/* A value that is not finite is never allowed. */
bool sf_rule_allows (const SfRule *rule, double golden, double value);
/* The figure that says how strict it is: `limit`, `high` of a range, 0 for EQUAL. */
double sf_rule_limit (const SfRule *rule);

#endif
