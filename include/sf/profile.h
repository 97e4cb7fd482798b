/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of a step goes, measured on this host, and what the host could have done. */
#ifndef SF_PROFILE_H
#define SF_PROFILE_H

#include <sf/plugin/program.h>
#include <sf/plugin/record.h>
#include <sf/session.h>

SF_BEGIN_DECLS

typedef struct SfProfile SfProfile;

/* What bounds a stage: the time that its arithmetic, or that its bytes need at least. */
typedef enum
{
  SF_ROOF_FLOPS,
  SF_ROOF_BYTES,
} SfRoof;

/* Of a stage of a launch, or of a launch on the host; seconds and counts of one step. At any time
 * the step's time goes to those stages in equal parts of which some worker has a firing under way,
 * so times and shares add up to the whole. */
typedef struct
{
  const char *name; /* borrowed from the program */
  SfTarget target;
  SfPhase phase;
  uint32_t launch, stage; /* HOST: stage is SF_NONE */
  double seconds, share;  /* share of the step */
  double calls;           /* pieces that workers took; 0: others read through it */
  double workers;         /* at work on it, on average while it runs */
  double flops, bytes;    /* computed, read and written; without calls 0, HOST: 0, not known */
  SfRoof roof;
  const char *limit; /* "f32", "bf16"; "L2", "L3", "memory" */
  double fraction;   /* of the roof; HOST: 0 */
} SfStageProfile;

typedef struct
{
  const char *entry, *backend;
  int n_threads;
  SfPeak one, all;   /* of one thread, of n_threads */
  int64_t n_steps;   /* that were run, */
  int64_t n_counted; /* and the faster half of them, of which everything here is the mean */
  double seconds;    /* of a step */
  double flops;      /* of its stages */
  size_t n_launches; /* on the RDU */
  size_t n_host;     /* on the host */
  double phase_seconds[SF_N_PHASES]; /* in launches of the phase */
  double kind_seconds[SF_N_RECORDS]; /* by what was done; STAGE, PACK, ROUND make up the stages */
  double between_seconds;            /* no worker did any of these */
} SfProfileTotals;

/* Runs `n_steps` steps of `entry` (0: half a second's worth, 5 at least) on `inputs` after a few
 * that do not count. With learning rate 0, so that the states stay sane however many steps there
 * are. The backend must be one that records. Owned; borrows the session's program, so free it
 * first. */
SF_API SfProfile *sf_profile_new (SfSession *session, const char *entry, const SfTensor *inputs,
                                  int64_t n_steps, GError **error);
SF_API void sf_profile_free (SfProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfProfile, sf_profile_free)

SF_API SfProfileTotals sf_profile_totals (const SfProfile *profile);
/* Longest first. */
SF_API size_t sf_profile_n_stages (const SfProfile *profile);
SF_API SfStageProfile sf_profile_stage (const SfProfile *profile, size_t index);

SF_END_DECLS
#endif
