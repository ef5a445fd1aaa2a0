# SPDX-License-Identifier: Apache-2.0
# Every stage of qbidd wired together.
$(call lib,engine,\
	control/engine/engine.c \
	control/engine/engine_audit.c \
	control/engine/engine_bills.c \
	control/engine/engine_overrides.c \
	control/engine/engine_publish.c \
	control/engine/engine_reload.c \
	control/engine/engine_ticks.c \
	control/engine/engine_velocity.c \
	control/engine/overridden.c)
