# SPDX-License-Identifier: Apache-2.0
# Tests of qbid-sim.
$(call test,test_sim_main,tests/tools/sim/test_main.c,,)
$(B)/tests/test_sim_main: | $(B)/bin/qbid-sim
$(call test,test_sim_train,tests/tools/sim/test_train.c,sim learn models shm,-lm)
