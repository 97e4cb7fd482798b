/* SPDX-License-Identifier: Apache-2.0 */
/* SfAhead: two blocks of items between the thread that makes them and the one that takes them. */
#include "core/run/ahead.h"

#include <pthread.h>
#include <signal.h>

enum
{
  N_BLOCKS = 2
};

typedef enum
{
  BLOCK_FREE,
  BLOCK_MAKING, /* the thread's */
  BLOCK_READY,
  BLOCK_TAKEN, /* the user's */
} BlockState;

/* Items first .. first + n; an error is that of the item behind them. */
typedef struct
{
  BlockState state;
  int64_t first, n;
  GError *error;
} Block;

struct SfAhead
{
  int64_t per_block;
  SfAheadFunc func;
  void *user_data;
  pthread_t thread;
  bool has_thread;
  Block *taken;     /* NULL: none; this and what follows is the user's own */
  int64_t expected; /* first item of the block that comes next; -1: none will */
  int64_t limit;    /* end of the last start */

  pthread_mutex_t lock; /* of all below; a block's contents belong to whom its state says */
  pthread_cond_t wanted, done;
  Block block[N_BLOCKS];
  int64_t next, end; /* to be made; next == end: nothing */
  bool stop;
};

static Block *
find_block (SfAhead *ahead, BlockState state)
{
  for (int i = 0; i < N_BLOCKS; i++)
    if (ahead->block[i].state == state)
      return &ahead->block[i];
  return NULL;
}

static void
free_block (Block *block)
{
  g_clear_error (&block->error);
  block->state = BLOCK_FREE;
}

/* Fills a block up, or as far as there is no pause and no error. Holds the lock between items. */
static void
make_block (SfAhead *ahead, Block *block)
{
  int64_t place = (block - ahead->block) * ahead->per_block;
  bool ok = true;
  block->state = BLOCK_MAKING;
  block->first = ahead->next;
  block->n = 0;
  while (ok && !ahead->stop && block->n < ahead->per_block && ahead->next < ahead->end)
    {
      pthread_mutex_unlock (&ahead->lock);
      ok = ahead->func (ahead->user_data, block->first + block->n, place + block->n, &block->error);
      pthread_mutex_lock (&ahead->lock);
      block->n += ok;
      if (ok && ahead->next < ahead->end)
        ahead->next++;
    }
  if (!ok)
    ahead->next = ahead->end;
  block->state = BLOCK_READY;
  pthread_cond_signal (&ahead->done);
}

static void *
thread_main (void *data)
{
  SfAhead *ahead = data;
  pthread_mutex_lock (&ahead->lock);
  while (!ahead->stop)
    {
      Block *block = ahead->next < ahead->end ? find_block (ahead, BLOCK_FREE) : NULL;
      if (block != NULL)
        make_block (ahead, block);
      else
        pthread_cond_wait (&ahead->wanted, &ahead->lock);
    }
  pthread_mutex_unlock (&ahead->lock);
  return NULL;
}

SfAhead *
sf_ahead_new (int64_t per_block, SfAheadFunc func, void *user_data, GError **error)
{
  SfAhead *ahead = g_new0 (SfAhead, 1);
  sigset_t all, before;
  ahead->per_block = per_block;
  ahead->func = func;
  ahead->user_data = user_data;
  ahead->expected = -1;
  pthread_mutex_init (&ahead->lock, NULL);
  pthread_cond_init (&ahead->wanted, NULL);
  pthread_cond_init (&ahead->done, NULL);
  /* Signals are for the threads that the program made itself. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  int status = pthread_create (&ahead->thread, NULL, thread_main, ahead);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  ahead->has_thread = status == 0;
  if (status == 0)
    return ahead;
  sf_fail (error, SF_ERROR_NO_RESOURCE,
           "threads: cannot start the one that reads data ahead: %s; allow more processes",
           g_strerror (status));
  sf_ahead_free (ahead);
  return NULL;
}

void
sf_ahead_free (SfAhead *ahead)
{
  if (ahead == NULL)
    return;
  if (ahead->has_thread)
    {
      pthread_mutex_lock (&ahead->lock);
      ahead->stop = true;
      pthread_cond_signal (&ahead->wanted);
      pthread_mutex_unlock (&ahead->lock);
      pthread_join (ahead->thread, NULL);
    }
  for (int i = 0; i < N_BLOCKS; i++)
    free_block (&ahead->block[i]);
  pthread_cond_destroy (&ahead->done);
  pthread_cond_destroy (&ahead->wanted);
  pthread_mutex_destroy (&ahead->lock);
  g_free (ahead);
}

/* With the lock. */
static void
make_idle (SfAhead *ahead)
{
  ahead->next = ahead->end = 0;
  while (find_block (ahead, BLOCK_MAKING) != NULL)
    pthread_cond_wait (&ahead->done, &ahead->lock);
  for (int i = 0; i < N_BLOCKS; i++)
    free_block (&ahead->block[i]);
  ahead->taken = NULL;
  ahead->expected = -1;
}

static void
begin (SfAhead *ahead, int64_t first, int64_t end)
{
  make_idle (ahead);
  ahead->next = ahead->expected = first;
  ahead->end = ahead->limit = end;
  pthread_cond_signal (&ahead->wanted);
}

void
sf_ahead_pause (SfAhead *ahead)
{
  pthread_mutex_lock (&ahead->lock);
  make_idle (ahead);
  pthread_mutex_unlock (&ahead->lock);
}

void
sf_ahead_start (SfAhead *ahead, int64_t first, int64_t end)
{
  pthread_mutex_lock (&ahead->lock);
  begin (ahead, first, end);
  pthread_mutex_unlock (&ahead->lock);
}

/* The block that begins with `index`, as soon as it is made. With the lock. */
static Block *
wait_for_block (SfAhead *ahead, int64_t index)
{
  for (;;)
    {
      for (int i = 0; i < N_BLOCKS; i++)
        if (ahead->block[i].state == BLOCK_READY && ahead->block[i].first == index)
          return &ahead->block[i];
      pthread_cond_wait (&ahead->done, &ahead->lock);
    }
}

/* Gives back the block that the user has and takes the one that begins with `index`. */
static Block *
next_block (SfAhead *ahead, int64_t index)
{
  pthread_mutex_lock (&ahead->lock);
  if (ahead->taken != NULL)
    free_block (ahead->taken);
  if (index != ahead->expected)
    begin (ahead, index, ahead->limit);
  else
    pthread_cond_signal (&ahead->wanted);
  Block *block = wait_for_block (ahead, index);
  block->state = BLOCK_TAKEN;
  ahead->expected = index + block->n;
  pthread_mutex_unlock (&ahead->lock);
  return block;
}

bool
sf_ahead_take (SfAhead *ahead, int64_t index, int64_t *place, GError **error)
{
  Block *block = ahead->taken;
  bool here = block != NULL && index >= block->first && index < block->first + block->n;
  bool failed = block != NULL && index == block->first + block->n && block->error != NULL;
  if (!here && !failed)
    {
      block = ahead->taken = next_block (ahead, index);
      failed = block->n == 0;
    }
  if (failed)
    {
      g_propagate_error (error, g_steal_pointer (&block->error));
      ahead->expected = -1;
      return false;
    }
  *place = (block - ahead->block) * ahead->per_block + index - block->first;
  return true;
}
