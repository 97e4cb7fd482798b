#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long sf compile takes, and how that grows: encoders (width 256) of 1, 2, 4, ..., 96 layers, equal and unequal, then four models.
# Training graph, f32, o3, everything placed, routed and checked; CPU seconds of one core. Run by make bench-compile.
#
#   bench/compile.sh SF SOURCE [ARCH...]
set -euo pipefail
sf=${1:?usage: bench/compile.sh SF SOURCE [ARCH...]} source=${2:?usage: bench/compile.sh SF SOURCE [ARCH...]}
shift 2
[ $# -gt 0 ] || set -- sn10 sn30
python=${SF_PYTHON:-/usr/bin/python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
TIMEFORMAT='%U %S'

# figure KEY: its number in the summary
figure () { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$work/out"; }

# row NAME ARCH MODEL OPTION...
row () {
  local name=$1 arch=$2 times
  shift 2
  times=$({ time "$sf" compile "$@" --arch "$arch" -O3 --json -o "$work/out.pef" >"$work/out" 2>"$work/err"; } 2>&1) || {
    printf '%-24s %-6s failed: %s\n' "$name" "$arch" "$(tail -n 1 "$work/err")"
    return
  }
  printf '%-24s %-6s %8s %8s %10s %8s\n' "$name" "$arch" "${times% *}" "${times#* }" "$(figure sections)" "$(figure configs)"
}

# Every layer with a feed-forward part of another width.
unequal () {
  local i
  sed -n '1,/^layers = (/p' "$source/apps/encoder/model.cfg" | sed '/blocks = /d'
  echo '  { name = "embed"; type = "embedding"; rows = "$vocabulary"; out = "$features"; },'
  echo '  { name = "position"; type = "position"; },'
  for ((i = 0; i < $1; i++)); do
    cat <<LAYER
  { name = "n$i"; type = "layer_norm"; },
  { name = "a$i"; type = "self_attention"; heads = "\$heads"; },
  { name = "r$i"; type = "add"; inputs = [ "$([ "$i" = 0 ] && echo position || echo "s$((i - 1))")", "a$i" ]; },
  { name = "m$i"; type = "layer_norm"; },
  { name = "u$i"; type = "linear"; out = $((512 + 8 * i)); },
  { name = "g$i"; type = "gelu"; },
  { name = "d$i"; type = "linear"; out = "\$features"; },
  { name = "s$i"; type = "add"; inputs = [ "r$i", "d$i" ]; },
LAYER
  done
  echo '  { name = "norm"; type = "layer_norm"; },'
  echo '  { name = "pool"; type = "mean"; axis = 1; },'
  echo '  { name = "logits"; type = "linear"; out = "$classes"; }'
  echo ');'
  echo 'loss = { type = "softmax_ce"; target = "label"; };'
}

export_models () {
  "$python" -c 'import torch, torchvision' 2>/dev/null || {
    echo "resnet50 and gpt2 are left out: $python has no torch and torchvision; install python3-torch and python3-torchvision"
    return 1
  }
  "$python" -W ignore "$source/tests/onnx/models.py" "$work/models" resnet50 gpt2 >"$work/log" 2>&1 || {
    echo "resnet50 and gpt2 are left out: $(tail -n 1 "$work/log")"
    return 1
  }
}

printf '%-24s %-6s %8s %8s %10s %8s\n' model arch user/s system/s sections configs
for arch; do
  row lenet "$arch" "$source/apps/lenet/model.cfg"
  row encoder "$arch" "$source/apps/encoder/model.cfg"
  for n in ${LAYERS:-1 2 4 8 16 32 64 96}; do
    row "equal layers: $n" "$arch" "$source/apps/encoder/model.cfg" --arg blocks=$n --arg features=256 --arg dropout=0
  done
  for n in ${LAYERS:-1 2 4 8 16 32 64 96}; do
    unequal $n >"$work/unequal.cfg"
    row "unequal layers: $n" "$arch" "$work/unequal.cfg" --arg features=256
  done
done
export_models || exit 0
for arch; do
  for name in resnet50 gpt2; do
    row $name "$arch" "$work/models/$name/model.onnx" --training --loss softmax_ce
  done
done
