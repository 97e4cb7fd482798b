/* SPDX-License-Identifier: Apache-2.0 */
/* SfRetryRule. */
#include "queue/retry.h"

bool
sf_retry_applies (const SfRetryRule *rule, SfJobState state, int64_t attempt, int64_t *delay_us)
{
  if (attempt > rule->max || (rule->on >> state & 1) == 0)
    return false;
  double longest_s = (double) MIN (rule->max_delay_s, 1 << 30);
  double delay_s = (double) rule->delay_s;
  for (int64_t i = 1; i < attempt && delay_s < longest_s; i++)
    delay_s *= rule->factor;
  *delay_us = (int64_t) (MIN (delay_s, longest_s) * G_USEC_PER_SEC);
  return true;
}

json_t *
sf_retry_json (const SfRetryRule *rule)
{
  json_t *on = json_array ();
  for (int state = 0; state < SF_JOB_N_STATES; state++)
    if ((rule->on >> state & 1) != 0)
      json_array_append_new (on, json_string (sf_job_state_name ((SfJobState) state)));
  return json_pack ("{s:I, s:I, s:I, s:f, s:o}", "max", (json_int_t) rule->max, "delay_s",
                    (json_int_t) rule->delay_s, "max_delay_s", (json_int_t) rule->max_delay_s,
                    "factor", rule->factor, "on", on);
}

bool
sf_retry_from_json (const json_t *json, SfRetryRule *out, const char *name, GError **error)
{
  const json_t *on = json_object_get (json, "on");
  *out = (SfRetryRule){ .factor = json_number_value (json_object_get (json, "factor")) };
  for (size_t i = 0; i < json_array_size (on); i++)
    {
      const char *word = json_string_value (json_array_get (on, i));
      SfJobState state;
      if (word == NULL || !sf_job_state_parse (word, &state))
        return sf_fail (error, SF_ERROR_INVALID_DATA,
                        "%s: retries on \"%s\", wanted states of jobs", name,
                        word != NULL ? word : "");
      out->on |= 1u << state;
    }
  return sf_json_get_int (json, "max", &out->max, name, error)
         && sf_json_get_int (json, "delay_s", &out->delay_s, name, error)
         && sf_json_get_int (json, "max_delay_s", &out->max_delay_s, name, error);
}
