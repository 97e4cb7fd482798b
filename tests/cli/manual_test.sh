#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manual pages: what they describe is what there is, and mandoc and man have nothing to say about them.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
run 0 "$sf" manual
cp "$work/out" "$work/sf.1"
run 0 "$sfbatch" manual
cp "$work/out" "$work/sfbatch.1"
cp "$SF_SOURCE_DIR/docs/man/sfd.8" "$SF_SOURCE_DIR/docs/man/sfbatch-job.5" "$work"
for page in sf.1 sfbatch.1 sfd.8 sfbatch-job.5; do
  if command -v mandoc >/dev/null; then
    run 0 mandoc -T lint -W warning "$work/$page"
    [ -s "$work/out" ] && { fail "$page: mandoc has something to say"; cat "$work/out"; }
  fi
  if command -v man >/dev/null; then
    LC_ALL=C.UTF-8 man --warnings -l "$work/$page" >"$work/$page.txt" 2>"$work/err"
    grep -v 'locale\|minimized' "$work/err" >"$work/said" && { fail "$page: man has something to say"; cat "$work/said"; }
  fi
done

# plain FILE: its text as it is read, roff's escapes taken away; to $work/plain.
plain () {
  sed -e 's/\\-/-/g' -e 's/\\f[BIR]//g' -e 's/\\(dq/"/g' "$1" >"$work/plain"
}

# Every verb and option of --help.
for tool in sf sfbatch; do
  plain "$work/$tool.1"
  for verb in $("$SF_BUILD_DIR/tools/$tool/$tool" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\( [a-z]\{1,\}\)\{0,1\}\)  .*/\1/p' | tr ' ' +); do
    words=$(echo "$verb" | tr + ' ')
    grep -q "^\.SS $tool $words " "$work/plain" || fail "$tool.1 lacks the verb $words"
    for option in $("$SF_BUILD_DIR/tools/$tool/$tool" $words --help | sed -n 's/^  \(-., \)\{0,1\}\(--[][a-z-]*\).*/\2/p'); do
      grep -qF -e "$option" "$work/plain" || fail "$tool.1 lacks $option of $words"
    done
  done
done
plain "$work/sfd.8"
for option in $("$SF_LIBEXEC_DIR/sfd" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p'); do
  grep -qF -e "$option" "$work/plain" || fail "sfd.8 lacks $option"
done
# Every key of docs/queue.md.
plain "$work/sfbatch-job.5"
for key in $(sed -n '/^## A job file/,/^### What/s/^| \(`[^|]*`\) |.*/\1/p' "$SF_SOURCE_DIR/docs/queue.md" | tr -d '`,'); do
  grep -qwF -e "$key" "$work/plain" || fail "sfbatch-job.5 lacks $key"
done
finish
