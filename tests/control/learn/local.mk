# SPDX-License-Identifier: Apache-2.0
# From outcomes to plans and pace factors.
$(call test,test_values,tests/control/learn/test_values.c tests/control/learn/fixture.c,learn keymap models account config shm,-lm)
$(call test,test_rows,tests/control/learn/test_rows.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_estimate,tests/control/learn/test_estimate.c tests/control/learn/fixture.c,learn keymap models account config shm,-lm)
$(call test,test_learner,tests/control/learn/test_learner.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_feedback,tests/control/learn/test_feedback.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_demand,tests/control/learn/test_demand.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_exposures,tests/control/learn/test_exposures.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_strategy,tests/control/learn/test_strategy.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lglpk -lm)
