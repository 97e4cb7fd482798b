#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The tree keeps its layers, and scripts/check-layers would notice if it did not.
set -eu
top=${SF_SOURCE_DIR:-.}
"$top/scripts/check-layers" "$top"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
# refused TEXT MESSAGE FILE: a tree that holds FILE with TEXT is refused with MESSAGE.
refused () {
  rm -rf "$tree"
  mkdir -p "$tree/$(dirname "$3")" "$tree/include/sf" "$tree/core"
  : > "$tree/include/local.mk"
  printf '%s\n' "$1" > "$tree/$3"
  if found=$("$top/scripts/check-layers" "$tree" 2>&1); then
    echo "taken, wanted it refused: $1 in $3"
    exit 1
  fi
  case $found in
    *"$2"*) ;;
    *)
      printf 'found %s\nwanted %s\n' "$found" "$2"
      exit 1
      ;;
  esac
}
refused '#include "core/ir/graph.h"' 'core/base/x.c:1: found core/ir/graph.h (core/ir) in core/base' core/base/x.c
refused '#include <sf/graph.h>' 'found sf/graph.h (core/ir) in core/base' core/base/x.c
refused '#include "core/plugin/load.h"' 'found core/plugin/load.h (core/plugin) in core/arch' core/arch/x.c
refused '#include "core/ir/graph.h"' 'wanted only <sf/...>' plugins/passes/fold/x.c
refused '#include "../other/x.h"' 'wanted only <sf/...>' plugins/passes/fold/x.c
refused '#include "plugins/passes/other/x.h"' 'wanted only <sf/...>' plugins/passes/fold/x.c
refused '#include "core/ir/graph.h"' 'in a public header' include/sf/error.h
refused '#include <sf/unheard.h>' 'that scripts/check-layers knows' core/run/x.c
refused 'void *h = dlopen (p, 0);' 'only core/plugin opens plugins' core/run/x.c
refused '  printf ("x");' 'neither prints nor exits' plugins/backends/cpu/x.c
refused 'int x;' 'include/sf/error.h: found no line in include/local.mk' include/sf/error.h
