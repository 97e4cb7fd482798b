/* SPDX-License-Identifier: Apache-2.0 */
/* Executor `slurm`: each attempt is one batch job, whose script becomes the shepherd.
 *
 * The token in the job's comment is what finds it; a handle is "<job id>[;<cluster>] <token>". What
 * Slurm says of a job is a hint: the exit record tells how an attempt has ended. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "submit.h"
#include "table.h"

enum
{
  FRESH_US = 500000, /* a table this old answers for a row of attempts as well */
  /* A request that nobody answered may still be under way to a controller that is about to wake up:
   * a search that finds nothing counts only so long after it. */
  SETTLE_US = 5 * G_USEC_PER_SEC,
  MAX_LOG_BYTES = 4096,
};

typedef struct
{
  SfOptionValues *values;
  SlurmOptions options;
  int64_t timeout_ms;
  SlurmTable *table; /* of `cluster` */
  char *cluster;
  int64_t table_us; /* monotonic */
} Slurm;

typedef struct
{
  char *id, *cluster, *token, *name; /* cluster NULL: the one here */
} Handle;

static const SfOption option_table[] = {
  { .name = "partition", .type = SF_OPTION_STRING, .arg = "NAME", .help = "sbatch --partition" },
  { .name = "account", .type = SF_OPTION_STRING, .arg = "NAME", .help = "sbatch --account" },
  { .name = "cluster",
    .type = SF_OPTION_STRING,
    .arg = "NAME",
    .help = "--clusters of all commands; the cluster of this machine without" },
  { .name = "gres",
    .type = SF_OPTION_STRING,
    .arg = "NAME",
    .help = "generic resource that a job's tiles are asked for as, rdu_tile; without, not at all" },
  { .name = "options",
    .type = SF_OPTION_LIST,
    .arg = "OPTION",
    .help = "further options of sbatch, which win over those that come from the job" },
  { .name = "timeout",
    .type = SF_OPTION_SECONDS,
    .def = "15s",
    .help = "how long one of Slurm's commands may take" },
  { .name = NULL },
};

static void *
open_slurm (const SfOptionValues *values, GError **error)
{
  Slurm *self = g_new0 (Slurm, 1);
  self->values = sf_option_values_copy (values);
  self->options = (SlurmOptions){ .partition = sf_option_string (self->values, "partition"),
                                  .account = sf_option_string (self->values, "account"),
                                  .cluster = sf_option_string (self->values, "cluster"),
                                  .gres = sf_option_string (self->values, "gres"),
                                  .options = sf_option_list (self->values, "options") };
  self->timeout_ms = CLAMP (sf_option_int (self->values, "timeout"), 1, 3600) * 1000;
  return self;
}

static void
forget_table (Slurm *self)
{
  g_clear_pointer (&self->table, slurm_table_free);
  g_clear_pointer (&self->cluster, g_free);
}

static void
close_slurm (void *instance)
{
  Slurm *self = instance;
  forget_table (self);
  sf_option_values_free (self->values);
  g_free (self);
}

/* ---- handles ---- */

static void
handle_clear (Handle *handle)
{
  g_free (handle->id);
  g_free (handle->cluster);
  g_free (handle->token);
  g_free (handle->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Handle, handle_clear)

static bool
handle_parse (const char *text, Handle *out, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, " ", 2);
  g_auto (GStrv) job = g_strsplit (parts[0] != NULL ? parts[0] : "", ";", 2);
  *out = (Handle){ 0 };
  if (g_strv_length (parts) != 2 || parts[1][0] == '\0' || job[0] == NULL
      || !g_ascii_isdigit (job[0][0]))
    return sf_fail (error, SF_ERROR_INVALID_DATA,
                    "executor slurm: found handle \"%s\", wanted a job id and a token", text);
  out->id = g_strdup (job[0]);
  out->cluster = g_strdup (job[1]);
  out->token = g_strdup (parts[1]);
  out->name = slurm_job_name (out->token);
  return true;
}

