# SPDX-License-Identifier: Apache-2.0
# What the tests that compile and train the starter models share; to be sourced after lib.sh.
apps=$SF_SOURCE_DIR/apps
digits=$apps/digits/data

# compile MODEL NAME OPTION...: a starter model as $work/NAME.pef.
compile () {
  model=$1 name=$2
  shift 2
  run 0 "$sf" compile "$apps/$model/model.cfg" -o "$work/$name.pef" "$@"
}

# train NAME FOLDER OPTION...: trains $work/NAME.pef on the digits, checkpoints in $work/FOLDER.
train () {
  name=$1 folder=$2
  shift 2
  run 0 "$sf" train "$work/$name.pef" --data "$digits" --checkpoint-dir "$work/$folder" "$@"
}

# same_bits WHAT A B
same_bits () {
  cmp "$2" "$3" >"$work/cmp" 2>&1 || { fail "$1: $(cat "$work/cmp")"; }
}

# json KEY: the number behind that key in the last run's output; of several lines the last.
json () {
  sed -n "s/.*\"$1\": *\([-+.0-9eE]*\).*/\1/p" "$work/out" | tail -n 1
}

# at_least WHAT NUMBER BOUND
at_least () {
  echo "$1: $2 (wanted at least $3)"
  awk -v a="$2" -v b="$3" 'BEGIN { exit !(a != "" && a + 0 >= b + 0) }' || fail "$1: $2, wanted at least $3"
}
