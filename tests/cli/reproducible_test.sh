#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same compile gives the same bytes: again, in another folder and locale, and with glibc's variants for newer processors masked.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"

mask=glibc.cpu.hwcaps=-AVX2_Usable,-FMA_Usable,-FMA4_Usable,-AVX512F_Usable,-AVX2,-FMA,-FMA4,-AVX512F
for case in "digits -O0" "digits -O3 --precision bf16" "encoder -O3 --optimizer adamw" "cnn_bn -O1 --optimizer adam" "lenet -O3"; do
  model=${case%% *}
  options=${case#* }
  # shellcheck disable=SC2086
  compile $model first $options
  # shellcheck disable=SC2086
  compile $model second $options
  same_bits "$case, again" "$work/first.pef" "$work/second.pef"
  mkdir -p "$work/elsewhere"
  # shellcheck disable=SC2086
  (cd "$work/elsewhere" && GLIBC_TUNABLES=$mask LC_ALL=C.UTF-8 TZ=Asia/Tokyo "$sf" compile "$apps/$model/model.cfg" -o masked.pef $options) >"$work/out" 2>&1 \
    || fail "$case, masked: $(cat "$work/out")"
  same_bits "$case, masked" "$work/first.pef" "$work/elsewhere/masked.pef"
done
compile lenet other -O3 --arch sn30
cmp -s "$work/first.pef" "$work/other.pef" && fail "another machine gives the same PEF"
finish
