/* SPDX-License-Identifier: Apache-2.0 */
/* Whole entries by T0 and T1: loads, repeats, launches on the host. */
#include <sf/plugin/timing.h>

#include "tests/support/sftest.h"
#include "tests/timing/sections.h"
#include "tests/unit/program/sample.h"

enum
{
  LOAD = 1000,          /* config_load_ns at 1 GHz */
  HOST_LAUNCH = 10000,  /* host_launch_ns */
  HOST_BYTES = 2 * 192, /* [8,6] f32 there and back */
  HOST_BYTES_PER_CYCLE = 25,
};

/* The launches of the sample - configs 0, 1, the host, 2 - and then more of them. */
static const struct
{
  SfTarget target;
  uint32_t config, repeat;
  bool loads; /* by hand: the launch before it, the host left out, ran another config */
} launches[] = {
  { SF_TARGET_RDU, 0, 1, true },   { SF_TARGET_RDU, 1, 1, true },  { SF_TARGET_HOST, 0, 1, false },
  { SF_TARGET_RDU, 2, 1, true },   { SF_TARGET_RDU, 2, 3, false }, { SF_TARGET_HOST, 0, 1, false },
  { SF_TARGET_RDU, 2, 1, false },  { SF_TARGET_RDU, 0, 2, true },  { SF_TARGET_RDU, 0, 1, false },
  { SF_TARGET_HOST, 0, 1, false }, { SF_TARGET_RDU, 1, 1, true },
};

static SfProgram *
build (const SfArch *arch)
{
  static const size_t n_of_sample = 4;
  SfProgram *program = sample_program (NULL, arch);
  for (size_t i = n_of_sample; i < G_N_ELEMENTS (launches); i++)
    {
      SfLaunch like = { .bindings = NULL };
      for (uint32_t k = 0; k < n_of_sample; k++)
        if (launches[k].target == launches[i].target && launches[k].config == launches[i].config)
          like = sf_entry_launch (program, 0, k);
      like.repeat = launches[i].repeat;
      sf_entry_add_launch (program, 0, &like);
    }
  return program;
}

/* What a config takes by itself, by either model. */
static int64_t
section_cycles (const SfProgram *program, uint32_t config, const SfArch *arch, bool t1)
{
  g_autoptr (GError) error = NULL;
  int64_t cycles = t1 ? sf_timing_section_cycles (program, config, arch, NULL, &error)
                      : sf_estimate_section (program, config, arch, NULL).cycles;
  SF_CHECK_NO_ERROR (error);
  return cycles;
}

static int64_t
by_hand (const SfProgram *program, const SfArch *arch, bool t1)
{
  int64_t load = sf_arch_info (arch).config_load_ns, sum = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (launches); i++)
    if (launches[i].target == SF_TARGET_HOST)
      sum += HOST_LAUNCH + (HOST_BYTES + HOST_BYTES_PER_CYCLE - 1) / HOST_BYTES_PER_CYCLE;
    else
      sum += launches[i].loads * load
             + launches[i].repeat * section_cycles (program, launches[i].config, arch, t1);
  return sum;
}

SF_TEST (ByHand, Entry)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfArch) arch = machine_new (NULL);
  g_autoptr (SfProgram) program = build (arch);
  g_autoptr (SfTiming) timing = sf_timing_new (program, 0, arch, &error);
  SF_REQUIRE_NO_ERROR (error);
  SF_CHECK_INT (sf_timing_cycles (timing), by_hand (program, arch, true));
  SF_CHECK_INT (sf_estimate_entry (program, 0, arch), by_hand (program, arch, false));
  int64_t start = 0;
  for (size_t i = 0; i < G_N_ELEMENTS (launches); i++)
    {
      SfLaunchTime launch = sf_timing_launch (timing, i);
      SF_CHECK_INT (launch.start_cycles, start);
      SF_CHECK_INT (launch.load_cycles, launches[i].loads ? LOAD : 0);
      start += launch.load_cycles + launch.cycles;
    }
  SF_CHECK_INT (start, sf_timing_cycles (timing));
}

/* With nothing to pay for loading, an entry is faster by its loads and nothing else. */
SF_TEST (ByHand, LoadingForNothing)
{
  g_autoptr (SfArch) arch = machine_new (NULL);
  g_autoptr (SfArch) free_arch = machine_new (
      (const Figure[]){ { "config_load_ns", 0 }, { NULL } });
  g_autoptr (SfProgram) program = build (arch);
  g_autoptr (SfTiming) timing = sf_timing_new (program, 0, arch, NULL);
  g_autoptr (SfTiming) free_timing = sf_timing_new (program, 0, free_arch, NULL);
  SF_REQUIRE (timing != NULL && free_timing != NULL);
  SF_CHECK_INT (sf_timing_cycles (timing) - sf_timing_cycles (free_timing), 5 * LOAD);
  SF_CHECK_INT (sf_estimate_entry (program, 0, arch) - sf_estimate_entry (program, 0, free_arch),
                5 * LOAD);
}
