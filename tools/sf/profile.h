/* SPDX-License-Identifier: Apache-2.0 */
/* `sf run --profile`. */
#ifndef TOOLS_SF_PROFILE_H
#define TOOLS_SF_PROFILE_H

#include <sf/profile.h>

/* Prints the profile, as text or as one line of JSON. */
void sf_verb_profile (const SfProfile *profile, bool json);

#endif
