# SPDX-License-Identifier: Apache-2.0
$(call bench,decide,bench/decide.cc bench/decide_loop.c bench/decide_host.c bench/decide_world.c \
    bench/decide_naive.c bench/limits.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,\
    fastpath shm,\
    $(call pkg,liburcu-memb) -lm)
$(call bench,openrtb,bench/openrtb.cc bench/openrtb_stages.c tests/plugin/desk.c \
    tests/plugin/account.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,\
    qbid fastpath shm,$(QBID_LDLIBS) -lm)
$(call bench,bitmaps,bench/bitmaps.cc bench/bitmaps_ways.c,fastpath shm)
$(call bench,build,bench/build.cc bench/build_decide.c bench/build_phases.c bench/build_tick.c \
    bench/build_world.c,learn publish models keymap account fastpath shm,-lm)
