/* SPDX-License-Identifier: Apache-2.0 */
/* A session and a PEF that hold what a test says and run nothing: enough for the rooms of core/run
 * that only ask them for facts, ports and states. */
#ifndef TESTS_UNIT_RUN_FAKE_H
#define TESTS_UNIT_RUN_FAKE_H

#include <sf/session.h>

#define FAKE_MAX 8

/* The PEF behind a session is the session's own. Its tables are borrowed. */
struct SfPef
{
  const char *const *facts; /* key, value, ..., NULL; keys sorted */
  const char **keys;
};

struct SfSession
{
  SfPef pef;
  const char *digest, *backend, *isa;
  SfPort inputs[FAKE_MAX];
  size_t n_inputs;
  SfPort states[FAKE_MAX];
  SfTensor data[FAKE_MAX];
  size_t n_states;
  int n_writes;
  int32_t limit; /* what integer inputs stay below; 0: none */
};

SfSession *fake_session_new (const char *const *facts);
void fake_session_free (SfSession *session);
void fake_session_add_input (SfSession *session, const char *name, SfDtype dtype, SfShape shape);
/* A state of f32 whose element i is first + i. */
void fake_session_add_state (SfSession *session, const char *name, SfShape shape, float first);
float *fake_session_values (SfSession *session, const char *name);

#endif
