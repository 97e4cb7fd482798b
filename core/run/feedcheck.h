/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of what is fed: shapes, integers that must narrow, labels and indices within what the
 * program needs. */
#ifndef SF_CORE_RUN_FEEDCHECK_H
#define SF_CORE_RUN_FEEDCHECK_H

#include <sf/pef.h>
#include <sf/session.h>

typedef struct SfInputCheck SfInputCheck;
typedef struct SfInputBounds SfInputBounds;

/* From the facts bounds.<entry>.<input>. Owned. */
SfInputCheck *sf_input_check_new (const SfPef *pef, GError **error);
void sf_input_check_free (SfInputCheck *check);
/* Bounds of an input, the check's; NULL: none. */
const SfInputBounds *sf_input_check_bounds (const SfInputCheck *check, const char *entry,
                                            const char *input);
/* INVALID_ARGUMENT for a wrong shape or kind of dtype, INVALID_DATA for a value out of bounds, with
 * its position. bounds may be NULL. */
bool sf_input_check_tensor (const SfInputBounds *bounds, const SfPort *port, const SfTensor *tensor,
                            GError **error);

#endif
