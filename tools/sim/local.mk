# SPDX-License-Identifier: Apache-2.0
# qbid-sim, the arena: everything but main.c is a library for its tests. It runs the real control and fast path.
SIM_LIBS := sim replay learn publish learn allocate models ingest ledger account config keymap fastpath shm
SIM_SOURCES := $(filter-out tools/sim/main.c,$(wildcard tools/sim/*.c))
$(if $(SIM_SOURCES),$(call lib,sim,$(SIM_SOURCES)))
$(call prog,qbid-sim,tools/sim/main.c,$(if $(SIM_SOURCES),$(SIM_LIBS)),-lm)
$(call install,$(B)/bin/qbid-sim,bin,755)
