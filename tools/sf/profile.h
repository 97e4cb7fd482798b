/* SPDX-License-Identifier: Apache-2.0 */
/* `sf run --profile`. */
#ifndef TOOLS_SF_PROFILE_H
#define TOOLS_SF_PROFILE_H

#include <sf/profile.h>

/* Prints the profile, as text or as one line of JSON. */
void sf_verb_profile (const SfProfile *profile, bool json);
/* Writes the timeline of the profiles (of SfProfile) to `path`, NULL: nowhere, and says on stderr
 * what was left out. */
bool sf_verb_trace_profiles (const GPtrArray *profiles, const char *path, GError **error);

#endif
