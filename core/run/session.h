/* SPDX-License-Identifier: Apache-2.0 */
/* What core/run alone asks of a session. */
#ifndef SF_CORE_RUN_SESSION_H
#define SF_CORE_RUN_SESSION_H

#include <sf/plugin/backend.h>
#include <sf/session.h>

#include "core/run/hyper.h"

/* Observer of the following steps, and which values the reference rounds
 * (SfEvaluateOptions.stored); NULL, NULL, NULL: none. */
void sf_session_observe (SfSession *session, SfObserver observer, void *user_data,
                         const uint8_t *stored);
/* What the backend records of the following steps goes to `recorder` (borrowed, a lane per thread);
 * NULL ends it. */
bool sf_session_record (SfSession *session, SfRecorder *recorder, GError **error);
bool sf_session_peak (SfSession *session, int n_threads, SfPeak *peak, GError **error);
int sf_session_n_threads (const SfSession *session);
SfHyperTable *sf_session_hyper (SfSession *session); /* borrowed */

/* Whether a step of `entry` takes these inputs. From any thread, beside a step. */
bool sf_session_check_inputs (const SfSession *session, const char *entry, const SfTensor *inputs,
                              GError **error);
/* As sf_session_step, with inputs that have passed. */
bool sf_session_step_checked (SfSession *session, const char *entry, unsigned phases,
                              const SfTensor *inputs, SfTensor *outputs, const SfHyper *hyper,
                              GError **error);

#endif