/* ---- asking Slurm ---- */

/* The command of the words, about one job unless `id` is NULL. */
static bool
ask (const Slurm *self, const char *const *words, const char *cluster, const char *id,
     SlurmAnswer *answer, GError **error)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *where = cluster != NULL ? g_strdup_printf ("--clusters=%s", cluster) : NULL;
  g_ptr_array_add (argv, (void *) words[0]);
  if (where != NULL)
    g_ptr_array_add (argv, where);
  for (const char *const *word = words + 1; *word != NULL; word++)
    g_ptr_array_add (argv, (void *) *word);
  if (id != NULL)
    g_ptr_array_add (argv, (void *) id);
  g_ptr_array_add (argv, NULL);
  const SlurmCommand command
      = { .argv = (const char *const *) argv->pdata, .err_fd = -1, .timeout_ms = self->timeout_ms };
  return slurm_command_run (&command, answer, error);
}

static bool
fail_command (const char *command, const SlurmAnswer *answer, GError **error)
{
  g_autofree char *complaint = slurm_complaint (answer, answer->err);
  return sf_fail (error, slurm_is_unreachable (complaint) ? SF_ERROR_TIMEOUT : SF_ERROR_IO,
                  "%s: %s", command, complaint);
}

/* All jobs of this user that the controller remembers; NULL with an error. Borrowed until the next
 * call. */
static const SlurmTable *
read_table (Slurm *self, const char *cluster, GError **error)
{
  static const char *const words[]
      = { "squeue", "--me", "--states=all", "--noheader", "--format=" SLURM_TABLE_FORMAT, NULL };
  if (self->table != NULL && g_get_monotonic_time () - self->table_us < FRESH_US
      && g_strcmp0 (self->cluster, cluster) == 0)
    return self->table;
  forget_table (self);
  g_auto (SlurmAnswer) answer = { 0 };
  if (!ask (self, words, cluster, NULL, &answer, error))
    return NULL;
  if (answer.timed_out || answer.exit_code != 0)
    {
      fail_command ("squeue", &answer, error);
      return NULL;
    }
  self->table = slurm_table_parse (answer.out, error);
  self->cluster = g_strdup (cluster);
  self->table_us = g_get_monotonic_time ();
  return self->table;
}

/* A job that squeue does not list: either the controller has forgotten it, and says so, or nothing
 * can be told. */
static bool
is_forgotten (const Slurm *self, const Handle *handle, bool *forgotten, GError **error)
{
  static const char *const words[] = { "scontrol", "--oneliner", "show", "job", NULL };
  g_auto (SlurmAnswer) answer = { 0 };
  if (!ask (self, words, handle->cluster, handle->id, &answer, error))
    return false;
  if (!answer.timed_out && answer.exit_code != 0
      && strstr (answer.err, "Invalid job id specified") != NULL)
    *forgotten = true;
  else if (answer.timed_out || answer.exit_code != 0)
    return fail_command ("scontrol", &answer, error);
  else /* the number of another job, since the controller was begun anew */
    *forgotten = strstr (answer.out, "JobId=") != NULL && strstr (answer.out, handle->token) == NULL
                 && strstr (answer.out, handle->name) == NULL;
  return true;
}

static bool
poll_one (Slurm *self, const char *text, SfAttemptStatus *status, GError **error)
{
  g_auto (Handle) handle = { 0 };
  bool forgotten = false;
  const SlurmTable *table = handle_parse (text, &handle, error)
                                ? read_table (self, handle.cluster, error)
                                : NULL;
  if (table == NULL)
    return false;
  const SlurmRow *row = slurm_table_find (table, handle.token, handle.id, handle.name);
  if (row != NULL)
    slurm_row_status (row, status);
  else if (!is_forgotten (self, &handle, &forgotten, error))
    return false;
  else if (forgotten)
    *status = (SfAttemptStatus){ .state = SF_ATTEMPT_ENDED,
                                 .reason = g_strdup_printf ("Slurm does not know job %s any more",
                                                            handle.id) };
  return true;
}

