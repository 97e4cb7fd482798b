/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as people read them. What is returned is owned. */
#ifndef SF_CORE_REPORT_TEXT_H
#define SF_CORE_REPORT_TEXT_H

#include <sf/dtype.h>
#include <sf/shape.h>

char *text_count (int64_t n); /* 12,345 */
char *text_bytes (int64_t bytes);
char *text_time (double seconds);
char *text_percent (double share);
char *text_shape (SfDtype dtype, const SfShape *shape);
/* At most `n` characters, the middle left out. */
char *text_short (const char *text, size_t n);

#endif
