# SPDX-License-Identifier: Apache-2.0
# Agents: from snapshots and models to proposals; they need -lm.
$(call lib,agents,\
	control/agents/budget.c \
	control/agents/budget_belief.c \
	control/agents/budget_library.c \
	control/agents/creative.c \
	control/agents/gains.c \
	control/agents/gains_agent.c \
	control/agents/monitor.c \
	control/agents/proposal.c \
	control/agents/schedule.c \
	control/agents/scheduler.c \
	control/agents/synthesiser.c \
	control/agents/synthesiser_cells.c \
	control/agents/synthesiser_effects.c \
	control/agents/synthesiser_propose.c)
