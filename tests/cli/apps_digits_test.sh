#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# apps.sh for digits.
exec "${SF_SOURCE_DIR:?run by make check}/tests/cli/apps.sh" digits
