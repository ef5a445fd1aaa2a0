# SPDX-License-Identifier: Apache-2.0
# Tests of the stages of qbidd, a folder for each.
include $(wildcard tests/control/*/local.mk)
