/* SPDX-License-Identifier: Apache-2.0 */
/* States by name, times by date or by age. */
#include "tools/sfbatch/select.h"

#include <string.h>

enum
{
  NEWEST = 50,
};

/* "running,failed": their bits into *states. */
static bool
read_states (const char *text, uint32_t *states, GError **error)
{
  g_auto (GStrv) names = g_strsplit (text, ",", -1);
  if (names[0] == NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--state: found no text, wanted states such as running,pending");
  for (char **name = names; *name != NULL; name++)
    {
      SfJobState state;
      g_autofree char *upper = g_ascii_strup (*name, -1);
      if (!sf_job_state_parse (upper, &state))
        {
          g_autoptr (GString) known = g_string_new (NULL);
          for (int i = 0; i < SF_JOB_N_STATES; i++)
            g_string_append_printf (known, "%s%s", i > 0 ? ", " : "",
                                    sf_job_state_name ((SfJobState) i));
          return sf_fail (error, SF_ERROR_INVALID_ARGUMENT, "--state %s: wanted one of %s", *name,
                          known->str);
        }
      *states |= 1u << state;
    }
  return true;
}

/* A date, a date with a time, or an age. */
static bool
read_time (const char *text, int64_t *time_us, GError **error)
{
  uint64_t seconds;
  int64_t now = g_get_real_time ();
  if (sf_parse_seconds (text, &seconds, NULL))
    {
      int64_t most = now / G_USEC_PER_SEC;
      *time_us = now - (int64_t) MIN (seconds, (uint64_t) most) * G_USEC_PER_SEC;
      return true;
    }
  g_autofree char *padded = g_strconcat (text,
                                         strlen (text) == strlen ("2026-03-01") ? "T00:00:00"
                                         : strlen (text) == strlen ("2026-03-01T12:00") ? ":00"
                                                                                        : "",
                                         NULL);
  g_autoptr (GTimeZone) zone = g_time_zone_new_local ();
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (padded, zone);
  if (time == NULL)
    return sf_fail (error, SF_ERROR_INVALID_ARGUMENT,
                    "--since %s: wanted a day such as 2026-03-01, a time such as 2026-03-01T12:00, "
                    "or an age such as 90m, 12h or 7d",
                    text);
  *time_us = g_date_time_to_unix (time) * G_USEC_PER_SEC;
  return true;
}

bool
sf_select_read (const SfOptionValues *options, SfStoreSelection *selection, GError **error)
{
  *selection = (SfStoreSelection){ .project = sf_option_string (options, "project"),
                                   .name = sf_option_string (options, "name"),
                                   .limit = sf_option_bool (options, "all") ? 0 : NEWEST };
  for (const char *const *text = sf_option_list (options, "state"); *text != NULL; text++)
    if (!read_states (*text, &selection->states, error))
      return false;
  const char *since = sf_option_string (options, "since");
  return since == NULL || read_time (since, &selection->since_us, error);
}

bool
sf_select_is_given (const SfOptionValues *options)
{
  return sf_option_is_set (options, "state") || sf_option_is_set (options, "project")
         || sf_option_is_set (options, "name") || sf_option_is_set (options, "since");
}
