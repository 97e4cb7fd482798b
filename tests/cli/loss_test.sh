#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model without a loss: given one, it trains to the same bits as with its own; frozen parameters stay as they are.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
apps=$SF_SOURCE_DIR/apps
digits=$apps/digits/data
own=$apps/logreg/model.cfg
grep -v -e '^loss = ' -e 'name = "label"' "$own" | sed 's/ field = "images";//; s/ scale = [0-9.]*;//; /"image"/s/},$/}/' >"$work/bare.cfg"
grep -q -e softmax_ce -e scale -e field "$work/bare.cfg" && fail "the bare model knows of its data"

# Without a loss it is refused, with what to do; for inference none is needed.
run 2 "$sf" compile "$work/bare.cfg" -o "$work/bare.pef" --arg size=8
has err "found no loss to train with, wanted one; add --loss softmax_ce or --loss mse, or compile with --inference"
one_line
run 2 "$sf" compile "$work/bare.cfg" -o "$work/bare.pef" --arg size=8 --training
[ ! -e "$work/bare.pef" ] || fail "a refused compile left a PEF"
run 2 "$sf" compile "$work/bare.cfg" -o "$work/bare.pef" --arg size=8 --training --inference --loss mse
has err "--training: found --inference beside it"
run 0 "$sf" compile "$work/bare.cfg" -o "$work/bare.pef" --arg size=8 --inference

# Loss and fields of the command line are as those of the file; labels find the target by themselves.
train () {
  run 0 "$sf" train "$1" --data "$digits" --epochs 2 --seed 3 --json --checkpoint-dir "$2"
  sed 's/,"seconds.*//;s/"rows_per_second[^,}]*//;s/"checkpoint[^,}]*//' "$work/out" >"$2.lines"
}
run 0 "$sf" compile "$own" -o "$work/own.pef" --arg size=8 --optimizer adam
run 0 "$sf" compile "$work/bare.cfg" -o "$work/given.pef" --arg size=8 --optimizer adam --training --loss softmax_ce --target digit \
  --feed image=images:scale=1/255
train "$work/own.pef" "$work/own"
train "$work/given.pef" "$work/given"
grep -q test_accuracy "$work/own.lines" || fail "no accuracy"
cmp "$work/own.lines" "$work/given.lines" || fail "a loss given trains otherwise than the model's own"
run 0 "$sf" test "$work/given.pef"

# A model that ends in a softmax of its own trains to the same weights, and is as sure of what it says.
sed 's/{ name = "logits";.*}/&, { name = "p"; type = "softmax"; }/' "$work/bare.cfg" >"$work/soft.cfg"
run 0 "$sf" compile "$work/soft.cfg" -o "$work/soft.pef" --arg size=8 --optimizer adam --loss softmax_ce --target digit --feed image=images:scale=1/255
train "$work/soft.pef" "$work/soft"
cmp "$work/own.lines" "$work/soft.lines" || fail "a softmax at the end changes the training"
for model in given soft; do
  run 0 "$sf" infer "$work/$model.pef" --data "$digits" --checkpoint "$work/$model" --output "$work/$model.csv"
done
paste -d, "$work/given.csv" "$work/soft.csv" | awk -F, 'NR > 1 && ($3 != $8 || ($5 - $10) ^ 2 > 1e-10) { bad = 1; print } END { exit bad || NR < 300 }' \
  || fail "predictions of the softmax differ from those of its logits"

# Frozen: kept in checkpoints, never changed, on both backends.
cp "$apps/ffn_mnist/model.cfg" "$work/ffn.cfg"
run 0 "$sf" compile "$work/ffn.cfg" -o "$work/frozen.pef" --arg size=8 --arg hidden=16 --optimizer adam --freeze 'fc1.*' --freeze '*.bias'
run 0 "$sf" test "$work/frozen.pef"
tensors () {
  python3 - "$@" <<'EOF_'
import json, struct, sys
def tensors(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])
    return {name: data[8 + n + at["data_offsets"][0]:8 + n + at["data_offsets"][1]] for name, at in head.items() if name != "__metadata__"}
a, b = tensors(sys.argv[1]), tensors(sys.argv[2])
assert a.keys() == b.keys(), (a.keys(), b.keys())
print(*(name for name in sorted(a) if "exp_avg" not in name and a[name] == b[name]))
EOF_
}
for backend in rdu cpu; do
  run 0 "$sf" train "$work/frozen.pef" --data "$digits" --epochs 2 --backend $backend --checkpoint-dir "$work/frozen-$backend"
  kept=$(tensors "$work/frozen-$backend/epoch-0001.safetensors" "$work/frozen-$backend/epoch-0002.safetensors")
  [ "$kept" = "fc1.bias fc1.weight fc2.bias logits.bias" ] || fail "$backend: unchanged between epochs: '$kept'"
done
run 0 "$sf" train "$work/frozen.pef" --data "$digits" --epochs 3 --resume --checkpoint-dir "$work/frozen-rdu"
kept=$(tensors "$work/frozen-rdu/epoch-0001.safetensors" "$work/frozen-rdu/epoch-0003.safetensors")
[ "$kept" = "fc1.bias fc1.weight fc2.bias logits.bias" ] || fail "resumed: unchanged: '$kept'"
run 0 "$sf" eval "$work/frozen.pef" --data "$digits" --checkpoint "$work/frozen-rdu"
finish
