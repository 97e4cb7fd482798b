# Build fragment of apps: the starter models and their data, installed.
nobase_dist_sfdata_DATA += \
  apps/cnn_bn/model.cfg \
  apps/digits/data/SOURCE.md \
  apps/digits/data/test-images-idx3-ubyte.gz \
  apps/digits/data/test-labels-idx1-ubyte.gz \
  apps/digits/data/train-images-idx3-ubyte.gz \
  apps/digits/data/train-labels-idx1-ubyte.gz \
  apps/digits/model.cfg \
  apps/encoder/model.cfg \
  apps/ffn_mnist/model.cfg \
  apps/lenet/model.cfg \
  apps/logreg/model.cfg
