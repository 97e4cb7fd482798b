# SPDX-License-Identifier: Apache-2.0
# What the shell tests of the tools share; to be sourced.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/sf-cli.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' INT TERM
sf=${SF_BUILD_DIR:?run by make check}/tools/sf/sf
failures=0

fail () {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# run CODE COMMAND...: runs it; its output goes to $work/out and $work/err.
run () {
  wanted=$1
  shift
  "$@" >"$work/out" 2>"$work/err"
  code=$?
  if [ "$code" -ne "$wanted" ]; then
    fail "$*: exit $code, wanted $wanted"
    sed 's/^/  out: /' "$work/out"
    sed 's/^/  err: /' "$work/err"
  fi
}

# has FILE TEXT: the last run's out or err holds the text.
has () {
  grep -qF -e "$2" "$work/$1" || { fail "no '$2' in std$1:"; sed 's/^/  /' "$work/$1"; }
}

# one_line: the last run printed exactly one line to stderr, an error of sf.
one_line () {
  [ "$(wc -l <"$work/err")" -eq 1 ] && grep -q '^sf: ' "$work/err" || { fail "stderr is not one line 'sf: ...':"; sed 's/^/  /' "$work/err"; }
}

# limited BLOCKS COMMAND...: runs it with files of at most so many blocks; writing beyond them fails as on a full disk.
# TSan maps a file of its own below $TMPDIR before main begins, and dies where the limit has cut that short; without the folder it goes on.
limited () (
  trap '' XFSZ
  [ "${SF_SANITIZERS:-no}" != thread ] || export TMPDIR="$work/absent"
  ulimit -f "$1"
  shift
  exec "$@"
)

finish () {
  [ "$failures" -eq 0 ] || { echo "$failures failures"; exit 1; }
  exit 0
}
