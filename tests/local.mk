# SPDX-License-Identifier: Apache-2.0
# Each test folder adds itself in its own local.mk.
include $(wildcard tests/*/local.mk)
