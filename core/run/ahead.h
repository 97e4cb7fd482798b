/* SPDX-License-Identifier: Apache-2.0 */
/* Numbered items made ahead of their use, in order, in a thread of its own. */
#ifndef SF_CORE_RUN_AHEAD_H
#define SF_CORE_RUN_AHEAD_H

#include <sf/error.h>

typedef struct SfAhead SfAhead;

/* Makes item `index` in place `place`, below 2 * per_block. Runs in the thread, one at a time. */
typedef bool (*SfAheadFunc) (void *user_data, int64_t index, int64_t place, GError **error);

/* Items are handed over in blocks of `per_block`, so that small ones do not pay for a switch of
 * threads each; one block is with the user while the thread makes the other. */
SfAhead *sf_ahead_new (int64_t per_block, SfAheadFunc func, void *user_data, GError **error);
/* An item that is being made is finished first, at most. NULL is fine. */
void sf_ahead_free (SfAhead *ahead);

/* Returns when the thread is idle; then the user may change what the function reads. What was made
 * ahead is dropped. */
void sf_ahead_pause (SfAhead *ahead);
/* Pauses, then makes items first .. end ahead. */
void sf_ahead_start (SfAhead *ahead, int64_t first, int64_t end);
/* Waits for item `index` and tells its place, the user's until the next take or pause. Items are
 * meant to be taken one after the other; any other one up to the end of the start begins anew from
 * there. An error of the function comes with the item that it is about. */
bool sf_ahead_take (SfAhead *ahead, int64_t index, int64_t *place, GError **error);

#endif
