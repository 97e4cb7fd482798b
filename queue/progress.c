/* SPDX-License-Identifier: Apache-2.0 */
/* The last line of a step's progress file. */
#include "queue/progress.h"

#include <math.h>

#include "queue/attempt.h"

enum
{
  TAIL_BYTES = 4096, /* longer lines are not read */
};

/* What a line may say; the order is that of the JSON object made of it. */
static const struct
{
  const char *name;
  size_t offset;
  bool is_int;
} members[] = {
  { "epoch", offsetof (SfStepProgress, epoch), true },
  { "epochs", offsetof (SfStepProgress, epochs), true },
  { "batch", offsetof (SfStepProgress, batch), true },
  { "batches", offsetof (SfStepProgress, batches), true },
  { "loss", offsetof (SfStepProgress, loss), false },
  { "test_accuracy", offsetof (SfStepProgress, test_accuracy), false },
  { "batches_per_second", offsetof (SfStepProgress, batches_per_second), false },
  { "eta_s", offsetof (SfStepProgress, eta_s), false },
};

bool
sf_step_progress_read (const char *attempt_folder, int step, SfStepProgress *out)
{
  g_autofree char *path = sf_attempt_progress_path (attempt_folder, step);
  char tail[TAIL_BYTES];
  size_t n = sf_attempt_read_tail (path, tail, sizeof tail);
  while (n > 0 && tail[n - 1] != '\n')
    n--;
  if (n == 0)
    return false;
  size_t end = n - 1, begin = end;
  while (begin > 0 && tail[begin - 1] != '\n')
    begin--;
  g_autoptr (json_t) line = json_loadb (tail + begin, end - begin, JSON_ALLOW_NUL, NULL);
  if (!json_is_object (line))
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    {
      const json_t *value = json_object_get (line, members[i].name);
      char *field = (char *) out + members[i].offset;
      if (members[i].is_int)
        *(int64_t *) (void *) field = MAX (json_integer_value (value), 0);
      else
        *(double *) (void *) field = json_is_number (value) ? json_number_value (value) : NAN;
    }
  return true;
}

double
sf_step_progress_done (const SfStepProgress *self)
{
  double of_epoch = self->batches > 0 ? MIN ((double) self->batch / (double) self->batches, 1)
                                      : NAN;
  if (self->epochs <= 0)
    return of_epoch;
  double before = (double) MAX (self->epoch - 1, 0);
  return MIN ((before + (isnan (of_epoch) ? 0 : of_epoch)) / (double) self->epochs, 1);
}

static void append (GString *text, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
append (GString *text, const char *format, ...)
{
  va_list values;
  va_start (values, format);
  g_string_append (text, text->len > 0 ? ", " : "");
  g_string_append_vprintf (text, format, values);
  va_end (values);
}

char *
sf_step_progress_text (const SfStepProgress *self)
{
  GString *text = g_string_new (NULL);
  if (self->epochs > 0)
    append (text, "epoch %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, self->epoch, self->epochs);
  else if (self->batches > 0)
    append (text, "batch %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, self->batch, self->batches);
  if (!isnan (self->loss))
    append (text, "loss %.4f", self->loss);
  if (!isnan (self->test_accuracy))
    append (text, "test accuracy %.2f %%", self->test_accuracy * 100);
  if (self->eta_s >= 0 && self->eta_s < 60)
    append (text, "%.0f s left", self->eta_s);
  else if (self->eta_s >= 60 && self->eta_s < 1e9)
    append (text, "%.0f min left", self->eta_s / 60);
  return g_string_free (text, FALSE);
}

json_t *
sf_step_progress_json (const SfStepProgress *self)
{
  json_t *object = json_object ();
  for (size_t i = 0; i < G_N_ELEMENTS (members); i++)
    {
      const char *field = (const char *) self + members[i].offset;
      int64_t whole = members[i].is_int ? *(const int64_t *) (const void *) field : 0;
      double real = members[i].is_int ? NAN : *(const double *) (const void *) field;
      if (whole > 0 || isfinite (real))
        json_object_set_new (object, members[i].name,
                             members[i].is_int ? json_integer (whole) : json_real (real));
    }
  return object;
}
