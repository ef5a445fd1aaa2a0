# SPDX-License-Identifier: Apache-2.0
# Tests of qbid-sim.
$(call test,test_sim_main,tests/tools/sim/test_main.c,,-lcjson)
$(B)/tests/test_sim_main: | $(B)/bin/qbid-sim
$(call test,test_sim_recorded_read,tests/tools/sim/test_recorded_read.c,$(SIM_LIBS),-lm)
$(call test,test_sim_recorded_play,tests/tools/sim/test_recorded_play.c,$(SIM_LIBS),-lm)
$(call test,test_sim_train,tests/tools/sim/test_train.c,sim learn models shm,-lm)
$(call test,test_sim_tune,tests/tools/sim/test_tune.c,sim learn allocate models shm,-lm)
$(call test,test_sim_recorded,tests/tools/sim/test_recorded.c,,-lcjson -lm)
$(B)/tests/test_sim_recorded: | $(B)/bin/qbid-sim
sim_test = $(call test,test_sim_$(1),tests/tools/sim/test_$(1).c,$(SIM_LIBS),-lm)
$(call sim_test,market)
$(call sim_test,arena)
$(call sim_test,faults)
$(call test,test_sim_loop,tests/tools/sim/test_loop.c,$(LOOP_LIBS),$(LOOP_LDLIBS))
