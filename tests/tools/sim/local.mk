# SPDX-License-Identifier: Apache-2.0
# Tests of qbid-sim.
$(call test,test_sim_main,tests/tools/sim/test_main.c,,-lcjson)
$(B)/tests/test_sim_main: | $(B)/bin/qbid-sim
$(call test,test_sim_train,tests/tools/sim/test_train.c,sim learn models shm,-lm)
sim_test = $(call test,test_sim_$(1),tests/tools/sim/test_$(1).c,$(SIM_LIBS),-lm)
$(call sim_test,market)
$(call sim_test,arena)
$(call sim_test,faults)
