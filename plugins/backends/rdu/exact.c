/* SPDX-License-Identifier: Apache-2.0 */
/* Exact firing: real values through rings of exactly the program's depth, one outer iteration at a
 * time, in the order that tokens and room allow.
 *
 * Streams and stages are agents, tried in turn until all are done. The kernels and the order of
 * every sum are those of the fast path, so the bits are too. */
#include <string.h>

#include "plugins/backends/rdu/machine.h"

typedef struct
{
  int32_t *ring;
  int64_t slots;   /* tokens that fit */
  int64_t written; /* tokens handed over */
  int64_t freed;   /* tokens that every reader has given back */
} Fifo;

/* A stage's operand on a buffer, or a stream's end. */
typedef struct
{
  uint32_t buffer;
  bool out, is_resident;
  int64_t rate, done;
  /* Tokens of one iteration where they are not in the ring as the stage wants them: side by side,
   * or as whole images, channels-last. */
  int32_t *window;
} Port;

typedef struct
{
  const RduStage *stage; /* NULL: a stream */
  const SfStream *stream;
  int64_t iterations, fired;
  size_t n_ports;
  Port *ports; /* of a stage: one per operand, TEMP included with buffer SF_NONE */
  float *temp;
} Agent;

typedef struct
{
  RduMachine *machine;
  RduLaunch *launch;
  const RduConfig *config;
  size_t n_agents;
  Agent *agents;
  Fifo *fifos;
  int32_t *free; /* memory not yet given out */
} Exact;

static int64_t
padded (int64_t elems)
{
  return (elems + 15) / 16 * 16;
}

static int64_t
n_slots (const RduBuffer *buffer)
{
  return MAX (MIN (buffer->depth, buffer->tokens), 1);
}

/* Rings hold tokens row-major; whether the stages' order is another. */
static bool
permutes (const RduBuffer *buffer)
{
  return rdu_layout_permutes (&buffer->shape, buffer->channels_last);
}

static int64_t
image_elems (const RduBuffer *buffer)
{
  return MAX (buffer->n_elems / MAX (buffer->shape.dim[0], 1), 1);
}

static int64_t
window_elems (const RduConfig *config, const RduOperand *operand)
{
  if (operand->kind == SF_OPERAND_TEMP)
    return 0;
  const RduBuffer *buffer = &config->buffers[operand->buffer];
  int64_t moving = operand->rate * buffer->token_elems;
  if (!permutes (buffer))
    return operand->counter < 0 ? 0 : padded (moving);
  /* The images that the tokens have a part of. */
  int64_t images = (MAX (moving, 1) - 1) / image_elems (buffer) + 2;
  return padded (operand->counter < 0 ? buffer->n_elems
                                      : MIN (images, buffer->shape.dim[0]) * image_elems (buffer));
}

int64_t
rdu_exact_elems (const RduConfig *config)
{
  int64_t n = 0;
  for (size_t b = 0; b < config->n_buffers; b++)
    n += padded (n_slots (&config->buffers[b]) * config->buffers[b].token_elems);
  for (size_t s = 0; s < config->n_stages; s++)
    {
      n += padded (config->stages[s].temp_elems);
      for (size_t o = 0; o < config->stages[s].n_operands; o++)
        n += window_elems (config, &config->stages[s].operands[o]);
    }
  return n;
}

static void *
take (Exact *exact, int64_t elems)
{
  int32_t *memory = exact->free;
  exact->free += padded (elems);
  return memory;
}

static void
add_stage (Exact *exact, const RduStage *stage)
{
  Agent *agent = &exact->agents[exact->n_agents++];
  *agent = (Agent){ .stage = stage,
                    .iterations = stage->n_counters == 0 ? 1 : stage->n_blocks[0],
                    .n_ports = stage->n_operands,
                    .ports = g_new0 (Port, stage->n_operands + 1),
                    .temp = take (exact, stage->temp_elems) };
  for (size_t o = 0; o < stage->n_operands; o++)
    {
      const RduOperand *operand = &stage->operands[o];
      agent->ports[o] = (Port){ .buffer = operand->kind == SF_OPERAND_TEMP ? SF_NONE
                                                                           : operand->buffer,
                                .out = operand->kind == SF_OPERAND_OUT,
                                .is_resident = operand->counter < 0,
                                .rate = operand->rate,
                                .window = take (exact, window_elems (exact->config, operand)) };
      /* Several results in one buffer are one writer: they share its window. */
      for (size_t p = 0; p < o && agent->ports[o].out; p++)
        if (agent->ports[p].out && agent->ports[p].buffer == agent->ports[o].buffer)
          agent->ports[o].window = agent->ports[p].window;
    }
}

