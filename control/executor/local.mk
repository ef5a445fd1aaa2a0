# SPDX-License-Identifier: Apache-2.0
# What becomes of recommendations; needs choice, store, agents and account.
$(call lib,executor,\
	control/executor/executor.c \
	control/executor/executor_apply.c \
	control/executor/executor_check.c \
	control/executor/executor_effects.c \
	control/executor/executor_engine.c \
	control/executor/executor_guard.c \
	control/executor/executor_plan.c \
	control/executor/fall.c)
