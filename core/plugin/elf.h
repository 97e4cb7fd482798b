/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a shared object before the dynamic loader maps it. */
#ifndef CORE_PLUGIN_ELF_H
#define CORE_PLUGIN_ELF_H

#include <sf/error.h>

/* Refuses what dlopen would crash on or report badly: no regular file, no ELF, another machine or
 * class, no shared object, tables or segments that end behind the file. */
bool sf_elf_check (const char *path, GError **error);

#endif
