# Build fragment of docs.
dist_doc_DATA += \
  NEWS.md \
  README.md \
  docs/decisions.md \
  docs/facts.md \
  docs/layout.md \
  docs/models.md \
  docs/ops.md \
  docs/pef.md \
  docs/plugins.md \
  docs/program.md
dist_doc_DATA += docs/pef.md
dist_doc_DATA += docs/plugins.md
dist_doc_DATA += docs/program.md
dist_doc_DATA += docs/queue.md
