/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that a section comes to its end with the depths that it has.
 *
 * Every stage and stream goes as far as tokens and room let it, all in turn, until nobody gets any
 * further. How far is a formula, not a sequence of firings: progress is monotone, so where it ends
 * does not depend on who goes first. */
#include "core/program/check.h"

#define AT(array, Type, index) g_array_index ((array), Type, (index))

/* One reader or writer of a buffer. */
typedef struct
{
  uint32_t buffer, actor;
  bool out, resident;
  int64_t rate;
} Tap;

/* A stage or a stream. */
typedef struct
{
  int64_t iterations, done;
  guint first, end; /* of the taps */
} Actor;

typedef struct
{
  const SfConfigStore *config;
  GArray *taps;     /* Tap */
  GArray *actors;   /* Actor */
  int64_t *written; /* per buffer: tokens handed over */
  int64_t *freed;   /* per buffer: tokens that all readers have given back */
} Flow;

static const SfBuffer *
buffer_at (const Flow *f, uint32_t buffer)
{
  return &AT (f->config->buffers, SfBuffer, buffer);
}

static void
add_tap (Flow *f, Actor *actor, Tap tap)
{
  tap.actor = f->actors->len;
  g_array_append_val (f->taps, tap);
  actor->end = f->taps->len;
}

static void
add_actors (Flow *f)
{
  for (guint s = 0; s < f->config->stages->len; s++)
    {
      const SfStage *stage = &AT (f->config->stages, SfStage, s);
      Actor actor = { sf_stage_iterations (stage), 0, f->taps->len, f->taps->len };
      for (size_t i = 0; i < stage->n_operands; i++)
        {
          const SfOperand *o = &stage->operands[i];
          if (o->kind != SF_OPERAND_TEMP)
            add_tap (f, &actor,
                     (Tap){ o->buffer, 0, o->kind == SF_OPERAND_OUT, o->counter < 0, o->rate });
        }
      g_array_append_val (f->actors, actor);
    }
  for (guint t = 0; t < f->config->streams->len; t++)
    {
      const SfStream *stream = &AT (f->config->streams, SfStream, t);
      Actor actor = { buffer_at (f, stream->buffer)->tokens, 0, f->taps->len, f->taps->len };
      add_tap (f, &actor, (Tap){ stream->buffer, 0, !stream->out, false, 1 });
      g_array_append_val (f->actors, actor);
    }
}

/* Iterations that the tap allows its actor in all, as things stand. */
static int64_t
allowed (const Flow *f, const Tap *tap)
{
  int64_t all = AT (f->actors, Actor, tap->actor).iterations;
  int64_t tokens = buffer_at (f, tap->buffer)->tokens;
  int64_t within = tap->out ? f->freed[tap->buffer] + buffer_at (f, tap->buffer)->depth
                            : f->written[tap->buffer];
  if (within >= tokens)
    return all;
  return tap->resident ? 0 : MIN (all, within / tap->rate);
}

/* Tokens that the tap is through with after so many of its actor's iterations. */
static int64_t
passed (const Flow *f, const Tap *tap)
{
  const Actor *actor = &AT (f->actors, Actor, tap->actor);
  int64_t tokens = buffer_at (f, tap->buffer)->tokens;
  if (actor->done >= actor->iterations)
    return tokens;
  return tap->resident ? 0 : MIN (tokens, actor->done * tap->rate);
}

/* A token is free when the slowest reader is through with it. */
static void
give_back (Flow *f, GArray *const *readers, uint32_t buffer)
{
  int64_t least = INT64_MAX;
  for (guint i = 0; i < readers[buffer]->len; i++)
    least = MIN (least, passed (f, &AT (f->taps, Tap, AT (readers[buffer], guint, i))));
  if (least < INT64_MAX)
    f->freed[buffer] = least;
}

/* Whether the actor got any further. */
static bool
advance (Flow *f, GArray *const *readers, Actor *actor)
{
  int64_t until = actor->iterations;
  for (guint t = actor->first; t < actor->end; t++)
    until = MIN (until, allowed (f, &AT (f->taps, Tap, t)));
  if (until <= actor->done)
    return false;
  actor->done = until;
  for (guint t = actor->first; t < actor->end; t++)
    {
      const Tap *tap = &AT (f->taps, Tap, t);
      if (tap->out)
        f->written[tap->buffer] = passed (f, tap);
      else
        give_back (f, readers, tap->buffer);
    }
  return true;
}

