/* SPDX-License-Identifier: Apache-2.0 */
/* Waves: neighbouring stages that do not wait for each other, so that workers who find no more work
 * on one go on with another. What one of them uses is kept apart from what the others use. */
#include "plugins/backends/rdu/machine.h"

#define MOST_UNITS 3 /* stages, or chains, of a wave: what it uses is in memory at one time */

/* Whether one writes what the other touches. */
static bool
meet (const RduStage *a, const RduStage *b)
{
  for (size_t i = 0; i < a->n_operands; i++)
    for (size_t k = 0; k < b->n_operands; k++)
      {
        const RduOperand *x = &a->operands[i], *y = &b->operands[k];
        if (x->kind != SF_OPERAND_TEMP && y->kind != SF_OPERAND_TEMP && x->buffer == y->buffer
            && (x->kind == SF_OPERAND_OUT || y->kind == SF_OPERAND_OUT))
          return true;
      }
  return false;
}

/* Whether no stage from `first` to `last` waits for one from `begin` to before `first`. */
static bool
may_join (const RduConfig *config, size_t begin, size_t first, size_t last)
{
  for (size_t s = first; s <= last; s++)
    for (size_t other = begin; other < first; other++)
      if (meet (&config->stages[other], &config->stages[s]))
        return false;
  return true;
}

void
rdu_config_find_waves (RduConfig *config)
{
  for (size_t begin = 0, end; begin < config->n_stages; begin = end)
    {
      size_t first, last, n_units = 0;
      for (end = begin; end < config->n_stages && n_units < MOST_UNITS; end = last + 1, n_units++)
        {
          rdu_stage_time (config, end, &first, &last);
          if (!may_join (config, begin, first, last))
            break;
        }
      for (size_t s = begin; s < end; s++)
        {
          config->stages[s].wave_first = begin;
          config->stages[s].wave_last = end - 1;
        }
    }
}
