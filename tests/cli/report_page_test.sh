#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page of --report in a browser: it opens without a word on the console and without asking the network for anything.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"
. "$SF_SOURCE_DIR/tests/cli/browser.sh"
for model in lenet encoder; do
  compile $model $model -O1 --batch-size 8 --report "$work/$model"
  opened "$work/$model/index.html" || fail "$model: the browser ended with $?"
  grep CONSOLE "$work/log" && fail "$model: see the console above"
  grep -q '</html>' "$work/dom" || fail "$model: the browser did not read the page to its end"
  grep -q 'where time goes' "$work/dom" || fail "$model: the page lacks its text"
done
finish
