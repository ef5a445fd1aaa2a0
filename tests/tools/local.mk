# SPDX-License-Identifier: Apache-2.0
# Each tool's test folder adds itself in its own local.mk.
include $(wildcard tests/tools/*/local.mk)
