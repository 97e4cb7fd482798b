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

nobase_dist_sfdata_DATA += \
  etc/regress/basic.cfg \
  etc/regress/golden/basic.json \
  etc/regress/golden/nightly.json \
  etc/regress/nightly.cfg \
  etc/regress/rules.cfg

# Units and a cron line, with the installed paths filled in.
systemduserdir = $(prefix)/lib/systemd/user
systemduser_DATA = \
  etc/systemd/sfd.service \
  etc/systemd/spatialflow-regress.service \
  etc/systemd/spatialflow-regress.timer
crondir = $(sfdatadir)/etc/cron
cron_DATA = etc/cron/spatialflow-regress
CLEANFILES += $(systemduser_DATA) $(cron_DATA)
$(systemduser_DATA) $(cron_DATA): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && sed -e 's|@bindir[@]|$(bindir)|g' -e 's|@docdir[@]|$(docdir)|g' \
	  -e 's|@libexecdir[@]|$(libexecdir)|g' -e 's|@sfdatadir[@]|$(sfdatadir)|g' '$<' >$@.tmp && mv $@.tmp $@
