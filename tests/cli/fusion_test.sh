#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sf compile --rules and --explain-fusion: files found, what is told, rules that are refused; the example of docs/fusion.md.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
lenet=$SF_SOURCE_DIR/apps/lenet/model.cfg
compile () {
  code=$1
  shift
  run "$code" "$sf" compile "$lenet" -o "$work/lenet.pef" --inference "$@"
}

# The rule to copy and what it is said to print.
sed -n '/^rules = (/,/^```/p' "$SF_SOURCE_DIR/docs/fusion.md" | sed '/^```/,$d' >"$work/mine.cfg"
grep -q 'op_type' "$work/mine.cfg" || fail "docs/fusion.md has no rule to copy"
sed -n 's/^    //p' "$SF_SOURCE_DIR/docs/fusion.md" | sed -n '/^eval: /,/^    not /p' >"$work/wanted"
compile 0 -O1 --rules "$work/mine.cfg" --explain-fusion
head -n "$(wc -l <"$work/wanted")" "$work/out" >"$work/found"
[ -s "$work/wanted" ] && cmp -s "$work/wanted" "$work/found" || { fail "docs/fusion.md prints something else"; diff "$work/wanted" "$work/found"; }

# A file here, without a slash; below etc/rules; --set says the same; silent unless asked.
cp "$work/lenet.pef" "$work/by-path.pef"
cd "$work" || exit 99
compile 0 -O1 --rules mine.cfg
[ "$(wc -l <"$work/out")" -eq 1 ] || fail "not asked, and told all the same"
cmp -s "$work/lenet.pef" "$work/by-path.pef" || fail "mine.cfg and its path differ"
compile 0 -O1 --set "fuse.rules=$work/mine.cfg"
cmp -s "$work/lenet.pef" "$work/by-path.pef" || fail "--set fuse.rules and --rules differ"
compile 0 -O3 --rules o1.cfg --explain-fusion
has out "rule linear_activation, priority 40: 4 matches"
compile 0 -O3 --explain-fusion
has out "rule into_sums, priority 2"
compile 0 -O0 --explain-fusion
has out "eval: 23 nodes in 23 stages by 0 rules"
compile 0 -O1 --rules mine.cfg --explain-fusion --json
has out '"fusion":["eval: 23 nodes in 19 stages by 1 rule"'
run 0 "$sf" test "$work/lenet.pef"

# A level whose program is not kept says so.
{ cat "$SF_DATA_DIR/etc/pipelines/o0.cfg"; echo 'also = ( "o1" );'; } >slow.cfg
compile 0 --pipeline slow.cfg --explain-fusion
has out "eval: 23 nodes in 23 stages by 0 rules"
has out "eval: the program of o1 is kept, which is faster than that of slow"
grep -q linear_activation out && fail "told of the rules of o1 as well"

# Stages that the machine is too small for are several in the end.
run 0 "$sf" compile "$SF_SOURCE_DIR/apps/encoder/model.cfg" -o wide.pef --inference --batch-size 4 --arg features=512 --arg blocks=1 --arch tiny -O1 --explain-fusion
has out "too large for the machine and became several, first that of block.0.linear1 (linear): "

# Refused: no file, a rule that is wrong, a rule of the form before this one.
compile 4 --rules absent.cfg
one_line
has err "absent.cfg"
echo 'rules = ( { name = "a"; pattern = { l = { op_type = "linaer"; }; }; } );' >"$work/bad.cfg"
compile 3 --rules bad.cfg
one_line
has err "bad.cfg:1: op_type: op 'linaer': not in the op table; did you mean 'linear'?"
echo 'rules = ( { name = "a"; anchor = [ "map" ]; } );' >"$work/old.cfg"
compile 3 --rules old.cfg
one_line
has err 'old.cfg:1: unknown key "anchor", wanted one of: priority, heuristic, pattern, name'
finish
