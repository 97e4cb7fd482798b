#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What shells complete, from the scripts that the tools print; fish and zsh where they are installed.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
PATH=$SF_BUILD_DIR/tools/sf:$SF_BUILD_DIR/tools/sfbatch:$PATH
export PATH
mkdir "$work/here" "$work/here/a folder"
cd "$work/here" || exit 99
touch job.cfg 'my job.cfg' model.onnx digits.pef results.json

# complete WORD...: what bash offers in place of the last word, one a line; to $work/out.
cat >"$work/complete.sh" <<'EOF2'
source "$1"; name=$2; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_${name}_complete "$name"; printf '%s\n' "${COMPREPLY[@]}"
EOF2
complete () {
  run 0 bash "$work/complete.sh" "$work/$1.bash" "$@"
  [ -s "$work/err" ] && fail "$*: $(cat "$work/err")"
}

# offers WORD..., after complete: these are offered; refuses WORD...: these are not.
offers () {
  for word; do
    grep -qxF -e "$word" "$work/out" || fail "'$word' is not offered, but: $(tr '\n' ' ' <"$work/out")"
  done
}
refuses () {
  for word; do
    grep -qxF -e "$word" "$work/out" && fail "'$word' is offered"
  done
}

for tool in sf sfbatch; do
  for shell in bash fish zsh; do
    run 0 $tool completion $shell
    cp "$work/out" "$work/$tool.$shell"
  done
done
run 2 sf completion tcsh

if command -v bash >/dev/null; then
  complete sf insp
  offers inspect
  complete sf --v
  offers --version
  complete sf plugins --ch
  offers --check
  complete sf plugin ''
  offers new
  complete sf plugin new opt
  offers optimizer
  complete sf inspect --log d
  offers debug
  complete sf compile --level ''
  offers o0 o1 o3
  complete sf compile --level = o
  offers o0 o1 o3
  complete sf compile -O ''
  offers o0 o1 o3
  complete sf compile --batch-size ''
  refuses o0 job.cfg --level
  complete sf compile ''
  offers job.cfg model.onnx 'a folder'
  complete sf train ''
  offers digits.pef
  refuses model.onnx job.cfg
  complete sf compile --report ''
  offers 'a folder'
  refuses job.cfg
  complete sfbatch sub
  offers submit
  complete sfbatch submit ''
  offers job.cfg 'my job.cfg' 'a folder'
  refuses model.onnx results.json
  complete sfbatch submit --ch
  offers --check
  refuses job.cfg
  complete sfbatch report ''
  offers results.json
  complete sfbatch list ''
  offers --all --json
  # every verb, and nothing that a verb does not take
  for tool in sf sfbatch; do
    complete $tool ''
    verbs=$(cat "$work/out")
    for verb in $($tool --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\).*/\1/p'); do
      echo "$verbs" | grep -qx -e "$verb" || fail "$tool: $verb is not offered"
    done
  done
  # ids of jobs
  job first true >first.cfg
  run 0 sfbatch submit --hold first.cfg
  run 0 sfbatch submit --hold first.cfg
  for verb in show cancel wait; do
    complete sfbatch $verb ''
    offers 1 2
    refuses job.cfg id
  done
fi

if command -v zsh >/dev/null; then
  for tool in sf sfbatch; do
    run 0 zsh -n "$work/$tool.zsh"
    [ -s "$work/err" ] && fail "$tool: zsh: $(cat "$work/err")"
  done
fi

if command -v fish >/dev/null; then
  # suggest LINE: what fish offers for the command line, without the explanations; to $work/out.
  suggest () {
    HOME="$work" fish -c "source $work/sf.fish; source $work/sfbatch.fish; complete -C \"\$argv\"" "$1" >"$work/said" 2>"$work/err" || fail "fish: $1"
    [ -s "$work/err" ] && fail "fish: $1: $(cat "$work/err")"
    cut -f 1 "$work/said" >"$work/out"
  }
  suggest 'sf comp'
  offers compile completion
  suggest 'sf plugin n'
  offers new
  suggest 'sf compile --level '
  offers o0 o1 o3
  suggest 'sf compile --ba'
  offers --batch-size
  suggest 'sf train '
  offers digits.pef
  suggest 'sfbatch submit '
  offers job.cfg 'my job.cfg'
  suggest 'sfbatch cancel '
  offers 1 2
fi
finish
