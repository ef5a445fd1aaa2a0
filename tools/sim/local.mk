# SPDX-License-Identifier: Apache-2.0
# qbid-sim, the arena: everything but main.c is a library for its tests. It runs the real control and fast path.
SIM_LIBS := sim replay learn publish learn allocate models ingest ledger account config keymap fastpath shm
# `loop` runs the whole of qbidd on simulated time: sim comes first, for its clocks stand in for those of shm
LOOP_LIBS := sim replay daemon rules records insights executor choice engine agents patterns decisions publish learn allocate models ingest ledger \
    snapshot frequency store account config keymap fastpath shm
LOOP_LDLIBS := -lsqlite3 -lsodium -lcyaml -lyaml -lcjson -lm
SIM_SOURCES := $(filter-out tools/sim/main.c,$(wildcard tools/sim/*.c tools/sim/*/*.c tools/sim/*/*/*.c))
$(if $(SIM_SOURCES),$(call lib,sim,$(SIM_SOURCES)))
$(call prog,qbid-sim,tools/sim/main.c,$(if $(SIM_SOURCES),$(LOOP_LIBS)),$(LOOP_LDLIBS))
$(call install,$(B)/bin/qbid-sim,bin,755)
