/* SPDX-License-Identifier: Apache-2.0 */
/* Large values seen with their leading dimensions merged into one. */
#ifndef SF_PASS_LEGALISE_COLLAPSE_H
#define SF_PASS_LEGALISE_COLLAPSE_H

#include <sf/plugin/pass.h>

/* Adds `node` of `from` to `to` on merged dimensions, its results seen in their own shapes through
 * `map`; *done false: the node stays as it is. */
bool sf_collapse_node (SfGraph *to, const SfGraph *from, SfNode node, SfValue *map, bool *done,
                       GError **error);

#endif
