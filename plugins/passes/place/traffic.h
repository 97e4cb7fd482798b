/* SPDX-License-Identifier: Apache-2.0 */
/* What nets move in one run of a section, as docs/timing.md counts it: what the placer and the
 * router weigh wires by. */
#ifndef SF_PASSES_PLACE_TRAFFIC_H
#define SF_PASSES_PLACE_TRAFFIC_H

#include <sf/plugin/program.h>

/* The part of a net that leads to one reader: one multicast. */
typedef struct
{
  uint32_t net;      /* index in the array of nets */
  uint32_t first, n; /* sinks[first .. first + n) of the net */
  int64_t load; /* vectors in one run of the section; scalar network: elements; control: tokens */
} Transfer;

/* Transfers of `nets` (sf_config_nets of a config whose places are known), in their order. Owned
 * (g_array_unref). */
GArray *traffic_of_nets (const SfProgram *program, uint32_t config, const SfArchInfo *arch,
                         const GArray *nets);

#endif
