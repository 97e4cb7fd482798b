/* SPDX-License-Identifier: Apache-2.0 */
/* SfLimits. */
#include "queue/limits.h"

#include <sys/resource.h>

G_STATIC_ASSERT ((int) RLIM_NLIMITS <= (int) SF_N_LIMITS);

SfLimits
sf_limits_read (void)
{
  SfLimits limits = { .known = true };
  for (int i = 0; i < SF_N_LIMITS; i++)
    {
      struct rlimit now;
      bool is_limit = i < RLIM_NLIMITS && getrlimit (i, &now) == 0;
      limits.soft[i] = is_limit && now.rlim_cur <= G_MAXINT64 ? (int64_t) now.rlim_cur : -1;
    }
  return limits;
}

static void
set_soft (int resource, rlim_t wanted)
{
  struct rlimit now;
  if (getrlimit (resource, &now) != 0)
    return;
  now.rlim_cur = MIN (wanted, now.rlim_max);
  setrlimit (resource, &now);
}

void
sf_limits_apply (const SfLimits *limits)
{
  for (int i = 0; limits->known && i < RLIM_NLIMITS; i++)
    set_soft (i, limits->soft[i] < 0 ? RLIM_INFINITY : (rlim_t) limits->soft[i]);
}

void
sf_limits_widen (void)
{
  static const int resources[] = { RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_AS, RLIMIT_DATA, RLIMIT_RSS };
  for (size_t i = 0; i < G_N_ELEMENTS (resources); i++)
    set_soft (resources[i], RLIM_INFINITY);
}

json_t *
sf_limits_json (const SfLimits *limits)
{
  json_t *array = json_array ();
  for (int i = 0; i < SF_N_LIMITS; i++)
    json_array_append_new (array, json_integer (limits->soft[i]));
  return array;
}

bool
sf_limits_from_json (const json_t *array, SfLimits *out, const char *name, GError **error)
{
  if (json_array_size (array) != SF_N_LIMITS)
    return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: key \"limits\": wanted an array of %d", name,
                    SF_N_LIMITS);
  out->known = true;
  for (size_t i = 0; i < SF_N_LIMITS; i++)
    {
      const json_t *value = json_array_get (array, i);
      if (!json_is_integer (value))
        return sf_fail (error, SF_ERROR_INVALID_DATA, "%s: key \"limits\": wanted integers", name);
      out->soft[i] = json_integer_value (value);
    }
  return true;
}
