#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Damaged files, a full disk, a plugin of another ABI: one line that says what and what to do, the right exit code, no half-written file.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

stride=1 # of what is sampled
[ "${SF_NIGHTLY-}" = yes ] || stride=7

size () {
  wc -c <"$1" | tr -d ' '
}

# cut FILE COPY LENGTH
cut_at () {
  head -c "$3" "$1" >"$2"
}

# flip FILE COPY OFFSET: one byte of it, all bits.
flip () {
  cp "$1" "$2"
  byte=$(od -An -tu1 -j"$3" -N1 "$1" | tr -d ' ')
  # shellcheck disable=SC2059
  printf "\\$(printf %o $((byte ^ 255)))" | dd of="$2" bs=1 seek="$3" conv=notrunc 2>/dev/null
}

# refused CODES WHAT COMMAND...: ends with one of the codes; unless that is 0, with one line.
refused () {
  codes=$1 what=$2
  shift 2
  timeout 60 "$@" >"$work/out" 2>"$work/err"
  code=$?
  case " $codes " in
    *" $code "*) ;;
    *)
      fail "$what: exit $code, wanted one of $codes"
      sed 's/^/  err: /' "$work/err" | head -n 5
      ;;
  esac
  [ $code -eq 0 ] || one_line
}

# places FILE N: N offsets spread over the file, the first and last bytes among them.
places () {
  n=$(size "$1")
  seq 0 $(((n + $2) / $2)) $((n - 1))
  echo $((n - 1))
  seq 1 9 | awk -v n="$n" '$1 < n'
}

run 0 "$sf" compile "$apps/logreg/model.cfg" -o "$work/logreg.pef" -O3 --arg size=8
train logreg checkpoints --epochs 1
checkpoint=$work/checkpoints/epoch-0001.safetensors
[ -e "$checkpoint" ] || fail "no checkpoint"
n_places=$((200 / stride))

# PEF: every damage is refused.
for at in $(places "$work/logreg.pef" $n_places); do
  flip "$work/logreg.pef" "$work/bad.pef" "$at"
  refused "3 5" "PEF with byte $at flipped" "$sf" run --test "$work/bad.pef"
  cut_at "$work/logreg.pef" "$work/bad.pef" "$at"
  refused "3 5" "PEF of $at bytes" "$sf" run --test "$work/bad.pef"
done
cp "$work/logreg.pef" "$work/bad.pef"
printf x >>"$work/bad.pef"
refused "3" "PEF with a byte more" "$sf" run --test "$work/bad.pef"
refused "4" "no PEF" "$sf" run --test "$work/absent.pef"

# Checkpoint: cut off refused; a flipped byte refused, or harmless.
evaluate () {
  refused "$1" "$2" "$sf" eval "$work/logreg.pef" --checkpoint "$work/bad.safetensors" --data "$digits"
}
for at in $(places "$checkpoint" $n_places); do
  flip "$checkpoint" "$work/bad.safetensors" "$at"
  evaluate "3 5" "checkpoint with byte $at flipped"
  cut_at "$checkpoint" "$work/bad.safetensors" "$at"
  evaluate "3 5" "checkpoint of $at bytes"
done

