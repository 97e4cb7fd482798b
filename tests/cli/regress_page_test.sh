#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page of a regression run in a browser: nothing on the console, what broke comes first, nothing overflows on a desk or a telephone, all
# of it is legible by day and by night. And sfbatch report, which writes it.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
regress=$SF_QUEUE_DIR/regress
mkdir -m 700 "$SF_QUEUE_DIR"
run 4 "$sfbatch" report
has err "found no regression runs"
batch_line
python3 "$SF_SOURCE_DIR/tests/cli/regress_history.py" "$regress/nightly" 30 40 || exit 99

# ---- the verb ----
newest=$regress/nightly/$(ls "$regress/nightly" | tail -n 1)
run 0 "$sfbatch" report
has out "wrote $newest/index.html"
run 0 "$sfbatch" report nightly --output "$work/page.html"
cmp -s "$work/page.html" "$newest/index.html" || fail "the page of the suite is another one than the newest"
run 0 "$sfbatch" report "$newest/results.json" -o "$work/again.html"
cmp -s "$work/page.html" "$work/again.html" || fail "the page of the results is another one than that of the suite"
run 4 "$sfbatch" report nihgtly
has err "did you mean nightly?"
mkdir -p "$regress/empty/20261123T020000Z"
run 4 "$sfbatch" report empty
has err "found no run with results"
run 4 "$sfbatch" report ../nightly/results.json
run 2 "$sfbatch" report nightly nightly --output "$work/page.html"
head -c 1000 "$newest/results.json" >"$work/results.json"
echo old >"$work/index.html"
run 3 "$sfbatch" report "$work/results.json"
has err "$work/results.json:"
batch_line
[ "$(cat "$work/index.html")" = old ] || fail "a page that could not be made has changed the old one"

# ---- the page ----
. "$SF_SOURCE_DIR/tests/cli/browser.sh"
for words in '3 of 40 failed' 'Newly broken: 1' 'Broken before: 2' 'Mended: 1'; do
  grep -q "$words" "$work/page.html" || fail "the page lacks: $words"
done
cp "$SF_SOURCE_DIR/tests/cli/page_look.html" "$work/look.html"
for theme in light dark; do
  scheme=1
  [ $theme = light ] || scheme=0
  opened "$work/look.html" --allow-file-access-from-files --virtual-time-budget=20000 --blink-settings=preferredColorScheme=$scheme
  grep -hE 'CONSOLE|^FAILED' "$work/log" "$work/dom" && fail "$theme: see above"
  for width in 1280 390; do
    grep -q "looked $width $theme" "$work/dom" || fail "$theme: the page was not seen $width px wide"
  done
done
finish
