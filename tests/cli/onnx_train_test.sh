#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A model of PyTorch through ONNX, without a loss: compiled for training, tested, trained, resumed, evaluated, inferred.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
digits=$SF_SOURCE_DIR/apps/digits/data
python=${SF_PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import torch' 2>/dev/null; then
  echo "SKIP: $python has no torch; install python3-torch"
  exit 77
fi
cd "$work" || exit 99
"$python" -W ignore - <<'EOF_' >"$work/export.log" 2>&1 || { cat "$work/export.log"; exit 99; }
import torch
from torch import nn

torch.manual_seed(1)
model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
                      nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(256, 10))
for opset in (13, 14):
    torch.onnx.export(model, torch.zeros(32, 1, 8, 8), f"cnn{opset}.onnx", training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False,
                      input_names=["pixels"], output_names=["logits"], opset_version=opset)
torch.onnx.export(model, torch.zeros(32, 1, 8, 8), "any.onnx", training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False,
                  input_names=["pixels"], output_names=["logits"], dynamic_axes={"pixels": {0: "batch"}, "logits": {0: "batch"}})
EOF_

# No loss, no training; what it says helps.
run 2 "$sf" compile cnn14.onnx -o none.pef --training
has err "found no loss to train with, wanted one; add --loss softmax_ce or --loss mse, or compile with --inference"
one_line
run 0 "$sf" compile cnn14.onnx -o inference.pef --inference

# train OPSET-OR-NAME OPTION...: two epochs; its accuracy is a model's that learns.
train () {
  name=$1
  shift
  run 0 "$sf" compile "$name.onnx" -o "$name.pef" --training --loss softmax_ce --optimizer sgd --optimizer-option momentum=0.9 --feed pixels=images:scale=1/16 "$@"
  run 0 "$sf" train "$name.pef" --data "$digits" --epochs 2 --lr 0.05 --json --checkpoint-dir "$name"
  right=$(sed -n 's/.*"epoch":2,.*"test_accuracy":0\.\(..\).*/\1/p' out)
  [ "${right:-0}" -ge 90 ] || { fail "$name: test accuracy .$right after two epochs, wanted .90"; cat out; }
}
train cnn14
train cnn13 # batch norm in training mode is written otherwise
train any --batch-size 16
run 0 "$sf" test cnn14.pef

# Stopped in an epoch and resumed: the same bits.
run 0 "$sf" train cnn14.pef --data "$digits" --epochs 2 --lr 0.05 --checkpoint-every 20 --checkpoint-dir stopped
rm stopped/epoch-0002.safetensors stopped/step-00000080.safetensors
[ -e stopped/step-00000060.safetensors ] || fail "no checkpoint in the second epoch"
run 0 "$sf" train cnn14.pef --data "$digits" --epochs 2 --lr 0.05 --resume --checkpoint-dir stopped
cmp cnn14/epoch-0002.safetensors stopped/epoch-0002.safetensors || fail "resumed training differs"

# The entry eval: running statistics, no dropout, on either backend; inference has no need of labels.
run 0 "$sf" eval cnn14.pef --data "$digits" --checkpoint cnn14 --json
cp out rdu
run 0 "$sf" eval cnn14.pef --data "$digits" --checkpoint cnn14 --json --backend cpu
accuracy () { sed 's/.*"accuracy":\([0-9.]*\).*/\1/' "$1"; }
[ "$(accuracy rdu)" = "$(accuracy out)" ] || { fail "accuracy differs between the backends"; cat rdu out; }
mkdir bare
cp "$digits"/test-images* bare
run 0 "$sf" infer cnn14.pef --data bare --checkpoint cnn14 --output predictions.csv
[ "$(wc -l <predictions.csv)" -eq 356 ] || fail "predictions.csv: $(wc -l <predictions.csv) lines, wanted a header and 355 rows"

# Only the last layer: the rest is frozen.
run 0 "$sf" compile cnn14.onnx -o head.pef --loss softmax_ce --freeze '0.*' --freeze '1.*' --freeze '3.*' --feed pixels=images:scale=1/16
has out head.pef
finish
