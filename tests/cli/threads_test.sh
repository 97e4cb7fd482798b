#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Results of rdu do not depend on the number of threads or the blocks that a host runs, and --exact-firing gives the
# same bits.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

last=step-00000012.safetensors
for precision in f32 bf16; do
  for model in digits cnn_bn encoder; do
    case $model in
      digits) arguments="" ;;
      cnn_bn) arguments="--arg size=8" ;;
      encoder) arguments="--arg features=32" ;;
    esac
    name=$model-$precision
    # shellcheck disable=SC2086
    compile $model $name -O3 --precision $precision --optimizer adam $arguments
    for threads in 1 2 3 8; do
      train $name $name-$threads --num-iterations 12 --threads $threads
      same_bits "$name: $threads threads against 1" "$work/$name-1/$last" "$work/$name-$threads/$last"
    done
    SF_RDU_BLOCK=3
    export SF_RDU_BLOCK
    train $name $name-blocks --num-iterations 12 --threads 2
    unset SF_RDU_BLOCK
    same_bits "$name: blocks of 3" "$work/$name-1/$last" "$work/$name-blocks/$last"
  done
done

name=digits-f32
train $name exact-2 --num-iterations 2 --exact-firing
train $name plain-2 --num-iterations 2
same_bits "--exact-firing" "$work/plain-2/step-00000002.safetensors" "$work/exact-2/step-00000002.safetensors"
train $name other --num-iterations 12 --seed 1
cmp -s "$work/$name-1/$last" "$work/other/$last" && fail "another seed gives the same checkpoint"
finish
