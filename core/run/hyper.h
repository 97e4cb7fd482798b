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

/* Value of scalar `name` ("lr", "momentum", "head.lr", "bias1") for a step, in f64. */
bool sf_hyper_value (const SfHyperTable *table, const char *name, const SfHyper *hyper, double *out,
                     GError **error);

/* The compiled learning rate of the ungrouped parameters; 0 without optimizer. */
double sf_hyper_default_lr (const SfHyperTable *table);
/* Whether a scalar of this name can be set in SfHyper.names. */
bool sf_hyper_known (const SfHyperTable *table, const char *name);

#endif
