# Build fragment of docs.
dist_doc_DATA += docs/pef.md
dist_doc_DATA += docs/plugins.md
dist_doc_DATA += docs/program.md
