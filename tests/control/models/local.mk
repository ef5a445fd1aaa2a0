# SPDX-License-Identifier: Apache-2.0
# The formats that models fill and the fast path reads, then the models.
$(call test,test_shade,tests/shm/test_shade.c,,-lm)
$(call test,test_qtable,tests/shm/test_qtable.c,,-lm)
$(call test,test_rates,tests/control/models/test_rates.c,models,-lm)
$(call test,test_survival,tests/control/models/test_survival.c,models,-lm)
$(call test,test_landscape,tests/control/models/test_landscape.c,models,-lm)
$(call test,test_shading,tests/control/models/test_shading.c,models,-lm)
$(call test,test_value,tests/control/models/test_value.c,models,-lm)
$(call test,test_market,tests/control/models/test_market.c,models,-lm)
$(call test,test_pacing,tests/control/models/test_pacing.c,models,-lm)
$(call test,test_rotation,tests/control/models/test_rotation.c,models,-lm)
$(call test,test_qlearner,tests/control/models/test_qlearner.c,models,-lm)
$(call test,test_resolving,tests/control/models/test_resolving.c,models,-lm)
