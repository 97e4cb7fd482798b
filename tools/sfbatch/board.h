/* SPDX-License-Identifier: Apache-2.0 */
/* What goes on in a queue, as lines of text. */
#ifndef TOOLS_SFBATCH_BOARD_H
#define TOOLS_SFBATCH_BOARD_H

#include "queue/queue.h"

typedef enum
{
  SF_BOARD_PLAIN,
  SF_BOARD_HEAD, /* names of columns */
  SF_BOARD_GOOD, /* runs, or has completed */
  SF_BOARD_BAD,  /* has ended otherwise */
  SF_BOARD_WAITING,
} SfBoardTone;

typedef struct
{
  SfBoardTone tone;
  char *text;
} SfBoardLine;

/* Looks at the queue: what the machine gives out, the jobs that run with their progress, the last
 * that ended and the next that wait, with reasons. Elements are SfBoardLine; owned:
 * g_ptr_array_unref. NULL with an error. */
GPtrArray *sf_board_read (SfQueue *queue, GError **error);

#endif
