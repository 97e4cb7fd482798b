#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# MNIST: logistic regression reaches 89.5 %, LeNet 96.5 % test accuracy within 5 epochs of 8,000 images.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

data=${SF_MNIST_DIR:-$SF_SOURCE_DIR/../shared/data/mnist10k}
if [ ! -d "$data" ]; then
  echo "SKIP: no $data; set SF_MNIST_DIR to a folder with MNIST's four IDX files"
  exit 77
fi
if [ "${SF_SANITIZERS:-no}" != no ]; then
  echo "SKIP: too slow under sanitizers; the same code runs in train_resume_test.sh"
  exit 77
fi

# reaches MODEL BOUND BACKEND OPTION...
reaches () {
  model=$1 bound=$2 backend=$3
  shift 3
  run 0 "$sf" train "$work/$model.pef" --data "$data" --epochs 5 --backend "$backend" --json "$@"
  best=$(sed -n 's/.*"test_accuracy": *\([0-9.e+-]*\).*/\1/p' "$work/out" | sort -g | tail -n 1)
  at_least "$model on $backend: test accuracy" "$best" "$bound"
}

compile logreg logreg -O3
compile lenet lenet -O3 --optimizer adam
reaches logreg 0.895 rdu --lr 0.1
reaches lenet 0.965 rdu --lr 0.003 --schedule linear
reaches logreg 0.895 cpu --lr 0.1
if [ "${SF_NIGHTLY-}" = yes ]; then
  reaches lenet 0.965 cpu --lr 0.003 --schedule linear
fi
finish
