# Build fragment of docs.
dist_doc_DATA += docs/plugins.md
