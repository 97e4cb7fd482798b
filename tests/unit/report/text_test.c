/* SPDX-License-Identifier: Apache-2.0 */
/* Figures as they are read. */
#include "core/report/facts.h"

#include "tests/support/sftest.h"

#define CHECK_TEXT(made, wanted)    \
  G_STMT_START                      \
  {                                 \
    g_autofree char *text = (made); \
    SF_CHECK_STR (text, (wanted));  \
  }                                 \
  G_STMT_END

SF_TEST (Text, Figures)
{
  CHECK_TEXT (text_count (0), "0");
  CHECK_TEXT (text_count (999), "999");
  CHECK_TEXT (text_count (-1000), "-1,000");
  CHECK_TEXT (text_count (-100), "-100");
  CHECK_TEXT (text_count (1234567), "1,234,567");
  CHECK_TEXT (text_bytes (1023), "1023 B");
  CHECK_TEXT (text_bytes (1536), "1.5 KiB");
  CHECK_TEXT (text_time (0), "0.000 ns");
  CHECK_TEXT (text_time (8.2e-5), "82.00 \302\265s");
  CHECK_TEXT (text_time (0.25), "250.0 ms");
  CHECK_TEXT (text_percent (0), "0 %");
  CHECK_TEXT (text_percent (0.034), "3.4 %");
  CHECK_TEXT (text_percent (0.5), "50 %");
}

SF_TEST (Text, LeavesTheMiddleOut)
{
  CHECK_TEXT (text_short ("abcdef", 6), "abcdef");
  CHECK_TEXT (text_short ("abcdefgh", 5), "ab\342\200\246gh");
  CHECK_TEXT (text_short ("\316\261\316\262\316\263\316\264", 3), "\316\261\342\200\246\316\264");
  CHECK_TEXT (text_short ("\377", 3), "\357\277\275");
}
