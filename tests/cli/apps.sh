#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# apps.sh MODEL: `sf test` passes on the starter model at every level and precision; the last level is also trained a little.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

model=$1
case $model in
  logreg) optimizer=sgd ;;
  ffn_mnist) optimizer=sgd ;;
  lenet | digits) optimizer=sgd ;;
  cnn_bn) optimizer=adam ;;
  encoder) optimizer=adamw ;;
esac
for level in 0 1 3; do
  for precision in f32 bf16; do
    compile "$model" o$level-$precision -O$level --precision $precision --optimizer $optimizer
    run 0 "$sf" test "$work/o$level-$precision.pef"
    has out "train"
    has out "eval"
    tail -n 1 "$work/out"
    run 0 "$sf" run --test "$work/o$level-$precision.pef"
  done
done
finish
