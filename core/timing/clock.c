/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of a shared resource: whole cycles and an exact fraction, so that nothing drifts. */
#include "core/timing/timing.h"

int64_t
sf_clock_book (SfClock *clock, const SfResource *resource, int64_t parts, int64_t now, bool goes_on)
{
  int64_t from = goes_on ? now - 1 : now, work;
  if (clock->cycle < from)
    *clock = (SfClock){ from, 0 };
  if (!__builtin_mul_overflow (parts, resource->num, &work) && work < SF_TIME_LIMIT)
    {
      clock->cycle = sf_time_add (clock->cycle, work / resource->den);
      clock->fraction += work % resource->den;
    }
  else
    {
      __int128 much = (__int128) parts * resource->num, whole = much / resource->den;
      clock->cycle = sf_time_add (clock->cycle, (int64_t) MIN (whole, SF_TIME_LIMIT));
      clock->fraction += (int64_t) (much % resource->den);
    }
  if (clock->fraction >= resource->den)
    {
      clock->cycle++;
      clock->fraction -= resource->den;
    }
  return clock->cycle + (clock->fraction > 0);
}
