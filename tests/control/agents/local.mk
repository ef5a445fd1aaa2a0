# SPDX-License-Identifier: Apache-2.0
# Agents and what they propose.
$(call test,test_proposal,tests/control/agents/test_proposal.c,agents account shm,)
$(call test,test_scheduler,tests/control/agents/test_scheduler.c,agents account shm,)
$(call test,test_budget,tests/control/agents/test_budget.c,agents allocate account snapshot keymap shm,-lm)
