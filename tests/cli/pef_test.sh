#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A PEF on the command line: compiled twice to the same bytes, inspected, stripped, damaged; machines inspected.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
model=$SF_SOURCE_DIR/apps/logreg/model.cfg

run 0 "$sf" compile "$model" -o "$work/a.pef"
run 0 "$sf" compile "$model" -o "$work/b.pef"
cmp "$work/a.pef" "$work/b.pef" || fail "the same compile gave other bytes"

run 0 "$sf" inspect "$work/a.pef"
has out "arch         sn10"
has out "train graph of "
has out "entry train: "
has out "section 0: "
has out "batch_size"
run 0 "$sf" inspect "$work/a.pef" --json
has out '"configs":[{"buffers":[{'
has out '"graph_digest":"'
has out '"hops":[['

# Stripped: no graph, the same program; stripping again changes nothing.
run 0 "$sf" pef strip --graph "$work/a.pef" -o "$work/device.pef"
run 0 "$sf" inspect "$work/device.pef"
has out "none: stripped"
has out "section 0: "
run 0 "$sf" pef strip --graph "$work/device.pef" -o "$work/again.pef"
cmp "$work/device.pef" "$work/again.pef" || fail "stripping twice gave other bytes"
run 2 "$sf" pef strip "$work/a.pef" -o "$work/c.pef"
has err "wanted --graph"
one_line
[ ! -e "$work/c.pef" ] || fail "a refused strip left a file"

# Damage: one line, exit 3, nothing written.
head -c 5000 "$work/a.pef" >"$work/short.pef"
run 3 "$sf" inspect "$work/short.pef"
has err "found 5000 bytes, wanted "
one_line
cp "$work/a.pef" "$work/flipped.pef"
printf 'X' | dd of="$work/flipped.pef" bs=1 seek=4000 conv=notrunc 2>/dev/null
run 3 "$sf" pef strip --graph "$work/flipped.pef" -o "$work/c.pef"
has err "does not agree with its digest"
one_line
[ ! -e "$work/c.pef" ] || fail "a damaged PEF was stripped to a file"
run 4 "$sf" inspect "$work/absent.pef"
one_line
printf 'no PEF at all, but long enough to have a header if it were one: sixty-four bytes' >"$work/text.pef"
run 3 "$sf" inspect "$work/text.pef"
has err "no PEF, its first bytes are not those of one"

# Machines.
run 0 "$sf" inspect sn10
has out "160 PCUs, 160 PMUs"
run 0 "$sf" inspect tiny --json
has out '"pcus_per_tile":24'
sed 's/^rdu_tiles = 1;/rdu_tiles = 0;/' "$SF_SOURCE_DIR/etc/arch/tiny.cfg" >"$work/bad.cfg"
run 3 "$sf" inspect "$work/bad.cfg"
has err "rdu_tiles is 0, wanted 1 to 64"
one_line
run 4 "$sf" inspect "$work/absent.cfg"
has err "plasticine, sn10, sn30, sn40l, tiny"
finish
