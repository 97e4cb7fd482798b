/* SPDX-License-Identifier: Apache-2.0 */
/* Words of a command line that is to be pasted. */
#ifndef QUEUE_SHELLWORD_H
#define QUEUE_SHELLWORD_H

#include <glib.h>

/* A word as a shell takes it, quoted only if it must be; bash's quotes where there are control
 * characters. Owned: g_free. */
char *sf_shell_word (const char *word);

#endif
