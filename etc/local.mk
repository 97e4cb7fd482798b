# Build fragment of etc.
nobase_dist_sfdata_DATA += \
  etc/arch/plasticine.cfg \
  etc/arch/sn10.cfg \
  etc/arch/sn30.cfg \
  etc/arch/sn40l.cfg \
  etc/arch/tiny.cfg \
  etc/arch/ops/pcu.cfg \
  etc/limits.cfg \
  etc/pipelines/o0.cfg \
  etc/pipelines/o1.cfg \
  etc/pipelines/o3.cfg \
  etc/rules/o1.cfg \
  etc/rules/o3.cfg
nobase_dist_sfdata_DATA += \
  etc/jobs/accuracy.cfg \
  etc/jobs/digits.cfg \
  etc/jobs/exact.cfg
