/* SPDX-License-Identifier: Apache-2.0 */
/* An instance of the backend: the source graphs of a program, interpreted over one set of states.
 */
#ifndef SF_CPU_SESSION_H
#define SF_CPU_SESSION_H

#include <sf/plugin/backend.h>

void *cpu_session_open (const SfBackendLoad *load, GError **error);
void cpu_session_close (void *instance);
bool cpu_session_step (void *instance, const SfBackendStep *step, GError **error);
bool cpu_session_read (void *instance, const char *name, SfTensor *tensor, GError **error);
bool cpu_session_write (void *instance, const char *name, const SfTensor *tensor, GError **error);
char *cpu_session_describe (void *instance);

#endif
