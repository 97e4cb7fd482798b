/* SPDX-License-Identifier: Apache-2.0 */
/* Run-time scalars of a step: learning rate, optimizer options, what derives from them, the random
 * key. */
#ifndef SF_CORE_RUN_HYPER_H
#define SF_CORE_RUN_HYPER_H

#include <sf/pef.h>
#include <sf/session.h>

/* The optimizer's options as compiled, by parameter group, and its plugin. */
typedef struct SfHyperTable SfHyperTable;

/* For a PEF without optimizer: an empty table. Owned: sf_hyper_table_free. */
SfHyperTable *sf_hyper_table_new (const SfPef *pef, GError **error);
void sf_hyper_table_free (SfHyperTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfHyperTable, sf_hyper_table_free)

/* Where the value of a scalar comes from; pointers are the table's. */
typedef struct
{
  const char *name; /* as given, borrowed */
  guint group;      /* of the table; where there is none nothing but an override gives a value */
  bool is_lr;       /* follows the step's rate, in proportion to the group's own */
  bool in_group;    /* named by its group: "head.lr" */
  bool is_option;
  double compiled;     /* of an option */
  const char *derived; /* name of what the plugin derives; NULL: nothing */
} SfHyperScalar;

/* Looks up scalar `name` ("lr", "momentum", "head.lr", "bias1"), once for all steps. */
SfHyperScalar sf_hyper_scalar (const SfHyperTable *table, const char *name);
/* Its value for a step, in f64. Allocates nothing while the overrides of the step stay the same. */
bool sf_hyper_value (SfHyperTable *table, const SfHyperScalar *scalar, const SfHyper *hyper,
                     double *out, GError **error);

/* The compiled learning rate of the ungrouped parameters; 0 without optimizer. */
double sf_hyper_default_lr (const SfHyperTable *table);
/* Whether a scalar of this name can be set in SfHyper.names. */
bool sf_hyper_known (const SfHyperTable *table, const char *name);

#endif
