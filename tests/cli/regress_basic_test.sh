#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the compiler decides for the starter models, and what they then compute, is what etc/regress/golden/basic.json says. A change that was
# meant moves it: sfbatch regress etc/regress/basic.cfg && sfbatch golden --why "..." etc/regress/basic.cfg
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
if [ "${SF_SANITIZERS:-no}" != no ]; then
  echo "not under sanitizers: times and memory are others there"
  exit 77
fi
run 0 "$sfbatch" regress "$SF_SOURCE_DIR/etc/regress/basic.cfg"
[ "$code" -eq 0 ] || grep -E 'FAILED|ERROR' "$work/out" | head -n 20
run 0 "$sfbatch" regress --check "$SF_SOURCE_DIR/etc/regress/nightly.cfg"
finish
