/* SPDX-License-Identifier: Apache-2.0 */
/* The session that runs nothing. */
#include "fake.h"

#include "core/run/session.h"

SfSession *
fake_session_new (const char *const *facts)
{
  static const char *const none[] = { NULL };
  SfSession *session = g_new0 (SfSession, 1);
  size_t n = 0;
  session->pef.facts = facts == NULL ? none : facts;
  while (session->pef.facts[2 * n] != NULL)
    n++;
  session->pef.keys = g_new0 (const char *, n + 1);
  for (size_t i = 0; i < n; i++)
    session->pef.keys[i] = session->pef.facts[2 * i];
  session->digest = "00112233445566778899aabbccddeeff";
  session->backend = "cpu";
  return session;
}

void
fake_session_free (SfSession *session)
{
  for (size_t i = 0; i < session->n_states; i++)
    sf_tensor_clear (&session->data[i]);
  g_free (session->pef.keys);
  g_free (session);
}

void
fake_session_add_input (SfSession *session, const char *name, SfDtype dtype, SfShape shape)
{
  session->inputs[session->n_inputs++] = (SfPort){ .name = name, .dtype = dtype, .shape = shape };
}

void
fake_session_add_state (SfSession *session, const char *name, SfShape shape, float first)
{
  size_t index = session->n_states++;
  session->states[index] = (SfPort){ .name = name, .dtype = SF_F32, .shape = shape };
  sf_tensor_alloc (SF_F32, &shape, &session->data[index], NULL);
  for (int64_t i = 0; i < sf_shape_n_elems (&shape); i++)
    ((float *) session->data[index].data)[i] = first + (float) i;
}

static SfTensor *
find_state (SfSession *session, const char *name)
{
  for (size_t i = 0; i < session->n_states; i++)
    if (g_str_equal (session->states[i].name, name))
      return &session->data[i];
  return NULL;
}

float *
fake_session_values (SfSession *session, const char *name)
{
  return find_state (session, name)->data;
}

const char *
sf_pef_fact (const SfPef *pef, const char *key)
{
  for (size_t i = 0; pef->facts[2 * i] != NULL; i++)
    if (g_str_equal (pef->facts[2 * i], key))
      return pef->facts[2 * i + 1];
  return NULL;
}

const char *const *
sf_pef_fact_keys (const SfPef *pef)
{
  return (const char *const *) pef->keys;
}

const char *
sf_pef_name (const SfPef *pef)
{
  (void) pef;
  return "fake.pef";
}

/* The PEF is the session's first member. */
const char *
sf_pef_graph_digest (const SfPef *pef)
{
  return ((const SfSession *) pef)->digest;
}

SfPef *
sf_session_pef (SfSession *session)
{
  return &session->pef;
}

const char *
sf_session_backend (const SfSession *session)
{
  return session->backend;
}

char *
sf_session_describe (SfSession *session)
{
  return session->isa == NULL ? g_strdup ("threads=1\n")
                              : g_strdup_printf ("threads=1\nisa=%s\n", session->isa);
}

bool
sf_session_input (const SfSession *session, const char *entry, size_t index, SfPort *out)
{
  (void) entry;
  if (index >= session->n_inputs)
    return false;
  *out = session->inputs[index];
  return true;
}

bool
sf_session_check_inputs (const SfSession *session, const char *entry, const SfTensor *inputs,
                         GError **error)
{
  for (size_t i = 0; i < session->n_inputs; i++)
    for (int64_t j = 0; inputs[i].dtype == SF_I32 && j < sf_shape_n_elems (&inputs[i].shape); j++)
      if (session->limit > 0 && ((const int32_t *) inputs[i].data)[j] >= session->limit)
        return sf_fail (error, SF_ERROR_INVALID_DATA, "input %s of %s: element %d is too large",
                        session->inputs[i].name, entry, (int) j);
  return true;
}

bool
sf_session_state (const SfSession *session, size_t index, SfPort *out)
{
  if (index >= session->n_states)
    return false;
  *out = session->states[index];
  return true;
}

bool
sf_session_read (SfSession *session, const char *name, SfTensor *tensor, GError **error)
{
  const SfTensor *state = find_state (session, name);
  return (tensor->data != NULL || sf_tensor_alloc (state->dtype, &state->shape, tensor, error))
         && sf_tensor_copy (state, tensor, error);
}

bool
sf_session_write (SfSession *session, const char *name, const SfTensor *tensor, GError **error)
{
  session->n_writes++;
  return sf_tensor_copy (tensor, find_state (session, name), error);
}
