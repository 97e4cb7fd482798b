#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs power.py. SF_CUTS, SF_CUT_LIVES and SF_CUT_SEED change how often and where; scripts/check --nightly has 1,000 cuts.
. "${SF_SOURCE_DIR:?run by make check}/tests/cli/sfbatch_lib.sh"
command -v python3 >/dev/null || { echo "python3 is not here"; exit 77; }
[ "${SF_SANITIZERS:-no}" = no ] || { echo "a library is preloaded, which sanitizers do not go with"; exit 77; }
SFBATCH=$sfbatch
SF_POWER_DIR=$work/power
SF_RECORDER=$SF_BUILD_DIR/tests/queue/.libs/sf-recorder.so
export SFBATCH SF_POWER_DIR SF_RECORDER
mkdir "$SF_POWER_DIR"
PYTHONDONTWRITEBYTECODE=1 python3 "$SF_SOURCE_DIR/tests/queue/power.py" "${SF_CUT_SEED:-1}" "${SF_CUTS:-60}" "${SF_CUT_LIVES:-1}" || fail "power.py"
finish
