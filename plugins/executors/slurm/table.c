/* SPDX-License-Identifier: Apache-2.0 */
/* SlurmTable, and Slurm's words for states and reasons (slurm 22.05, squeue(1), "JOB STATE CODES"
 * and "JOB REASON CODES"). */
#include "table.h"

#include <string.h>

enum
{
  COLUMNS = 6
};

/* A job that is COMPLETING may still have processes. */
static const struct
{
  const char *word;
  SfAttemptState state;
  SfAttemptEnd end;
} states[] = {
  { "PENDING", SF_ATTEMPT_WAITING, SF_ATTEMPT_LEFT },
  { "REQUEUED", SF_ATTEMPT_WAITING, SF_ATTEMPT_LEFT },
  { "REQUEUE_FED", SF_ATTEMPT_WAITING, SF_ATTEMPT_LEFT },
  { "REQUEUE_HOLD", SF_ATTEMPT_WAITING, SF_ATTEMPT_LEFT },
  { "RESV_DEL_HOLD", SF_ATTEMPT_WAITING, SF_ATTEMPT_LEFT },
  { "SPECIAL_EXIT", SF_ATTEMPT_WAITING, SF_ATTEMPT_LEFT },
  { "CONFIGURING", SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT },
  { "RUNNING", SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT },
  { "SUSPENDED", SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT },
  { "STOPPED", SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT },
  { "SIGNALING", SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT },
  { "RESIZING", SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT },
  { "STAGE_OUT", SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT },
  { "COMPLETING", SF_ATTEMPT_RUNNING, SF_ATTEMPT_LEFT },
  { "COMPLETED", SF_ATTEMPT_ENDED, SF_ATTEMPT_LEFT },
  { "FAILED", SF_ATTEMPT_ENDED, SF_ATTEMPT_LEFT },
  { "BOOT_FAIL", SF_ATTEMPT_ENDED, SF_ATTEMPT_LEFT },
  { "NODE_FAIL", SF_ATTEMPT_ENDED, SF_ATTEMPT_LEFT },
  { "PREEMPTED", SF_ATTEMPT_ENDED, SF_ATTEMPT_LEFT },
  { "REVOKED", SF_ATTEMPT_ENDED, SF_ATTEMPT_LEFT },
  { "CANCELLED", SF_ATTEMPT_ENDED, SF_ATTEMPT_CANCELLED },
  { "DEADLINE", SF_ATTEMPT_ENDED, SF_ATTEMPT_TIMED_OUT },
  { "TIMEOUT", SF_ATTEMPT_ENDED, SF_ATTEMPT_TIMED_OUT },
  { "OUT_OF_MEMORY", SF_ATTEMPT_ENDED, SF_ATTEMPT_OUT_OF_MEMORY },
};

/* Why a job waits; a word here stands for all that begin with it. Others are shown as they are. */
static const struct
{
  const char *word, *text;
} reasons[] = {
  { "None", "was not looked at yet" },
  { "Resources", "waits for free resources" },
  { "Priority", "waits behind jobs of higher priority" },
  { "Dependency", "waits for another Slurm job" },
  { "BeginTime", "waits for its time to begin" },
  { "Licenses", "waits for a license" },
  { "Reservation", "waits for its reservation" },
  { "JobHeld", "is held in Slurm; scontrol release lets it go" },
  { "BadConstraints", "asks for what no node has; change its resources or the options in sfd.cfg" },
  { "PartitionConfig",
    "asks for more than its partition has; change its resources or the options in sfd.cfg" },
  { "PartitionNodeLimit", "asks for more nodes than its partition allows" },
  { "PartitionTimeLimit", "asks for more time than its partition allows" },
  { "Partition", "waits for its partition, which takes no jobs now" },
  { "ReqNodeNotAvail", "waits for a node that is down, drained or reserved" },
  { "Nodes required", "waits for nodes that are down, drained or reserved" },
  { "NodeDown", "waits for a node that is down" },
  { "QOS", "waits for a limit of its QOS" },
  { "Max", "waits for a limit of its account or QOS" },
  { "Assoc", "waits for a limit of its account" },
  { "Cleaning", "waits for its earlier run to be cleaned up" },
};

/* ---- the table ---- */

static void
row_free (void *data)
{
  SlurmRow *row = data;
  g_free (row->id);
  g_free (row->state);
  g_free (row->reason);
  g_free (row->node);
  g_free (row->name);
  g_free (row->comment);
  g_free (row);
}

