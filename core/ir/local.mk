# Build fragment of core/ir.

# Gradient rules and decompositions; they build with the graph that they add nodes to.
ir_rules = \
  core/ir/decompose_contraction.c \
  core/ir/decompose_conv.c \
  core/ir/decompose_elementwise.c \
  core/ir/decompose_index.c \
  core/ir/decompose_loss.c \
  core/ir/decompose_norm.c \
  core/ir/decompose_pool.c \
  core/ir/decompose_reduce.c \
  core/ir/expr.c \
  core/ir/expr.h \
  core/ir/grad_contraction.c \
  core/ir/grad_elementwise.c \
  core/ir/grad_index.c \
  core/ir/grad_loss.c \
  core/ir/grad_movement.c \
  core/ir/grad_norm.c \
  core/ir/grad_reduce.c \
  core/ir/grad_window.c \
  core/ir/rules.h
