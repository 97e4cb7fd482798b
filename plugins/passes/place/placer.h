/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the pass place share: units, slots that they stand on, wires between them. */
#ifndef SF_PASSES_PLACE_PLACER_H
#define SF_PASSES_PLACE_PLACER_H

#include <sf/plugin/pass.h>

#define MAX_WEIGHT 65536 /* of the wire that carries most */

typedef struct
{
  int16_t x, y;
} Slot;

/* The rectangle that a wire spans, and how many of its terminals stand on each side. */
typedef struct
{
  int16_t x0, x1, y0, y1;
  uint32_t on_x0, on_x1, on_y0, on_y1;
} Box;

/* A multicast between units: a transfer of a net. */
typedef struct
{
  uint32_t first, n; /* terminals */
  int64_t weight;
  Box box;
  Box next;       /* with the move in work */
  uint64_t stamp; /* of the last move that touched it */
  bool fresh;     /* `next` was counted with the move done */
} Wire;

typedef struct
{
  SfProgram *program;
  uint32_t config;
  const SfArch *arch;
  SfArchInfo info;

  uint32_t n_units;
  SfPlace *units;
  Slot *at;       /* per unit */
  uint32_t *slot; /* per unit: of the slots of its kind */

  uint32_t n_slots[SF_UNIT_NONE];
  Slot *slots[SF_UNIT_NONE];
  uint32_t *holder[SF_UNIT_NONE]; /* per slot: unit, SF_NONE */
  uint32_t *slot_at;              /* per switch: first of the slots there */
  uint32_t agcu_slots;            /* streams that an AGCU takes */

  uint32_t n_wires;
  Wire *wires;
  uint32_t *terminals;           /* units */
  uint32_t *touch_first, *touch; /* wires of unit u: touch[touch_first[u] .. touch_first[u + 1]) */
  int64_t *stream_load;  /* per unit: what an AGCU moves for it, at most MAX_WEIGHT; else 0 */
  int64_t *agcu_load;    /* per AGCU: of its streams */
  int64_t *agcu_streams; /* per AGCU: how many */
  int64_t cost;

  uint64_t random; /* state */
  uint64_t stamp;
  uint32_t *touched; /* wires of the move in work */
  uint32_t n_touched;
} Placer;

static inline uint32_t
placer_switch (const Placer *p, int64_t x, int64_t y)
{
  return (uint32_t) (y * (p->info.columns + 2) + x + 1);
}

/* xorshift64* (Vigna, 2016); uniform below n up to a bias of n / 2^32. */
static inline uint32_t
placer_draw (Placer *p, uint32_t n)
{
  p->random ^= p->random >> 12;
  p->random ^= p->random << 25;
  p->random ^= p->random >> 27;
  return (uint32_t) (((p->random * UINT64_C (0x2545F4914F6CDD1D)) >> 32) * n >> 32);
}

/* Puts a unit on a slot, whoever stands there. */
void placer_stand (Placer *p, uint32_t unit, uint32_t slot);
/* Wires from the nets of the units; needs places in the program. */
void placer_wire (Placer *p);
/* Boxes of all wires and the whole cost. */
void placer_count (Placer *p);
Box placer_box (const Placer *p, const Wire *wire);

static inline int64_t
placer_wire_cost (const Wire *wire, const Box *box)
{
  return wire->weight * (box->x1 - box->x0 + box->y1 - box->y0);
}

/* What it costs that streams share an AGCU, in terms of wire: each waits for the others, a light
 * one for a heavy one longest. */
static inline int64_t
placer_share_cost (const Placer *p, uint32_t agcu)
{
  return 8 * MAX (p->agcu_streams[agcu] - 1, 0) * p->agcu_load[agcu];
}

/* A first placement: each unit near those that it is wired to. */
void placer_start (Placer *p);
/* Better ones, in about `moves` attempts for each unit. */
void placer_anneal (Placer *p, int64_t moves);

#endif
