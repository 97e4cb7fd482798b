/* SPDX-License-Identifier: Apache-2.0 */
/* A handle names a process for good: "pid:start ticks:boot id". */
#ifndef EXECUTOR_LOCAL_HANDLE_H
#define EXECUTOR_LOCAL_HANDLE_H

#include <sf/process.h>

typedef struct
{
  pid_t pid;
  uint64_t start_ticks;
  bool this_boot;
} LocalHandle;

/* NULL when there is no such process. Owned: g_free. */
char *local_handle_text (pid_t pid);
bool local_handle_parse (const char *text, LocalHandle *out, GError **error);
/* The process still lives, and is the one that the handle was made for. */
bool local_handle_alive (const LocalHandle *handle);

#endif
