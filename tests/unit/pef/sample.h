/* SPDX-License-Identifier: Apache-2.0 */
/* A small PEF: the sample program of tests/unit/program with a source graph of the same interface.
 */
#ifndef SF_TESTS_UNIT_PEF_SAMPLE_H
#define SF_TESTS_UNIT_PEF_SAMPLE_H

#include <sf/pef.h>

SfModule *sample_module (void); /* owned */
SfPef *sample_pef (void);       /* owned */

#endif
