#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs free.py where PyTorch is.
exec "${SF_SOURCE_DIR:?run by make check}/tests/peers/run" free
