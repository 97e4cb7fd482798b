/* SPDX-License-Identifier: Apache-2.0 */
/* sf: the verbs of Spatialflow on the command line. */
#include "tools/sf/verbs.h"

int
main (int argc, char **argv)
{
  return sf_tool_main (&sf_tool, argc, argv);
}
