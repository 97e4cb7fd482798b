#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sf compile of ONNX models: sizes and contents given on the command line, data beside the model, messages and exit codes.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/lib.sh"
models="$SF_SOURCE_DIR/tests/fuzz/corpus/onnx"
compile () {
  "$sf" compile "$@" --inference -o "$work/x.pef"
}

# x [n,2,3], reshaped to [n,6] by arithmetic on its shape
run 0 compile "$models/shapes.onnx" --batch-size 5
run 0 "$sf" inspect "$work/x.pef"
has out "input   x                                f32   [5,2,3]"
has out "batch_size                 5"
run 0 compile "$models/shapes.onnx" --dim n=4
run 0 "$sf" inspect "$work/x.pef"
has out "[4,2,3]"
run 2 compile "$models/shapes.onnx"
has err "shapes.onnx: input x: dimension 0 is symbolic: n, wanted a size; give --batch-size N or --dim n=N"
run 2 compile "$models/shapes.onnx" --dim m=4
has err "has a symbolic dimension of that name; there is n"
run 2 compile "$models/shapes.onnx" --batch-size 2 --arg width=3
has err "is an ONNX model, which has no arguments"

# x [n,4] and the target of its reshape as an input
run 6 compile "$models/bind.onnx" --batch-size 3
has err "node y (Reshape, opset 13): input 1 (s) depends on what is fed at run time"
run 0 compile "$models/bind.onnx" --batch-size 3 --bind s=2,-1,3
run 0 "$sf" inspect "$work/x.pef"
has out "[2,2,3]"
grep -q "input   s " "$work/out" && fail "a bound input is still one"
run 2 compile "$models/bind.onnx" --batch-size 3 --bind s=two
has err "--bind s=two: found \"two\", wanted numbers separated by commas"
run 2 compile "$models/bind.onnx" --batch-size 3 --bind s
has err "--bind s: found no values"
run 2 compile "$models/bind.onnx" --batch-size 3 --bind t=1
has err "content is given for an input t, which the model has not"

# weights in a file beside the model
cp "$models/external.onnx" "$work"
run 4 compile "$work/external.onnx"
has err "external data"
printf 'abcdefgh' > "$work/w.bin"
run 0 compile "$work/external.onnx"
printf 'abcdef' > "$work/w.bin"
run 3 compile "$work/external.onnx"
has err "8 bytes at 0, but the file has 6"
finish
