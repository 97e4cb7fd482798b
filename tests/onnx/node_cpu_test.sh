#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The ONNX project's node and simple tests on cpu.
exec "${SF_SOURCE_DIR:?run by make check}/tests/onnx/conformance" cpu
