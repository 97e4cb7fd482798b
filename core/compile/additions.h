/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller of an import adds to the model that a frontend read. */
#ifndef SF_CORE_COMPILE_ADDITIONS_H
#define SF_CORE_COMPILE_ADDITIONS_H

#include <sf/graph.h>
#include <sf/import.h>

/* Loss, frozen parameters and fields of datasets, as `options` has them, with their facts. The graph
 * may be replaced by another. */
bool sf_import_add (SfModule *module, SfGraph **graph, const SfImportOptions *options,
                    GError **error);

#endif
