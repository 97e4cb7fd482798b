# Build fragment of docs.
dist_doc_DATA += \
  NEWS.md \
  README.md \
  docs/compiler.md \
  docs/decisions.md \
  docs/facts.md \
  docs/fusion.md \
  docs/layout.md \
  docs/models.md \
  docs/onnx.md \
  docs/ops.md \
  docs/pef.md \
  docs/performance.md \
  docs/plugins.md \
  docs/profile.md \
  docs/program.md \
  docs/sweep.md \
  docs/timing.md \
  docs/queue.md \
  docs/training.md