static void
add_stream (Exact *exact, const SfStream *stream)
{
  Agent *agent = &exact->agents[exact->n_agents++];
  *agent = (Agent){ .stream = stream,
                    .iterations = exact->config->buffers[stream->buffer].tokens,
                    .n_ports = 1,
                    .ports = g_new0 (Port, 1) };
  agent->ports[0] = (Port){ .buffer = stream->buffer, .out = !stream->out, .rate = 1 };
}

static bool
is_ready (const Exact *exact, const Agent *agent, const Port *port)
{
  if (port->buffer == SF_NONE)
    return true;
  const Fifo *fifo = &exact->fifos[port->buffer];
  int64_t all = exact->config->buffers[port->buffer].tokens;
  int64_t needs = port->is_resident ? all : MIN (all, (agent->fired + 1) * port->rate);
  return port->out ? needs - fifo->freed <= fifo->slots : fifo->written >= needs;
}

static bool
may_fire (const Exact *exact, const Agent *agent)
{
  if (agent->fired == agent->iterations)
    return false;
  for (size_t p = 0; p < agent->n_ports; p++)
    if (!is_ready (exact, agent, &agent->ports[p]))
      return false;
  return true;
}

static int64_t
token_elems (const RduBuffer *buffer, int64_t token)
{
  return MIN (buffer->token_elems, buffer->n_elems - token * buffer->token_elems);
}

static int32_t *
token_at (const Exact *exact, uint32_t buffer, int64_t token)
{
  const Fifo *fifo = &exact->fifos[buffer];
  return fifo->ring + token % fifo->slots * exact->config->buffers[buffer].token_elems;
}

/* Whether the tokens of this iteration lie in the ring one after the other. */
static bool
is_straight (const Exact *exact, const Port *port, int64_t first)
{
  return first % exact->fifos[port->buffer].slots + port->rate <= exact->fifos[port->buffer].slots;
}

/* The image that a channels-last window begins with when `token` is its first. */
static int64_t
window_image (const Exact *exact, const Port *port, int64_t token)
{
  const RduBuffer *buffer = &exact->config->buffers[port->buffer];
  return port->is_resident ? 0 : token * buffer->token_elems / image_elems (buffer);
}

/* The window, with this iteration's tokens for a reader, as the whole tensor it is a part of. */
static void *
images_base (const Exact *exact, const Agent *agent, const Port *port)
{
  const RduBuffer *buffer = &exact->config->buffers[port->buffer];
  int64_t first = port->is_resident ? 0 : agent->fired * port->rate;
  int64_t end = port->is_resident ? buffer->tokens : MIN (first + port->rate, buffer->tokens);
  int64_t image = window_image (exact, port, first);
  bool has_them = port->out || (port->is_resident && agent->fired > 0);
  for (int64_t t = first; t < end && !has_them; t++)
    rdu_layout_scatter (&buffer->shape, t * buffer->token_elems, token_elems (buffer, t),
                        token_at (exact, port->buffer, t), port->window, image);
  return (void *) ((uintptr_t) port->window - (uintptr_t) (image * image_elems (buffer) * 4));
}

/* Where element 0 of the whole tensor would be, so that the boxes of this iteration hit its tokens.
 */
static void *
port_base (const Exact *exact, const Agent *agent, const Port *port)
{
  if (port->buffer == SF_NONE)
    return NULL;
  const RduBuffer *buffer = &exact->config->buffers[port->buffer];
  if (permutes (buffer))
    return images_base (exact, agent, port);
  if (port->is_resident)
    return exact->fifos[port->buffer].ring;
  int64_t first = agent->fired * port->rate;
  int32_t *tokens = is_straight (exact, port, first) ? token_at (exact, port->buffer, first)
                                                     : port->window;
  for (int64_t t = first;
       tokens == port->window && !port->out && t < MIN (first + port->rate, buffer->tokens); t++)
    memcpy (port->window + (t - first) * buffer->token_elems, token_at (exact, port->buffer, t),
            (size_t) token_elems (buffer, t) * 4);
  return (void *) ((uintptr_t) tokens - (uintptr_t) (first * buffer->token_elems * 4));
}

