/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated annealing after VPR (Betz and Rose, FPL'97): moves within a window that follows the
 * rate of acceptance, a temperature that falls faster where moves decide nothing, boxes of wires
 * kept up to date move by move. Integers throughout, so that every machine finds the same. */
#include "placer.h"

#define N_LOGS    1024
#define LOG_ONE   256
#define RATE_ONE  1000
#define BEST_RATE 440 /* of accepted moves, in thousandths: VPR's target */
#define END_RATE  5   /* below it nothing is left to do */
#define STEP      16  /* of the window: one place of the grid */

/* The start is good: it is warmed up, not melted. */
#define FIRST_TEMPERATURE 5 /* percent of the mean change for the worse */
#define FIRST_WINDOW      8
#define N_ROUNDS          40
#define LAST_ROUNDS       3 /* that take no change for the worse */

typedef struct
{
  Placer *p;
  int64_t log[N_LOGS]; /* -ln of the middle of each of so many parts of (0, 1), times LOG_ONE */
  int64_t temperature;
  int32_t window; /* furthest move along either axis, in 1 / STEP places */
  int32_t widest;
} Annealer;

/* ---- logarithms ---- */

/* log2 of v times 2^16, bit by bit: the fraction doubles whenever the mantissa is squared. */
static int64_t
log2_of (uint32_t v)
{
  int64_t whole = 31 - __builtin_clz (v), result = whole << 16;
  uint64_t mantissa = (uint64_t) v << (31 - whole);
  for (int bit = 15; bit >= 0; bit--)
    {
      mantissa = (mantissa * mantissa) >> 31;
      if (mantissa >> 32 != 0)
        {
          mantissa >>= 1;
          result |= (int64_t) 1 << bit;
        }
    }
  return result;
}

static void
fill_logs (Annealer *a)
{
  const int64_t ln2 = 45426; /* times 2^16 */
  for (uint32_t i = 0; i < N_LOGS; i++)
    {
      int64_t bits = log2_of (2 * N_LOGS) - log2_of (2 * i + 1);
      a->log[i] = (bits * ln2 >> 16) * LOG_ONE >> 16;
    }
}

/* ---- boxes ---- */

/* One side of a box when a terminal moves along its axis; false: the side has to be found anew. */
static bool
move_low (int16_t *side, uint32_t *on, int16_t from, int16_t to)
{
  if (to < *side)
    {
      *side = to;
      *on = 1;
      return true;
    }
  if (to == *side)
    *on += from != to;
  else if (from == *side)
    return --*on > 0;
  return true;
}

static bool
move_high (int16_t *side, uint32_t *on, int16_t from, int16_t to)
{
  if (to > *side)
    {
      *side = to;
      *on = 1;
      return true;
    }
  if (to == *side)
    *on += from != to;
  else if (from == *side)
    return --*on > 0;
  return true;
}

/* Brings the wire's next box up to date: a terminal went from one slot to another. */
static void
update_wire (Placer *p, Wire *wire, Slot from, Slot to)
{
  if (wire->stamp != p->stamp)
    {
      wire->stamp = p->stamp;
      wire->fresh = false;
      wire->next = wire->box;
      p->touched[p->n_touched++] = (uint32_t) (wire - p->wires);
    }
  if (wire->fresh)
    return;
  Box *box = &wire->next;
  if (wire->n > 3 && move_low (&box->x0, &box->on_x0, from.x, to.x)
      && move_high (&box->x1, &box->on_x1, from.x, to.x)
      && move_low (&box->y0, &box->on_y0, from.y, to.y)
      && move_high (&box->y1, &box->on_y1, from.y, to.y))
    return;
  *box = placer_box (p, wire);
  wire->fresh = true;
}

static void
update_wires (Placer *p, uint32_t unit, Slot from, Slot to)
{
  for (uint32_t i = p->touch_first[unit]; i < p->touch_first[unit + 1]; i++)
    update_wire (p, &p->wires[p->touch[i]], from, to);
}

/* ---- moves ---- */

/* A slot for a unit of the grid: within the window and of its colour on the checkerboard. */
static uint32_t
draw_slot (Annealer *a, SfUnitKind kind, Slot at)
{
  Placer *p = a->p;
  int32_t r = MAX (a->window / STEP, 1);
  int32_t y0 = MAX (at.y - r, 0), y1 = MIN (at.y + r, (int32_t) p->info.rows - 1);
  int32_t y = y0 + (int32_t) placer_draw (p, (uint32_t) (y1 - y0 + 1));
  int32_t x0 = MAX (at.x - r, 0), x1 = MIN (at.x + r, (int32_t) p->info.columns - 1);
  x0 += ((x0 + y) & 1) != (kind == SF_UNIT_PMU);
  if (x0 > x1)
    return SF_NONE;
  int32_t x = x0 + 2 * (int32_t) placer_draw (p, (uint32_t) ((x1 - x0) / 2 + 1));
  return p->slot_at[placer_switch (p, x, y)];
}

/* AGCUs are a list; those of one column are neighbours in it. */
static uint32_t
draw_agcu (Annealer *a, uint32_t slot)
{
  Placer *p = a->p;
  uint32_t n = p->n_slots[SF_UNIT_AGCU];
  uint32_t r = (uint32_t) MAX (a->window / STEP, 1) * p->agcu_slots;
  if (2 * r >= (uint32_t) p->info.rows * p->agcu_slots)
    return placer_draw (p, n);
  uint32_t low = slot > r ? slot - r : 0, high = MIN (slot + r, n - 1);
  return low + placer_draw (p, high - low + 1);
}

static void
swap_units (Placer *p, uint32_t unit, uint32_t slot)
{
  SfUnitKind kind = p->units[unit].kind;
  uint32_t from = p->slot[unit], other = p->holder[kind][slot];
  placer_stand (p, unit, slot);
  p->holder[kind][from] = other;
  if (other != SF_NONE)
    placer_stand (p, other, from);
}

/* The loads of two AGCUs when what stands on their slots changes places; `sign` -1: back. */
static void
move_streams (Placer *p, uint32_t unit, uint32_t other, uint32_t from, uint32_t to, int sign)
{
  int64_t moved = p->stream_load[unit] - (other != SF_NONE ? p->stream_load[other] : 0);
  p->agcu_load[from / p->agcu_slots] -= sign * moved;
  p->agcu_load[to / p->agcu_slots] += sign * moved;
  if (other == SF_NONE)
    {
      p->agcu_streams[from / p->agcu_slots] -= sign;
      p->agcu_streams[to / p->agcu_slots] += sign;
    }
}

static int64_t
shares_of (const Placer *p, uint32_t slot, uint32_t other_slot)
{
  uint32_t a = slot / p->agcu_slots, b = other_slot / p->agcu_slots;
  return a == b ? 0 : placer_share_cost (p, a) + placer_share_cost (p, b);
}

/* The change of cost when the unit and who stands on `slot` change places; both have done so. */
static int64_t
exchange (Placer *p, uint32_t unit, uint32_t slot)
{
  Slot from = p->at[unit];
  SfUnitKind kind = p->units[unit].kind;
  uint32_t from_slot = p->slot[unit], other = p->holder[kind][slot];
  int64_t delta = 0;
  if (kind == SF_UNIT_AGCU)
    {
      delta -= shares_of (p, from_slot, slot);
      move_streams (p, unit, other, from_slot, slot, 1);
      delta += shares_of (p, from_slot, slot);
    }
  swap_units (p, unit, slot);
  p->stamp++;
  p->n_touched = 0;
  update_wires (p, unit, from, p->at[unit]);
  if (other != SF_NONE)
    update_wires (p, other, p->at[unit], from);
  for (uint32_t i = 0; i < p->n_touched; i++)
    {
      const Wire *wire = &p->wires[p->touched[i]];
      delta += placer_wire_cost (wire, &wire->next) - placer_wire_cost (wire, &wire->box);
    }
  return delta;
}

/* After an exchange with the unit that came from slot `from`. */
static void
take_back (Placer *p, uint32_t unit, uint32_t from)
{
  uint32_t slot = p->slot[unit];
  swap_units (p, unit, from);
  if (p->units[unit].kind == SF_UNIT_AGCU)
    move_streams (p, unit, p->holder[SF_UNIT_AGCU][slot], from, slot, -1);
}

static void
keep (Placer *p, int64_t delta)
{
  p->cost += delta;
  for (uint32_t i = 0; i < p->n_touched; i++)
    p->wires[p->touched[i]].box = p->wires[p->touched[i]].next;
}

static uint32_t
draw_target (Annealer *a, uint32_t unit)
{
  SfUnitKind kind = a->p->units[unit].kind;
  return kind == SF_UNIT_AGCU ? draw_agcu (a, a->p->slot[unit])
                              : draw_slot (a, kind, a->p->at[unit]);
}

/* Whether the move was kept. */
static bool
try_move (Annealer *a)
{
  Placer *p = a->p;
  uint32_t unit = placer_draw (p, p->n_units), slot = draw_target (a, unit);
  uint32_t from = p->slot[unit];
  if (slot == SF_NONE || slot == from)
    return false;
  int64_t delta = exchange (p, unit, slot);
  if (delta > 0 && delta > a->temperature * a->log[placer_draw (p, N_LOGS)] / LOG_ONE)
    {
      take_back (p, unit, from);
      return false;
    }
  keep (p, delta);
  return true;
}

/* ---- the schedule ---- */

/* Mean change of cost of moves that make it worse. */
static int64_t
mean_change (Annealer *a)
{
  Placer *p = a->p;
  int64_t sum = 0, n = 0;
  for (uint32_t i = 0; i < p->n_units; i++)
    {
      uint32_t unit = placer_draw (p, p->n_units), slot = draw_target (a, unit);
      uint32_t from = p->slot[unit];
      if (slot == SF_NONE || slot == from)
        continue;
      int64_t delta = exchange (p, unit, slot);
      take_back (p, unit, from);
      sum += MAX (delta, 0);
      n += delta > 0;
    }
  return n > 0 ? sum / n : 0;
}

/* What is left of a temperature at which so many moves were accepted, in thousandths: VPR's. */
static int64_t
cooling (int64_t rate)
{
  return rate > 960 ? 500 : rate > 800 ? 900 : rate > 150 ? 950 : 800;
}

/* A round at one temperature; the rate of accepted moves. */
static int64_t
run_round (Annealer *a, int64_t moves)
{
  int64_t kept = 0;
  for (int64_t i = 0; i < moves; i++)
    kept += try_move (a);
  return kept * RATE_ONE / moves;
}

void
placer_anneal (Placer *p, int64_t moves)
{
  Annealer a = { .p = p, .widest = (int32_t) MAX (p->info.columns, p->info.rows) * STEP };
  if (p->n_units < 2 || p->n_wires == 0 || moves == 0)
    return;
  fill_logs (&a);
  placer_count (p);
  a.window = MIN (a.widest, FIRST_WINDOW * STEP);
  a.temperature = mean_change (&a) * FIRST_TEMPERATURE / 100;
  int64_t per_round = MAX (moves * p->n_units / N_ROUNDS, 1);
  for (int round = 0; round < N_ROUNDS; round++)
    {
      bool cold = round >= N_ROUNDS - LAST_ROUNDS || a.temperature < p->cost / p->n_wires / 200;
      if (cold)
        a.temperature = 0;
      int64_t rate = run_round (&a, per_round);
      if (cold && rate < END_RATE)
        return;
      a.temperature = a.temperature * cooling (rate) / 1000;
      a.window = (int32_t) CLAMP (a.window * (RATE_ONE - BEST_RATE + rate) / RATE_ONE, STEP,
                                  a.widest);
    }
}