static bool
run_to_the_end (Flow *f, GArray *const *readers)
{
  for (bool moved = true; moved;)
    {
      moved = false;
      for (guint a = 0; a < f->actors->len; a++)
        moved |= advance (f, readers, &AT (f->actors, Actor, a));
    }
  for (guint a = 0; a < f->actors->len; a++)
    if (AT (f->actors, Actor, a).done < AT (f->actors, Actor, a).iterations)
      return false;
  return true;
}

/* ---- what stands still ---- */

/* Depth with which the tap's actor could do its next iteration. */
static int64_t
depth_wanted (const Flow *f, const Tap *tap)
{
  const Actor *actor = &AT (f->actors, Actor, tap->actor);
  int64_t tokens = buffer_at (f, tap->buffer)->tokens;
  int64_t needs = tap->resident ? tokens : MIN (tokens, (actor->done + 1) * tap->rate);
  return needs - f->freed[tap->buffer];
}

static bool
is_stopped_by (const Flow *f, const Tap *tap)
{
  const Actor *actor = &AT (f->actors, Actor, tap->actor);
  return actor->done < actor->iterations && allowed (f, tap) <= actor->done;
}

/* Whether one of the buffer's readers waits for tokens of another. */
static bool
has_starved_reader (const Flow *f, const GArray *readers)
{
  for (guint i = 0; i < readers->len; i++)
    {
      const Actor *actor = &AT (f->actors, Actor, AT (f->taps, Tap, AT (readers, guint, i)).actor);
      for (guint t = actor->first; t < actor->end; t++)
        if (!AT (f->taps, Tap, t).out && is_stopped_by (f, &AT (f->taps, Tap, t)))
          return true;
    }
  return false;
}

/* The full buffer that holds back a writer while its reader starves, with the least to add; else
 * one that is waited for in vain. */
static bool
fail_standstill (const SfCheck *check, const Flow *f, GArray *const *readers)
{
  uint32_t full = SF_NONE, starved = SF_NONE;
  int64_t wanted = INT64_MAX;
  for (guint t = 0; t < f->taps->len; t++)
    {
      const Tap *tap = &AT (f->taps, Tap, t);
      if (!is_stopped_by (f, tap))
        continue;
      if (!tap->out)
        starved = tap->buffer;
      else if (depth_wanted (f, tap) < wanted && has_starved_reader (f, readers[tap->buffer]))
        {
          full = tap->buffer;
          wanted = depth_wanted (f, tap);
        }
    }
  if (full == SF_NONE)
    return sf_check_fail (check, "buffer", starved,
                          "its tokens are waited for and never come, wanted a writer that can go "
                          "first; break the cycle of stages or cut the section");
  return sf_check_fail (check, "buffer", full,
                        "depth %" PRId64 " deadlocks, wanted %" PRId64
                        " or more; deepen the buffer or cut the section",
                        buffer_at (f, full)->depth, wanted);
}

bool
sf_check_tokens (const SfCheck *check)
{
  const SfConfigStore *config = sf_program_config (check->program, check->config);
  guint n = config->buffers->len;
  g_autoptr (GArray) taps = g_array_new (FALSE, FALSE, sizeof (Tap));
  g_autoptr (GArray) actors = g_array_new (FALSE, FALSE, sizeof (Actor));
  g_autofree int64_t *written = g_new0 (int64_t, n + 1);
  g_autofree int64_t *freed = g_new0 (int64_t, n + 1);
  g_autofree GArray **readers = g_new0 (GArray *, n + 1);
  Flow f = { config, taps, actors, written, freed };
  add_actors (&f);
  for (guint b = 0; b < n; b++)
    readers[b] = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint t = 0; t < taps->len; t++)
    if (!AT (taps, Tap, t).out)
      g_array_append_val (readers[AT (taps, Tap, t).buffer], t);
  bool ok = run_to_the_end (&f, readers) || fail_standstill (check, &f, readers);
  for (guint b = 0; b < n; b++)
    g_array_unref (readers[b]);
  return ok;
}
