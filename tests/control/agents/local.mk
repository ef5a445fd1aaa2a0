# SPDX-License-Identifier: Apache-2.0
# Agents and what they propose.
$(call test,test_proposal,tests/control/agents/test_proposal.c,agents account shm,)
