/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share of a PEF beyond the public header. */
#ifndef SF_PEF_PEF_H
#define SF_PEF_PEF_H

#include <sf/pef.h>

/* sf_pef_from_bytes without a look at the digest: for the fuzzer and for tests of crafted content.
 * Takes a reference of `bytes`. */
SfPef *pef_from_trusted_bytes (GBytes *bytes, const char *name, GError **error);

#endif
