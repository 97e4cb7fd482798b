# Build fragment of pef.
libsfcore_la_SOURCES += \
  pef/container.c \
  pef/decode_graph.c \
  pef/decode_program.c \
  pef/describe.c \
  pef/describe_json.c \
  pef/encode_graph.c \
  pef/encode_program.c \
  pef/pef.c \
  pef/writer.c
