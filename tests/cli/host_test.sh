#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model with host launches: they are counted, compared, trained through, and leave the bits independent of threads.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

for level in 0 1 3; do
  for precision in f32 bf16; do
    run 0 "$sf" compile "$SF_SOURCE_DIR/tests/cli/host.cfg" -o "$work/host.pef" -O$level --precision $precision
    run 0 "$sf" inspect "$work/host.pef"
    grep -qi 'host' "$work/out" || fail "inspect at o$level says nothing of the host"
    run 0 "$sf" test "$work/host.pef"
  done
done
run 0 "$sf" compile "$SF_SOURCE_DIR/tests/cli/host.cfg" -o "$work/host.pef"
train host rdu --epochs 3 --lr 0.5 --threads 1 --json
at_least "accuracy of a model with host launches" "$(json test_accuracy)" 0.85
train host three --epochs 3 --lr 0.5 --threads 3
same_bits "3 threads against 1" "$work/rdu/epoch-0003.safetensors" "$work/three/epoch-0003.safetensors"
train host cpu --epochs 3 --lr 0.5 --backend cpu --json
at_least "the same on cpu" "$(json test_accuracy)" 0.85
finish
