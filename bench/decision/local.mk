# SPDX-License-Identifier: Apache-2.0
$(call bench,decide,bench/decision/decide.cc bench/decision/decide_loop.c bench/decision/decide_host.c \
    $(DECIDE_WORLD) bench/limits.c \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c,fastpath shm,$(call pkg,liburcu-memb) -lm)
$(call bench,bitmaps,bench/decision/bitmaps.cc bench/decision/bitmaps_ways.c,fastpath shm)
$(call bench,latency,bench/decision/latency.cc bench/decision/latency_loop.c bench/decision/decide_host.c \
    $(DECIDE_WORLD) \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c,qbid fastpath shm,$(QBID_LDLIBS) -lm)
$(call bench,swap,bench/decision/swap.cc bench/decision/swap_loop.c bench/decision/swap_side.c \
    $(DECIDE_WORLD) \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c,fastpath publish models account shm,\
    $(call pkg,liburcu-memb) -lm)
$(call bench,frequency,bench/decision/frequency.cc bench/decision/frequency_loop.c tests/fastpath/stage.c \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c,fastpath shm)
