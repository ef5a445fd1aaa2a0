# SPDX-License-Identifier: Apache-2.0
# Whole programs: each folder adds itself.
include $(wildcard tests/e2e/*/local.mk)
