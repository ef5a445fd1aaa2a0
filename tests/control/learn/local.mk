# SPDX-License-Identifier: Apache-2.0
# From outcomes to plans and pace factors.
$(call test,test_values,tests/control/learn/values/test_values.c tests/control/learn/fixture.c,learn keymap models account config shm,-lm)
$(call test,test_rows,tests/control/learn/plan/test_rows.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_estimate,tests/control/learn/rates/test_estimate.c tests/control/learn/fixture.c,learn keymap models account config shm,-lm)
$(call test,test_interactions,tests/control/learn/rates/test_interactions.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_late,tests/control/learn/test_late.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_item_hours,tests/control/learn/hours/test_item_hours.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_thompson,tests/control/learn/values/test_thompson.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_learner,tests/control/learn/test_learner.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_demand,tests/control/learn/pacing/test_demand.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_learned,tests/control/learn/values/test_learned.c tests/control/learn/values/learned_world.c \
    tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_pace_faults,tests/control/learn/pacing/test_pace_faults.c tests/control/learn/fixture.c \
    tests/fastpath/stage.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,learn publish \
    keymap models account config fastpath shm,-lm)
$(call test,test_exposures,tests/control/learn/creatives/test_exposures.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_corrections,tests/control/learn/campaigns/test_corrections.c tests/control/learn/fixture.c,sim learn publish keymap models account config shm,-lm)
$(call test,test_strategy,tests/control/learn/pacing/test_strategy.c tests/control/learn/pacing/strategy_world.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lglpk -lm)
$(call test,test_item_budgets,tests/control/learn/campaigns/test_item_budgets.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_tracking,tests/control/learn/pacing/test_tracking.c tests/control/learn/pacing/strategy_world.c tests/control/learn/fixture.c,learn publish keymap models account config shm,-lm)
$(call test,test_emergency,tests/control/learn/campaigns/test_emergency.c,learn models account shm,-lm)
$(call test,test_prices,tests/control/learn/market/test_prices.c tests/control/learn/fixture.c,learn keymap models account config shm,-lm)
$(call test,test_creatives,tests/control/learn/creatives/test_creatives.c tests/control/learn/fixture.c,learn keymap models account config shm,-lm)
