# SPDX-License-Identifier: Apache-2.0
# qbid-replay, a test exchange: everything but main.c is a library for its tests.
REPLAY_SOURCES := $(filter-out tools/replay/main.c,$(wildcard tools/replay/*.c tools/replay/*/*.c))
$(call lib,replay,$(REPLAY_SOURCES))
$(call prog,qbid-replay,tools/replay/main.c,replay,-lm)
$(call install,$(B)/bin/qbid-replay,bin,755)
