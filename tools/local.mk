# SPDX-License-Identifier: Apache-2.0
# Each tool's folder adds itself in its own local.mk.
include $(wildcard tools/*/local.mk)