static void
update_freed (Exact *exact, uint32_t buffer)
{
  int64_t freed = INT64_MAX;
  for (size_t a = 0; a < exact->n_agents; a++)
    for (size_t p = 0; p < exact->agents[a].n_ports; p++)
      {
        const Port *port = &exact->agents[a].ports[p];
        if (port->buffer == buffer && !port->out)
          freed = MIN (freed, port->done);
      }
  exact->fifos[buffer].freed = freed == INT64_MAX ? 0 : freed;
}

/* Rounds tokens from port->done to `upto` and hands them over. */
static void
hand_over (Exact *exact, Port *port, int64_t upto)
{
  const RduBuffer *buffer = &exact->config->buffers[port->buffer];
  Fifo *fifo = &exact->fifos[port->buffer];
  int64_t first = port->done;
  bool in_window = !port->is_resident && port->window != NULL && !is_straight (exact, port, first);
  for (int64_t t = MAX (first, fifo->written); t < upto; t++)
    {
      int32_t *to = token_at (exact, port->buffer, t);
      if (port->window != NULL && permutes (buffer))
        rdu_layout_gather (&buffer->shape, t * buffer->token_elems, token_elems (buffer, t), to,
                           port->window, window_image (exact, port, first));
      else if (in_window)
        memcpy (to, port->window + (t - first) * buffer->token_elems,
                (size_t) token_elems (buffer, t) * 4);
      rdu_settle (exact->machine->isa, buffer->dtype, to, token_elems (buffer, t));
    }
  port->done = upto;
  fifo->written = MAX (fifo->written, upto);
}

static void
complete (Exact *exact, Agent *agent)
{
  agent->fired++;
  for (size_t p = 0; p < agent->n_ports; p++)
    {
      Port *port = &agent->ports[p];
      if (port->buffer == SF_NONE || (port->is_resident && agent->fired < agent->iterations))
        continue;
      int64_t all = exact->config->buffers[port->buffer].tokens;
      int64_t upto = port->is_resident ? all : MIN (all, agent->fired * port->rate);
      if (port->out)
        hand_over (exact, port, upto);
      else
        {
          port->done = upto;
          update_freed (exact, port->buffer);
        }
    }
}

/* One iteration of the outermost counter: the inner ones in order. */
static void
fire_stage (Exact *exact, Agent *agent)
{
  const RduStage *stage = agent->stage;
  RduWorker *first = &exact->machine->workers[0];
  RduWorker worker = { .temp = agent->temp, .scratch = first->scratch, .fault = first->fault };
  RduFrame frame = { .packed = { NULL }, .wanted = UINT64_MAX };
  int64_t block[SF_MAX_COUNTERS] = { agent->fired };
  for (size_t p = 0; p < agent->n_ports; p++)
    frame.base[p] = port_base (exact, agent, &agent->ports[p]);
  for (int k = 1; k < stage->n_counters; k++)
    if (stage->n_blocks[k] == 0)
      return;
  for (;;)
    {
      rdu_stage_fire (stage, block, &frame, &worker);
      int k = stage->n_counters - 1;
      for (; k >= 1; k--)
        {
          if (++block[k] < stage->n_blocks[k])
            break;
          block[k] = 0;
        }
      if (k < 1)
        break;
    }
  first->fault = worker.fault;
  rdu_note_fault (exact->machine, 0, (size_t) (stage - exact->config->stages));
}

/* A token between the ring and images in memory. */
static void
move_in_images (const Exact *exact, const RduBuffer *buffer, const RduTensor *tensor, int64_t begin,
                int64_t n, int32_t *token, bool out)
{
  int64_t image = image_elems (buffer), first = begin / image, end = (begin + n - 1) / image + 1;
  int32_t *images = (int32_t *) tensor->data + first * image;
  if (!out)
    rdu_layout_gather (&buffer->shape, begin, n, token, images, first);
  else
    {
      rdu_layout_scatter (&buffer->shape, begin, n, token, images, first);
      rdu_settle (exact->machine->isa, tensor->dtype, images, (end - first) * image);
    }
}