# Data: IDX plain and compressed, npy.
mkdir "$work/plain" "$work/data" "$work/npy"
for file in "$digits"/*.gz; do
  gunzip -c "$file" >"$work/plain/$(basename "$file" .gz)"
done
run 0 "$sf" eval "$work/logreg.pef" --data "$work/plain"
damage () {
  from=$1 file=$2
  for at in $(places "$from/$file" $((n_places / 2))); do
    rm -rf "$work/data"
    mkdir "$work/data"
    cp "$from"/* "$work/data"
    flip "$from/$file" "$work/data/$file" "$at"
    refused "0 3" "$file with byte $at flipped" "$sf" eval "$work/logreg.pef" --data "$work/data"
    cut_at "$from/$file" "$work/data/$file" "$at"
    refused "3 4" "$file of $at bytes" "$sf" eval "$work/logreg.pef" --data "$work/data"
  done
}
damage "$work/plain" test-images-idx3-ubyte
damage "$work/plain" test-labels-idx1-ubyte
damage "$digits" test-images-idx3-ubyte.gz
# npy of u1: the header of the format, version 1.0, then the bytes.
npy () {
  text="{'descr': '|u1', 'fortran_order': False, 'shape': ($2), }"
  printf '\223NUMPY\001\000v\000%-117s\n' "$text" >"$3"
  tail -c +"$4" "$1" >>"$3"
}
rows=$((($(size "$work/plain/test-labels-idx1-ubyte")) - 8))
npy "$work/plain/test-images-idx3-ubyte" "$rows, 8, 8" "$work/npy/test-images.npy" 17
npy "$work/plain/test-labels-idx1-ubyte" "$rows," "$work/npy/test-labels.npy" 9
run 0 "$sf" eval "$work/logreg.pef" --data "$work/npy"
damage "$work/npy" test-images.npy
damage "$work/npy" test-labels.npy
refused "4" "no data" "$sf" eval "$work/logreg.pef" --data "$work/absent"

# A model file: cut off anywhere it is refused, unless only blanks and the last semicolon are missing.
for at in $(seq 0 $stride $(($(size "$apps/logreg/model.cfg") - 1))); do
  cut_at "$apps/logreg/model.cfg" "$work/bad.cfg" "$at"
  rm -f "$work/cut.pef"
  refused "0 2 3" "model of $at bytes" "$sf" compile "$work/bad.cfg" -o "$work/cut.pef" --arg size=8
  if [ $code -eq 0 ]; then
    [ -z "$(tail -c +$((at + 1)) "$apps/logreg/model.cfg" | tr -d ' \n;')" ] || fail "model of $at bytes was compiled"
  else
    [ ! -e "$work/cut.pef" ] || fail "model of $at bytes left a PEF"
  fi
done

# A full disk, an unwritable place: exit 11, nothing left, what was there before untouched.
mkdir "$work/full"
cp "$work/logreg.pef" "$work/full/old.pef"
ls -A "$work/full" >"$work/before"
# on_full_disk WHAT COMMAND...
on_full_disk () {
  what=$1
  shift
  limited 1 "$@" >"$work/full.out" 2>"$work/err"
  code=$?
  [ $code -eq 11 ] || fail "$what beyond the size limit: exit $code, wanted 11"
  one_line
  same_bits "what was there before $what" "$work/logreg.pef" "$work/full/old.pef"
  ls -A "$work/full" | cmp -s - "$work/before" || fail "$what left: $(ls -A "$work/full")"
}
on_full_disk "a new PEF" "$sf" compile "$apps/lenet/model.cfg" -o "$work/full/new.pef"
on_full_disk "a PEF over another" "$sf" compile "$apps/lenet/model.cfg" -o "$work/full/old.pef"
on_full_disk "a stripped PEF" "$sf" pef strip --graph "$work/logreg.pef" -o "$work/full/bare.pef"
on_full_disk "a checkpoint" "$sf" train "$work/logreg.pef" --data "$digits" --checkpoint-dir "$work/full"
on_full_disk "predictions" "$sf" infer "$work/logreg.pef" --data "$digits" --output "$work/full/predictions.csv"

# A plugin of another ABI: refused before any of it runs, and nothing is written.
printf 'passes = ( { pass = "minor"; } );\n' >"$work/other.cfg"
mkdir "$work/plugins"
cp "$SF_BUILD_DIR/tests/plugins/.libs/sf-pass-minor.so" "$work/plugins"
refused "5" "a pass of another ABI" "$sf" compile "$apps/logreg/model.cfg" -o "$work/abi.pef" --pipeline "$work/other.cfg" --plugin-path "$work/plugins"
has err "sf-pass-minor.so: plugin ABI 0.2, wanted 0.1"
[ ! -e "$work/abi.pef" ] || fail "a pass of another ABI left a PEF"

# A pipeline's candidates are a list.
printf 'passes = ( { pass = "autodiff"; } );\nalso = "o1";\n' >"$work/also.cfg"
refused "3" "a pipeline with one candidate" "$sf" compile "$apps/logreg/model.cfg" -o "$work/also.pef" --pipeline "$work/also.cfg"
has err 'also.cfg:2: also: found no list, wanted one of levels: also = ( "o1" )'
finish
