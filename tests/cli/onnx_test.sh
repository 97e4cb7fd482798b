#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sf onnx-test: verdicts and their reasons, crashes and hangs, --expect, --filter, --json, tolerances, exit codes. The frontend is that of
# onnx_frontend.c, whose models and tensors are words.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
mkdir "$work/plugins"
cp "$SF_BUILD_DIR/tests/cli/.libs/sf-frontend-onnx.so" "$work/plugins"
# `timeout --foreground` or not, a test that hangs here would hang make check.
onnx_test () {
  timeout 120 "$sf" onnx-test --plugin-path "$work/plugins" "$@"
}

# model NAME WORD [INPUT OUTPUT]...: a test of that word with these data sets.
model () {
  mkdir -p "$work/$1"
  printf '%s\n' "$2" >"$work/$1/model.onnx"
  name=$1 set=0
  shift 2
  while [ $# -ge 2 ]; do
    mkdir "$work/$name/test_data_set_$set"
    printf '%s\n' "$1" >"$work/$name/test_data_set_$set/input_0.pb"
    printf '%s\n' "$2" >"$work/$name/test_data_set_$set/output_0.pb"
    set=$((set + 1))
    shift 2
  done
}

model good/exact double "x f32 2 2 = 1 2 3 4" "y f32 2 2 = 2 4 6 8"
model good/nearly double "x f32 2 = 1 100" "y f32 2 = 2.001 199.9"
model good/sets double "x f32 1 = 1" "y f32 1 = 2" "x f32 2 = 1 2" "y f32 2 = 2 4"
model good/nan double "x f32 3 = nan inf 1" "y f32 3 = nan inf 2"
model good/order double "x i32 2 = 1 -2" "another i32 2 = 2 -4"
model good/place double "another f32 1 = 1" "y f32 1 = 2"
model good/wide double "x i64 2 = 4503599627370497 1" "y i64 2 = 9007199254740994 2"
for backend in cpu rdu; do
  run 0 onnx_test "$work/good" --backend $backend --json "$work/good.json"
  has out "passed       exact"
  has out "7 tests on $backend: 7 passed, 0 failed, 0 unsupported"
  grep -q '"passed": 7' "$work/good.json" || fail "the JSON does not say what passed"
done
has out "6 passed without a launch on the host, 6 of the 6 without inputs and outputs of 64 bits"
grep -q '"host_ops": "add"' "$work/good.json" || fail "the JSON does not name what ran on the host"
run 0 onnx_test "$work/good/exact/"
has out "passed       exact"
run 0 onnx_test "$work/good" --brief
[ "$(wc -l <"$work/out")" -eq 2 ] || fail "--brief prints tests that passed"
run 0 onnx_test "$work/good" --filter "*a*" --level o0 --arch tiny --jobs 1
has out "4 tests on rdu: 4 passed"

# wrong answers, each of one sort
model bad/value double "x f32 2 2 = 1 2 3 4" "y f32 2 2 = 2 4 6.1 8"
model bad/integer double "x i64 2 = 4503599627370497 1" "y i64 2 = 9007199254740992 2"
model bad/dtype double "x f32 1 = 1" "y f64 1 = 2"
model bad/shape double "x f32 2 = 1 2" "y f32 2 1 = 2 4"
model bad/nan double "x f32 2 = 1 2" "y f32 2 = 2 nan"
model bad/second double "x f32 1 = 1" "y f32 1 = 2" "x f32 1 = 1" "y f32 1 = 3"
model bad/noset double
model bad/nooutput double "x f32 1 = 1" "y f32 1 = 2"
rm "$work/bad/nooutput/test_data_set_0/output_0.pb"
model bad/unreadable double "" "y f32 1 = 2"
model bad/crash crash "x f32 1 = 1" "y f32 1 = 2"
model bad/hang hang "x f32 1 = 1" "y f32 1 = 2"
model bad/refused refuse "x f32 1 = 1" "y f32 1 = 2"
model bad/strings refuse "" "y f32 1 = 2"
run 10 onnx_test "$work/bad" --backend cpu --timeout 5 --jobs 4
one_line
has err "11 of 13 tests failed: crash (failed), dtype (failed)"
has out "13 tests on cpu: 0 passed, 11 failed, 2 unsupported"
has out "value: output y: 1 of 4 elements differ, the worst at [1,0]: found 6, wanted 6.0"
has out "integer: output y: 1 of 2 elements differ, the worst at [0]: found 9007199254740994, wanted 9007199254740992"
has out "dtype: output y: found f32 [1], wanted f64 [1]"
has out "shape: output y: found f32 [2], wanted f32 [2,1]"
has out "nan: output y: 1 of 2 elements differ, the worst at [1]: found 4, wanted nan"
has out "second: output y: 1 of 1 elements differ"
has out "found no test_data_set_0"
has out "nooutput: found 1 outputs, wanted the 0 of the data set"
has out "failed       unreadable: test_data_set_0/input_0.pb: found no tensor"
has out "crash: ended by signal 6 (Aborted)"
has out "hang: not done after 5 s"
has out "unsupported  refused: model.onnx: found refuse, wanted double"
has out "unsupported  strings: model.onnx: found refuse, wanted double"

# A process runs several; those of one that crashes are told apart.
for i in 1 2 3 4 5 6 7 8; do
  model several/good_$i double "x f32 1 = $i" "y f32 1 = $((2 * i))"
done
cp -r "$work/bad/crash" "$work/several/good_4_crash"
run 10 onnx_test "$work/several" --jobs 1
has err "1 of 9 tests failed: good_4_crash (failed)"
has out "good_4_crash: ended by signal 6 (Aborted)"
has out "9 tests on rdu: 8 passed, 1 failed"

# tolerances
run 10 onnx_test "$work/good" --filter nearly --rtol 1e-5
run 0 onnx_test "$work/bad" --filter value --rtol 0.05
run 0 onnx_test "$work/bad" --filter value --range-tolerance 0.02
run 10 onnx_test "$work/bad" --filter value --range-tolerance 0.01

# expectations
cat >"$work/list" <<'END'
# what is known
refused   words that mean nothing
strings   the same
END
run 0 onnx_test "$work/bad" --filter "*r*e*d" --expect "$work/list" --json "$work/listed.json" --jobs 1
grep -q '"listed": "words that mean nothing"' "$work/listed.json" || fail "the JSON does not give the reason of the list"
run 10 onnx_test "$work/bad" --filter "*d*" --expect "$work/list" --brief
[ "$(grep -c "^unsupported" "$work/out")" -eq 0 ] || fail "--brief prints what is as listed"
has err "3 of 4 tests are not as listed: dtype (failed), second (failed)"
echo "exact it does pass" >"$work/more"
run 10 onnx_test "$work/good" --expect "$work/list" --expect "$work/more"
has err "exact (passed, but is listed)"
one_line
run 10 onnx_test "$work/bad" --filter refused --expect "$work/more"
has err "refused (unsupported)"
echo "refused" >"$work/bare"
run 3 onnx_test "$work/bad" --expect "$work/bare"
has err "bare:1: found refused without a reason"
cat "$work/list" "$work/list" >"$work/twice"
run 3 onnx_test "$work/bad" --expect "$work/twice"
has err "twice:5: found refused a second time"

# arguments
run 4 onnx_test "$work/nothing"
has err "found no such folder"
one_line
mkdir "$work/empty"
run 4 onnx_test "$work/empty"
has err "found no model.onnx"
one_line
run 4 onnx_test "$work/good" --filter nothing
has err "found no test that matches nothing"
run 4 onnx_test "$work/good" --expect "$work/nothing"
run 4 onnx_test "$work/good" --backend nothing
one_line
run 2 onnx_test
run 2 onnx_test "$work/good" --level o2
run 4 onnx_test "$work/good" --json "$work/nothing/x.json"
run 0 onnx_test --help
has out "--expect FILE"
has out "Example:"
finish
