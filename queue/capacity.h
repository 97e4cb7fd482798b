/* SPDX-License-Identifier: Apache-2.0 */
/* What the node of a queue has: `sfd.cfg` in the queue's folder, else what the machine tells. */
#ifndef QUEUE_CAPACITY_H
#define QUEUE_CAPACITY_H

#include "queue/schedule.h"

/* cores = 4; memory = "16G"; tiles = 8; each may be missing: all cores, all memory, 4 tiles. */
bool sf_capacity_read (const char *folder, SfResources *out, GError **error);

#endif
