/* SPDX-License-Identifier: Apache-2.0 */
/* The switches of one placed and routed section, cycle by cycle: vectors wait in queues, hop over
 * links that have so many channels, part where their net branches. docs/timing.md, "Links".
 *
 * A *transfer* is what one place sends to some of the sinks of its net: an operand of a reader, a
 * result, a stream. Each has queues of its own, so that one that stands still does not hold up the
 * others of its net. */
#ifndef SF_TESTS_TIMING_NETWORK_H
#define SF_TESTS_TIMING_NETWORK_H

#include <sf/plugin/program.h>

typedef struct Network Network;

Network *network_new (const SfProgram *program, uint32_t config, const SfArch *arch);
void network_free (Network *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Network, network_free)

/* `source` and `sinks` are place indices. False: the net of the source does not reach them. */
bool network_add_transfer (Network *network, uint32_t source, const uint32_t *sinks, size_t n_sinks,
                           uint32_t *transfer);

/* Hops from the source to the farthest sink. */
int64_t network_way (const Network *network, uint32_t transfer);

/* The source's switch holds so many vectors of each transfer. */
bool network_has_room (const Network *network, uint32_t transfer);
void network_send (Network *network, uint32_t transfer, int64_t now);

/* Whether a vector has come to the sink (by index); a sink takes one a cycle of a transfer. */
bool network_has_arrived (const Network *network, uint32_t transfer, size_t sink, int64_t now);
void network_take (Network *network, uint32_t transfer, size_t sink, int64_t now);

/* Lets every link move what it may in this cycle. */
void network_step (Network *network, int64_t now);

#endif