void
slurm_table_free (SlurmTable *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->by_token);
  g_hash_table_unref (self->by_id);
  g_ptr_array_unref (self->rows);
  g_free (self);
}

static int
find_state (const char *word)
{
  for (size_t i = 0; i < G_N_ELEMENTS (states); i++)
    if (strcmp (states[i].word, word) == 0)
      return (int) i;
  return -1;
}

static bool
has_ended (const SlurmRow *row)
{
  int state = find_state (row->state);
  return state >= 0 && states[state].state == SF_ATTEMPT_ENDED;
}

static void
add_row (SlurmTable *self, char **columns)
{
  SlurmRow *row = g_new0 (SlurmRow, 1);
  char **const members[COLUMNS] = { &row->id,   &row->state, &row->reason,
                                    &row->node, &row->name,  &row->comment };
  for (int i = 0; i < COLUMNS; i++)
    *members[i] = g_utf8_make_valid (columns[i], -1);
  g_ptr_array_add (self->rows, row);
  g_hash_table_insert (self->by_id, row->id, row);
  const SlurmRow *other = g_hash_table_lookup (self->by_token, row->comment);
  if (other == NULL || has_ended (other))
    g_hash_table_insert (self->by_token, row->comment, row);
}

static bool
parse_line (SlurmTable *self, const char *line, GError **error)
{
  g_auto (GStrv) columns = g_strsplit (line, "|", COLUMNS);
  if (line[0] == '\0' || g_str_has_prefix (line, "CLUSTER: "))
    return true;
  if (g_strv_length (columns) == COLUMNS && g_ascii_isdigit (columns[0][0])
      && columns[1][0] != '\0')
    {
      add_row (self, columns);
      return true;
    }
  g_autofree char *shown = g_utf8_make_valid (line, (gssize) MIN (strlen (line), 60));
  return sf_fail (error, SF_ERROR_INVALID_DATA, "squeue: found the line \"%s\", wanted %s", shown,
                  SLURM_TABLE_FORMAT);
}

SlurmTable *
slurm_table_parse (const char *text, GError **error)
{
  g_autoptr (SlurmTable) self = g_new0 (SlurmTable, 1);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  self->rows = g_ptr_array_new_with_free_func (row_free);
  self->by_token = g_hash_table_new (g_str_hash, g_str_equal);
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  if (text[0] != '\0' && text[strlen (text) - 1] != '\n')
    {
      sf_fail (error, SF_ERROR_INVALID_DATA,
               "squeue: found a line without an end, wanted all of it");
      return NULL;
    }
  for (char **line = lines; *line != NULL; line++)
    if (!parse_line (self, *line, error))
      return NULL;
  return g_steal_pointer (&self);
}

const SlurmRow *
slurm_table_find (const SlurmTable *self, const char *token, const char *id, const char *name)
{
  const SlurmRow *row = g_hash_table_lookup (self->by_token, token);
  if (row != NULL)
    return row;
  row = g_hash_table_lookup (self->by_id, id);
  return row != NULL && strcmp (row->name, name) == 0 ? row : NULL;
}

/* ---- a row ---- */

static char *
waiting_text (const SlurmRow *row)
{
  for (size_t i = 0; i < G_N_ELEMENTS (reasons); i++)
    if (g_str_has_prefix (row->reason, reasons[i].word))
      return g_strdup_printf ("Slurm job %s %s", row->id, reasons[i].text);
  return g_strdup_printf ("Slurm job %s waits: %s", row->id, row->reason);
}

static char *
ended_text (const SlurmRow *row)
{
  bool silent = row->reason[0] == '\0' || strcmp (row->reason, "None") == 0;
  return g_strdup_printf ("Slurm job %s: %s%s%s%s%s", row->id, row->state, silent ? "" : ", ",
                          silent ? "" : row->reason, row->node[0] != '\0' ? " on " : "", row->node);
}

void
slurm_row_status (const SlurmRow *row, SfAttemptStatus *status)
{
  int state = find_state (row->state);
  *status = (SfAttemptStatus){ .state = SF_ATTEMPT_UNKNOWN };
  if (state < 0)
    return;
  status->state = states[state].state;
  status->end = states[state].end;
  if (status->state == SF_ATTEMPT_WAITING)
    status->reason = waiting_text (row);
  else if (status->state == SF_ATTEMPT_ENDED)
    status->reason = ended_text (row);
}
