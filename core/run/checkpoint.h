/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: the states of a session and where training stood, as a safetensors file
 * (https://github.com/huggingface/safetensors). */
#ifndef SF_CORE_RUN_CHECKPOINT_H
#define SF_CORE_RUN_CHECKPOINT_H

#include <sf/session.h>

/* Where training stands. In the file: strings in __metadata__, beside the graph's digest, the
 * backend with its ISA, and a digest of the whole file. */
typedef struct
{
  int64_t step;  /* training steps done */
  int64_t epoch; /* epochs done */
  int64_t batch; /* batches done of the epoch under way */
  uint64_t seed;
  double loss_sum; /* of the epoch's batches so far, to the bit */
} SfProgress;

typedef enum
{
  SF_RESTORE_ALL,     /* continue: same graph, backend and ISA; every state */
  SF_RESTORE_WEIGHTS, /* parameters and statistics by name; optimizer states stay as they are */
} SfRestore;

/* Writes it whole or not at all: temporary name, fsync, rename, fsync of the folder. */
bool sf_checkpoint_save (SfSession *session, const char *path, const SfProgress *progress,
                         GError **error);
/* Verifies everything before the session is touched. *progress may be NULL. */
bool sf_checkpoint_load (SfSession *session, const char *path, SfRestore restore,
                         SfProgress *progress, GError **error);

/* Name of the checkpoint that a training in `folder` left last ("epoch-0003.safetensors",
 * "step-..."), by the steps done; NULL when there is none. Owned. */
char *sf_checkpoint_latest (const char *folder, GError **error);
/* Removes all but the `keep` newest. */
bool sf_checkpoint_prune (const char *folder, int64_t keep, GError **error);

#endif
