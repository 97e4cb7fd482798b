#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page of --report in a browser: it opens without a word on the console and without asking the network for anything.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"
browser=
for name in chromium chromium-browser google-chrome; do
  command -v $name >/dev/null && browser=$name && break
done
if [ -z "$browser" ]; then
  echo "SKIP: no chromium, chromium-browser or google-chrome"
  exit 77
fi

# opened FILE: the browser's own words go to $work/log, the page as it understood it to $work/dom.
opened () {
  HOME="$work" timeout 120 $browser --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$work/profile" \
    --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --dump-dom "file://$1" >"$work/dom" 2>"$work/log"
}

# A page with a mistake first: a browser that says nothing of it proves nothing.
echo '<!DOCTYPE html><html><body><script>nothing.at.all()</script></body></html>' >"$work/bad.html"
if ! opened "$work/bad.html" || ! grep -q CONSOLE "$work/log"; then
  echo "SKIP: $browser does not run here: $(tail -n 1 "$work/log")"
  exit 77
fi
for model in lenet encoder; do
  compile $model $model -O1 --batch-size 8 --report "$work/$model"
  opened "$work/$model/index.html" || fail "$model: the browser ended with $?"
  grep CONSOLE "$work/log" && fail "$model: see the console above"
  grep -q '</html>' "$work/dom" || fail "$model: the browser did not read the page to its end"
  grep -q 'where time goes' "$work/dom" || fail "$model: the page lacks its text"
done
finish