static bool
poll_all (void *instance, const char *const *handles, size_t n, SfAttemptStatus *statuses,
          GError **error)
{
  Slurm *self = instance;
  for (size_t i = 0; i < n; i++)
    if (!poll_one (self, handles[i], &statuses[i], error))
      return false;
  return true;
}

static bool
adopt (void *instance, const char *token, char **handle, GError **error)
{
  Slurm *self = instance;
  const char *cluster = self->options.cluster;
  const SlurmTable *table = read_table (self, cluster, error);
  *handle = NULL;
  if (table == NULL)
    return false;
  const SlurmRow *row = g_hash_table_lookup (table->by_token, token);
  if (row != NULL)
    *handle = g_strdup_printf ("%s%s%s %s", row->id, cluster != NULL ? ";" : "",
                               cluster != NULL ? cluster : "", token);
  return true;
}

/* ---- starting ---- */

/* sbatch.log of the attempt: locked by whoever submits it and by the sbatch that he has started, so
 * that it stays locked when he is killed meanwhile; not empty once somebody has begun to. */
static int
lock_log (const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "sbatch.log", NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    {
      sf_fail_errno (error, errno, "%s: cannot be opened", path);
      return -1;
    }
  if (flock (fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  if (errno == EWOULDBLOCK)
    sf_fail (error, SF_ERROR_TIMEOUT, "sbatch: the one that was started before has not ended");
  else
    sf_fail_errno (error, errno, "%s: cannot be locked", path);
  close (fd);
  return -1;
}

/* What an earlier try may have come to. *handle NULL: to nothing, it may be tried again. */
static bool
find_earlier (Slurm *self, int fd, const char *token, char **handle, GError **error)
{
  struct stat status;
  forget_table (self);
  if (fstat (fd, &status) != 0)
    return sf_fail_errno (error, errno, "sbatch.log: cannot be looked at");
  g_autoptr (GError) own = NULL;
  if (!adopt (self, token, handle, &own))
    return sf_fail (error, SF_ERROR_TIMEOUT, "%s", own->message);
  int64_t age_us = g_get_real_time () - (int64_t) status.st_mtim.tv_sec * G_USEC_PER_SEC;
  if (*handle != NULL || age_us >= SETTLE_US)
    return true;
  /* A clock that was set back would have it wait until then. */
  if (age_us < 0 && futimens (fd, NULL) != 0)
    return sf_fail_errno (error, errno, "sbatch.log: cannot be touched");
  return sf_fail (error, SF_ERROR_TIMEOUT, "sbatch: did not answer, and may still be heard");
}

/* What was written to the log since `from`. Owned. */
static char *
read_log (int fd, off_t from)
{
  char *text = g_malloc0 (MAX_LOG_BYTES + 1);
  if (pread (fd, text, MAX_LOG_BYTES, from) < 0)
    text[0] = '\0';
  return text;
}

static bool
submit (Slurm *self, int fd, const SfAttempt *attempt, char **handle, GError **error)
{
  g_autofree char *path = g_build_filename (attempt->job_folder, "batch.sh", NULL);
  g_autofree char *script = slurm_submit_script (attempt);
  g_auto (GStrv) argv = slurm_submit_argv (&self->options, attempt, path);
  g_autofree char *line = g_strjoinv (" ", argv);
  g_autofree char *note = g_strdup_printf ("%s\n", line);
  g_auto (SlurmAnswer) answer = { 0 };
  if (!g_file_set_contents_full (path, script, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error))
    return false;
  if (write (fd, note, strlen (note)) != (ssize_t) strlen (note))
    return sf_fail_errno (error, errno, "sbatch.log: cannot be written");
  const SlurmCommand command
      = { .argv = (const char *const *) argv, .err_fd = fd, .timeout_ms = self->timeout_ms };
  off_t end = lseek (fd, 0, SEEK_END);
  forget_table (self);
  if (!slurm_command_run (&command, &answer, error))
    return false;
  g_autofree char *err = read_log (fd, end);
  g_autofree char *id = slurm_submit_id (answer.out);
  g_autofree char *complaint = slurm_complaint (&answer, err);
  if (!answer.timed_out && answer.exit_code == 0 && id != NULL)
    {
      *handle = g_strdup_printf ("%s %s", id, attempt->token);
      return true;
    }
  bool unclear = answer.timed_out || answer.exit_code == 0 || answer.exit_code > 128
                 || slurm_is_unreachable (complaint);
  return sf_fail (error, unclear ? SF_ERROR_TIMEOUT : SF_ERROR_IO, "sbatch: %s",
                  answer.exit_code == 0 && !answer.timed_out ? "printed no job id" : complaint);
}

static bool
start (void *instance, const SfAttempt *attempt, char **handle, GError **error)
{
  Slurm *self = instance;
  int fd = lock_log (attempt->job_folder, error);
  if (fd < 0)
    return false;
  struct stat status;
  bool begun = fstat (fd, &status) != 0 || status.st_size > 0;
  *handle = NULL;
  bool good = !begun || find_earlier (self, fd, attempt->token, handle, error);
  if (good && *handle == NULL)
    good = submit (self, fd, attempt, handle, error);
  close (fd);
  return good;
}

/* ---- ending ---- */

/* A job that is there no more is no failure. */
static bool
cancel (const Slurm *self, const char *const *words, const Handle *handle, GError **error)
{
  g_auto (SlurmAnswer) answer = { 0 };
  if (!ask (self, words, handle->cluster, handle->id, &answer, error))
    return false;
  if (!answer.timed_out
      && (answer.exit_code == 0 || strstr (answer.err, "Invalid job id specified") != NULL
          || strstr (answer.err, "already completed") != NULL))
    return true;
  return fail_command ("scancel", &answer, error);
}

/* With --state, scancel looks before it signals: TERM for a job that waits would wait for it to
 * begin. */
static bool
signal_one (void *instance, const char *text, int signal_number, GError **error)
{
  static const char *const waiting[] = { "scancel", "--state=PENDING", NULL };
  static const char *const term[] = { "scancel", "--state=RUNNING", "--batch", "--signal=TERM",
                                      NULL };
  static const char *const all[] = { "scancel", NULL };
  Slurm *self = instance;
  g_auto (Handle) handle = { 0 };
  if (!handle_parse (text, &handle, error))
    return false;
  forget_table (self);
  const SlurmTable *table = read_table (self, handle.cluster, error);
  if (table == NULL)
    return false;
  /* What has another's number by now is not touched. */
  const SlurmRow *row = slurm_table_find (table, handle.token, handle.id, handle.name);
  if (row == NULL)
    return true;
  g_free (handle.id);
  handle.id = g_strdup (row->id);
  forget_table (self);
  if (signal_number == SIGKILL)
    return cancel (self, all, &handle, error);
  return cancel (self, waiting, &handle, error) && cancel (self, term, &handle, error);
}

static const SfExecutorOps ops = { .size = sizeof (SfExecutorOps),
                                   .elsewhere = true,
                                   .open = open_slurm,
                                   .close = close_slurm,
                                   .start = start,
                                   .poll = poll_all,
                                   .signal = signal_one,
                                   .adopt = adopt };

const SfPlugin sf_plugin = {
  SF_PLUGIN_HEAD (SF_PLUGIN_EXECUTOR, "slurm", "1.0", "runs an attempt as a batch job of Slurm"),
  .options = option_table,
  .ops = { .executor = &ops },
};
