# SPDX-License-Identifier: Apache-2.0
# Agents: from snapshots and models to proposals.
$(call lib,agents,\
	control/agents/proposal.c)
