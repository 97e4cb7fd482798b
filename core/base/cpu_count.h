/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroup files that bound processor time, readable from any folder so that tests can supply
 * their own. */
#ifndef SF_CORE_BASE_CPU_COUNT_H
#define SF_CORE_BASE_CPU_COUNT_H

/* Whole processors that the cpu quota of this process allows, rounded up; 0 when there is none.
 * `root` stands before /proc and /sys: "" outside tests. */
int sf_cpu_quota (const char *root);

#endif
