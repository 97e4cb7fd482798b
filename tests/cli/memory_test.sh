#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A process that takes steps of a PEF has at most 1.25 times the memory that the program plans, states and what lives beside them, and 20 MB.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"
if [ "${SF_SANITIZERS:-no}" != no ]; then
  echo "not measured under sanitizers: they keep what is freed"
  exit 0
fi

# limit: bytes allowed to the program of which the last run printed the JSON; the plan of each memory level ends where its last tensor does
limit () {
  /usr/bin/python3 -c '
import json, math, sys
BYTES = {"bool": 1, "i8": 1, "u8": 1, "i16": 2, "u16": 2, "f16": 2, "bf16": 2, "i32": 4, "u32": 4, "f32": 4, "i64": 8, "u64": 8, "f64": 8}
ends = {}
for tensor in json.load(sys.stdin)["tensors"]:
    end = tensor["offset_bytes"] + BYTES[tensor["dtype"]] * math.prod(tensor["shape"])
    ends[tensor["level"]] = max(ends.get(tensor["level"], 0), end)
print(int(1.25 * sum(ends.values()) + 20e6))' <"$work/out"
}

# fits NAME: all entries of $work/NAME.pef, one and two threads
fits () {
  run 0 "$sf" inspect --json "$work/$1.pef"
  most=$(limit)
  for threads in 1 2; do
    run 0 "$sf" bench "$work/$1.pef" --steps 3 --threads $threads --json
    peak=$(json peak_memory_bytes)
    echo "$1, $threads threads: $peak bytes (wanted at most $most)"
    [ "${peak:-$most}0" -lt "${most:-0}0" ] || fail "$1: $peak bytes, wanted at most $most"
  done
}

compile cnn_bn cnn_bn --batch-size 64
fits cnn_bn
compile cnn_bn cnn_bn-bf16 --batch-size 64 --precision bf16
fits cnn_bn-bf16
compile lenet lenet-bf16 --batch-size 256 --precision bf16
fits lenet-bf16
compile ffn_mnist wide --arg hidden=3072 --optimizer sgd
fits wide
compile ffn_mnist wide-inference --arg hidden=3072 --inference
fits wide-inference
# Only where products round themselves is there no rounded copy of the weights.
if grep -q avx512_bf16 /proc/cpuinfo; then
  compile ffn_mnist wide-inference-bf16 --arg hidden=3072 --inference --precision bf16
  fits wide-inference-bf16
fi
finish
