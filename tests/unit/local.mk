# Build fragment of tests/unit: one folder per room.
include tests/unit/base/local.mk
include tests/unit/ir/local.mk
include tests/unit/arch/local.mk
include tests/unit/plugin/local.mk
include tests/unit/program/local.mk
include tests/unit/timing/local.mk
include tests/unit/compile/local.mk
include tests/unit/rdu/local.mk
include tests/unit/run/local.mk
include tests/unit/pef/local.mk
include tests/unit/report/local.mk
include tests/unit/queue/local.mk
include tests/unit/cpu/local.mk
include tests/unit/frontend/local.mk
include tests/unit/onnx/local.mk
include tests/unit/datasets/local.mk
include tests/unit/optimizers/local.mk
