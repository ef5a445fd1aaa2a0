# SPDX-License-Identifier: Apache-2.0
# Each stage of qbidd adds itself in its own local.mk.
include $(wildcard control/*/local.mk)
$(call lib,keymap,control/keymap.c)
