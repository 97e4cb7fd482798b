#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The frame of sf: help, version, verbs, global options, exit codes; the verbs plugins and inspect.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
plugins=$SF_BUILD_DIR/tests/plugins/.libs

run 0 "$sf" --help
has out "Usage: sf VERB"
has out "inspect"
run 0 "$sf" --version
has out "sf (Spatialflow) "
for verb in inspect plugins "plugin new" completion; do
  run 0 "$sf" $verb --help
  has out "Usage: sf $verb"
  has out "Example:"
  has out "--plugin-path"
done

run 2 "$sf"
one_line
run 2 "$sf" plugin
has err "half a verb, wanted plugin new"
run 2 "$sf" pluggins
has err "did you mean plugins?"
one_line
run 2 "$sf" plugins --chekc
has err "check"
one_line
run 2 "$sf" --frobnicate plugins
one_line
run 2 "$sf" inspect
one_line

# plugins: first every one that this build makes
run 0 "$sf" plugins --check
has out "sf-backend-cpu.so"
mkdir "$work/good" "$work/again" "$work/bad"
cp "$plugins/sf-pass-good.so" "$work/good"
cp "$plugins/sf-pass-good.so" "$work/again"
cp "$plugins/sf-pass-minor.so" "$work/bad"
unset SF_PLUGIN_PATH
run 0 "$sf" plugins --plugin-path "$work/good:$work/again"
has out "does nothing, correctly"
has out "shadowed by the one above"
run 0 "$sf" --plugin-path "$work/good" plugins --json
has out '"kind": "pass"'
has out '"shadowed": false'
run 0 "$sf" plugins --plugin-path "$work/good" --check
run 10 "$sf" plugins --plugin-path "$work/good:$work/bad" --check
has out "broken: "
has out "sf-pass-minor.so: plugin ABI 0.2, wanted 0.1"
has err "1 broken of"
has err "pass:minor"
one_line
export SF_PLUGIN_PATH="$work/good"
run 0 "$sf" plugins
has out "does nothing, correctly"

# inspect
run 0 "$sf" inspect good
has out "pass good 1.0: does nothing, correctly"
has out "soft|hard"
has out "1..9"
run 0 "$sf" inspect pass:good --json
has out '"max": 9.0'
run 0 "$sf" inspect "$work/again/sf-pass-good.so"
has out "$work/again/sf-pass-good.so"
run 5 "$sf" inspect "$work/bad/sf-pass-minor.so"
one_line
run 4 "$sf" inspect pass:goood
has err "did you mean good?"
one_line
run 2 "$sf" inspect pss:good
has err "did you mean pass?"
run 4 "$sf" inspect nothing-of-that-name
one_line
cp "$plugins/sf-pass-good.so" "$work/good/other.so"
run 2 "$sf" inspect "$work/good/other.so"
has err "wanted sf-<kind>-<name>.so"

# a full disk
if [ -w /dev/full ]; then
  "$sf" --help >/dev/full 2>"$work/err"
  code=$?
  [ "$code" -eq 11 ] || fail "stdout on a full disk: exit $code, wanted 11"
  has err "standard output: cannot write: No space left on device"
fi
finish
