# Build fragment of core/program.
libsfcore_la_SOURCES += \
  core/program/boxes.c \
  core/program/check.c \
  core/program/check_body.c \
  core/program/check_depth.c \
  core/program/check_instr.c \
  core/program/check_launch.c \
  core/program/check_memory.c \
  core/program/check_nets.c \
  core/program/check_place.c \
  core/program/check_route.c \
  core/program/check_stage.c \
  core/program/check_tensor.c \
  core/program/entry.c \
  core/program/cost.c \
  core/program/lower.h \
  core/program/lower_contract.c \
  core/program/lower_group.c \
  core/program/lower_map.c \
  core/program/lower_module.c \
  core/program/lower_move.c \
  core/program/lower_op.c \
  core/program/lower_section.c \
  core/program/lower_stage.c \
  core/program/lower_stream.c \
  core/program/lowering.c \
  core/program/memory_plan.c \
  core/program/nets.c \
  core/program/program.c \
  core/program/share.c \
  core/program/text.c \
  core/program/tileop.c \
  core/program/tokens.c \
  core/program/verify.c
