/* SPDX-License-Identifier: Apache-2.0 */
/* Options and signals of the verbs that run a PEF. */
#include "tools/sf/session_options.h"

#include <signal.h>
#include <string.h>

volatile int sf_verb_cancelled;

static void
on_signal (int number)
{
  sf_verb_cancelled = number;
}

void
sf_verb_catch_signals (void)
{
  struct sigaction action = { .sa_handler = on_signal,
                              .sa_flags = (int) SA_RESETHAND | SA_RESTART };
  sigaction (SIGTERM, &action, NULL);
  sigaction (SIGINT, &action, NULL);
}

SfSession *
sf_verb_open_session (const SfOptionValues *options, GError **error)
{
  g_autoptr (SfPef) pef = sf_pef_open (sf_option_string (options, "pef"), error);
  if (pef == NULL)
    return NULL;
  const SfSessionOptions session = {
    .backend = sf_option_string (options, "backend"),
    .n_threads = (int) sf_option_int (options, "threads"),
    .f64 = strcmp (sf_option_string (options, "precision"), "f64") == 0,
    .exact_firing = sf_option_bool (options, "exact-firing"),
  };
  return sf_session_open (pef, &session, error);
}

SfData
sf_verb_data (const SfOptionValues *options)
{
  return (SfData){ .path = sf_option_string (options, "data"),
                   .dataset = sf_option_string (options, "dataset"),
                   .options = sf_option_list (options, "data-option") };
}
