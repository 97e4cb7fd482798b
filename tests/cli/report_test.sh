#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sf compile --report: the page and the JSON agree with the other verbs, for the starter models on a large and a small machine; hostile
# names; what is in the way; a full disk. And docs/compiler.md knows what the report shows.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
. "$SF_SOURCE_DIR/tests/cli/model.sh"
if ! command -v python3 >/dev/null; then
  echo "SKIP: no python3"
  exit 77
fi

# holds NAME: the report of $work/NAME.pef in $work/NAME.
holds () {
  "$sf" run --timing --json "$work/$1.pef" >"$work/timing" 2>"$work/err" || fail "$1: $(cat "$work/err")"
  "$sf" inspect --json "$work/$1.pef" >"$work/inspect" || fail "$1: inspect"
  python3 -B "$SF_SOURCE_DIR/tests/cli/report.py" "$work/$1" "$work/timing" "$work/inspect" || fail "$1: see above"
}

for model in logreg ffn_mnist lenet cnn_bn encoder digits; do
  for arch in sn10 tiny; do
    compile $model $model-$arch --arch $arch -O1 --batch-size 8 --report "$work/$model-$arch"
    holds $model-$arch
  done
done
compile lenet o3 --batch-size 32 --report "$work/o3/below/it's here"
mv "$work/o3/below/it's here/"* "$work/o3"
holds o3
grep -q 'chosen: ' "$work/o3/index.html" || fail "o3: the page does not say which candidate was chosen"
[ "$(wc -c <"$work/encoder-tiny/index.html")" -lt 10000000 ] || fail "encoder on tiny: a page of 10 MB"

# what runs on the host, and why
run 0 "$sf" compile "$SF_SOURCE_DIR/tests/cli/host.cfg" -o "$work/host.pef" --report "$work/host"
holds host
grep -q 'on the host: ' "$work/host/index.html" || fail "host: the page does not say why"
grep -q '"reason":"[^"]' "$work/host/report.json" || fail "host: the JSON does not say why"

# the same bytes again, over the old files
cp -r "$work/o3" "$work/first"
compile lenet o3 --batch-size 32 --report "$work/o3"
same_bits "the page of a second compile" "$work/first/index.html" "$work/o3/index.html"
same_bits "the JSON of a second compile" "$work/first/report.json" "$work/o3/report.json"

# names that are markup
cat >"$work/hostile.cfg" <<'EOF_'
name = "<script>alert(1)</script>";
batch_size = 4;
inputs = ( { name = "x&\"'<b>"; shape = [ 6 ]; } );
layers = ( { name = "</title><img src=x onerror=alert(2)>"; type = "linear"; out = 5; }, { name = "\x01\xff]]>&amp;"; type = "relu"; } );
EOF_
"$sf" compile "$work/hostile.cfg" -o "$work/hostile.pef" --inference --report "$work/hostile" >"$work/out" 2>"$work/err"
case $? in
  0) holds hostile ;;
  *) # a frontend may refuse the bytes that are no text; the others stay
    sed -i 's/.x01.xff/odd/' "$work/hostile.cfg"
    run 0 "$sf" compile "$work/hostile.cfg" -o "$work/hostile.pef" --inference --report "$work/hostile"
    holds hostile ;;
esac
grep -q '&lt;img src=x' "$work/hostile/index.html" || fail "hostile: the page lacks the layer's name"

if command -v dot >/dev/null; then
  grep -q 'class="edge"' "$work/o3/index.html" || fail "o3: a page without graphs, though there is a dot"
fi
# without graphviz, or with one that fails, the page says so
mkdir "$work/bin"
printf '#!/bin/sh\nexit 1\n' >"$work/bin/dot"
chmod +x "$work/bin/dot"
PATH="$work/bin:$PATH" compile lenet nodot -O1 --report "$work/nodot"
holds nodot
grep -q 'found no dot of graphviz' "$work/nodot/index.html" || fail "nodot: the page does not say why it has no graphs"

# in the way
touch "$work/file"
run 2 "$sf" compile "$apps/logreg/model.cfg" -o "$work/none.pef" --report "$work/file"
has err "found a file, wanted a folder"
one_line
[ ! -e "$work/none.pef" ] || fail "compiled before it saw that a file is in the way"
run 2 "$sf" compile "$apps/logreg/model.cfg" -o "$work/none.pef" --report ''
one_line
run 11 "$sf" compile "$apps/logreg/model.cfg" -o "$work/none.pef" --report "$work/file/below"
one_line

# a full disk leaves the old report
cp "$work/logreg-sn10/index.html" "$work/old.html"
cp "$work/logreg-sn10/report.json" "$work/old.json"
compile logreg small -O1 --inference --batch-size 1
blocks=$(($(wc -c <"$work/small.pef") / 512 + 2))
if [ $((blocks * 512)) -lt "$(wc -c <"$work/logreg-sn10/index.html")" ]; then
  run 11 limited $blocks "$sf" compile "$apps/logreg/model.cfg" -o "$work/small.pef" -O1 --inference --batch-size 1 --report "$work/logreg-sn10"
  one_line
  same_bits "the page after a full disk" "$work/old.html" "$work/logreg-sn10/index.html"
  same_bits "the JSON after a full disk" "$work/old.json" "$work/logreg-sn10/report.json"
  [ "$(find "$work/logreg-sn10" -type f | wc -l)" -eq 2 ] || fail "a full disk left something behind"
else
  fail "the page of logreg is smaller than its PEF: take another model to fill the disk with"
fi

# docs/compiler.md goes through every pass of every pipeline, and every option that a pass has
for pass in $(sed -n 's/.*pass = "\([a-z]*\)".*/\1/p' "$SF_SOURCE_DIR"/etc/pipelines/*.cfg | sort -u); do
  grep -q "^## $pass\$" "$SF_SOURCE_DIR/docs/compiler.md" || fail "docs/compiler.md: found no section about the pass $pass"
  for option in $("$sf" inspect "pass:$pass" --json | python3 -c 'import json, sys; print (*[o["name"] for o in json.load (sys.stdin)["options"]])'); do
    sed -n "/^## $pass\$/,/^## /p" "$SF_SOURCE_DIR/docs/compiler.md" | grep -qF -e "\`$option" || fail "docs/compiler.md: $pass: found nothing about its option $option"
  done
done
finish
