# SPDX-License-Identifier: Apache-2.0
# What tests of pages share: a browser that is known to complain; to be sourced after lib.sh. Skips the test where none runs.
browser=
for name in chromium chromium-browser google-chrome; do
  command -v $name >/dev/null && browser=$name && break
done
if [ -z "$browser" ]; then
  echo "SKIP: no chromium, chromium-browser or google-chrome"
  exit 77
fi

# opened FILE [OPTION...]: the browser's own words go to $work/log, the page as it understood it to $work/dom.
opened () {
  page=$1
  shift
  HOME="$work" timeout 120 $browser --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$work/profile" \
    --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr "$@" --dump-dom "file://$page" >"$work/dom" 2>"$work/log"
}

# A page with a mistake first: a browser that says nothing of it proves nothing.
echo '<!DOCTYPE html><html><body><script>nothing.at.all()</script></body></html>' >"$work/bad.html"
if ! opened "$work/bad.html" || ! grep -q CONSOLE "$work/log"; then
  echo "SKIP: $browser does not run here: $(tail -n 1 "$work/log")"
  exit 77
fi
