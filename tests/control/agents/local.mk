# SPDX-License-Identifier: Apache-2.0
# Agents and what they propose.
$(call test,test_proposal,tests/control/agents/test_proposal.c,agents account shm,)
$(call test,test_scheduler,tests/control/agents/test_scheduler.c,agents account shm,)
$(call test,test_budget,tests/control/agents/test_budget.c,agents patterns store allocate models account config snapshot keymap shm,-lsqlite3 -lsodium -lcyaml -lyaml -lm)
$(call test,test_monitor,tests/control/agents/test_monitor.c,agents store models snapshot account config keymap shm,-lsqlite3 -lsodium -lcyaml -lyaml -lm)
$(call test,test_synthesiser,tests/control/agents/test_synthesiser.c,agents patterns store models account config snapshot keymap shm,-lsqlite3 -lsodium -lcyaml -lyaml -lm)
$(call test,test_schedule,tests/control/agents/test_schedule.c,agents patterns store models account config snapshot keymap shm,-lsqlite3 -lsodium -lcyaml -lyaml -lm)
$(call test,test_creative,tests/control/agents/test_creative.c,agents patterns store models account config snapshot keymap shm,-lsqlite3 -lsodium -lcyaml -lyaml -lm)
