/* SPDX-License-Identifier: Apache-2.0 */
/* The feed: rows of a dataset as batches for the inputs of an entry. */
#ifndef SF_CORE_RUN_FEED_H
#define SF_CORE_RUN_FEED_H

#include <sf/session.h>

typedef struct SfDataFeed SfDataFeed;

/* Opens split `split` of `path` with dataset plugin `dataset` (NULL: the one that claims it) and
 * matches fields to the inputs of `entry`: by the fact feed.<input>.field, else by name, else the
 * labels to the target and the only other field to the only other input; element counts must agree.
 * Target inputs without a field are allowed when `unlabelled` and then filled with -1 (integers) or
 * 0. `options` as "name=value", may be NULL. Owned. */
SfDataFeed *sf_data_feed_open (SfSession *session, const char *entry, const char *path,
                               const char *split, const char *dataset, const char *const *options,
                               bool unlabelled, GError **error);
void sf_data_feed_free (SfDataFeed *feed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfDataFeed, sf_data_feed_free)

int64_t sf_data_feed_n_rows (const SfDataFeed *feed);
int64_t sf_data_feed_batch_size (const SfDataFeed *feed);
/* Whether the target input has data. */
bool sf_data_feed_labelled (const SfDataFeed *feed);

/* Order of the rows in an epoch: a Philox permutation of (seed, epoch), or file order when
 * `shuffle` is false, as it is before the first start. Batches are made ahead in a thread of the
 * feed's own, from `first` on. */
bool sf_data_feed_start (SfDataFeed *feed, uint64_t seed, int64_t epoch, bool shuffle,
                         int64_t first, GError **error);

/* Batch `index` of the current order as inputs in interface order (borrowed until the next call),
 * which the session's checks have passed: for sf_session_step_checked. Any index; cheap for the one
 * that follows. An error of the dataset or a value that the entry does not take comes with the
 * batch that it is in.
 * *n_real: rows that are real; the others repeat the first of the order, for softmax_ce with
 * targets -1, which it leaves out. rows (may be NULL) receives the row numbers. */
bool sf_data_feed_batch (SfDataFeed *feed, int64_t index, const SfTensor **inputs, int64_t *n_real,
                         const int64_t **rows, GError **error);
/* A batch of what fills short ones, the first row of the order: a loss that cannot leave rows out
 * has its share of a short batch taken off with it. */
bool sf_data_feed_padding (SfDataFeed *feed, const SfTensor **inputs, GError **error);
/* Index of the target input (fact "target"), or -1. */
int sf_data_feed_target (const SfDataFeed *feed);
/* Raw rows of the field behind the first input, for pictures: dense in the field's dtype. Owned:
 * g_free. */
void *sf_data_feed_raw (SfDataFeed *feed, int64_t row, SfDtype *dtype, SfShape *shape,
                        GError **error);

#endif