static void
fire_stream (Exact *exact, const Agent *agent)
{
  const SfStream *stream = agent->stream;
  const RduBuffer *buffer = &exact->config->buffers[stream->buffer];
  RduHome slot = exact->launch->slots[stream->slot];
  const RduTensor *tensor = &exact->machine->tensors[slot.tensor];
  int64_t begin = agent->fired * buffer->token_elems, n = token_elems (buffer, agent->fired);
  int32_t *memory = (int32_t *) tensor->data + slot.offset + begin,
          *token = token_at (exact, stream->buffer, agent->fired);
  if (permutes (buffer))
    {
      move_in_images (exact, buffer, tensor, begin, n, token, stream->out);
      return;
    }
  memcpy (stream->out ? memory : token, stream->out ? token : memory, (size_t) n * 4);
  if (stream->out)
    rdu_settle (exact->machine->isa, tensor->dtype, memory, n);
}

static void
begin (Exact *exact)
{
  const RduConfig *config = exact->config;
  exact->free = exact->machine->rings;
  exact->fifos = g_new0 (Fifo, config->n_buffers + 1);
  exact->agents = g_new0 (Agent, config->n_streams + config->n_stages + 1);
  for (size_t b = 0; b < config->n_buffers; b++)
    {
      exact->fifos[b].slots = n_slots (&config->buffers[b]);
      exact->fifos[b].ring = take (exact, exact->fifos[b].slots * config->buffers[b].token_elems);
    }
  for (size_t s = 0; s < config->n_streams; s++)
    add_stream (exact, &config->streams[s]);
  for (size_t s = 0; s < config->n_stages; s++)
    add_stage (exact, &config->stages[s]);
}

static void
end (Exact *exact)
{
  for (size_t a = 0; a < exact->n_agents; a++)
    g_free (exact->agents[a].ports);
  g_free (exact->agents);
  g_free (exact->fifos);
}

/* Names the buffer that an unfinished agent waits for. */
static bool
fail_deadlock (const Exact *exact, GError **error)
{
  for (size_t a = 0; a < exact->n_agents; a++)
    for (size_t p = 0; p < exact->agents[a].n_ports; p++)
      {
        const Agent *agent = &exact->agents[a];
        const Port *port = &agent->ports[p];
        if (agent->fired < agent->iterations && port->out && !is_ready (exact, agent, port))
          return sf_fail (
              error, SF_ERROR_CHECK_FAILED,
              "buffer %s: full at depth %" G_GINT64_FORMAT " with %" G_GINT64_FORMAT
              " tokens written, and nothing can fire, wanted a deeper buffer; compile the model again",
              exact->config->buffers[port->buffer].name, exact->fifos[port->buffer].slots,
              exact->fifos[port->buffer].written);
      }
  return sf_fail (error, SF_ERROR_CHECK_FAILED,
                  "launch %u: nothing can fire, wanted every token moved; compile the model again",
                  (unsigned) exact->launch->index);
}

bool
rdu_launch_exact (RduMachine *machine, const RduEntry *entry, RduLaunch *launch, GError **error)
{
  Exact exact = { .machine = machine, .launch = launch, .config = launch->config };
  bool has_moved = true, is_done = false, is_good = true;
  begin (&exact);
  while (has_moved && is_good)
    {
      has_moved = false;
      is_done = true;
      for (size_t a = 0; a < exact.n_agents && is_good; a++)
        {
          Agent *agent = &exact.agents[a];
          if (may_fire (&exact, agent))
            {
              if (agent->stage != NULL)
                fire_stage (&exact, agent);
              else
                fire_stream (&exact, agent);
              complete (&exact, agent);
              has_moved = true;
              is_good = agent->stage == NULL || rdu_check_faults (machine, entry, launch, error);
            }
          is_done = is_done && agent->fired == agent->iterations;
        }
    }
  if (is_good && !is_done)
    is_good = fail_deadlock (&exact, error);
  end (&exact);
  return is_good;
}
