# SPDX-License-Identifier: Apache-2.0
$(call bench,decide,bench/decide.cc bench/decide_loop.c bench/decide_host.c bench/decide_world.c \
    bench/decide_formula.c bench/decide_naive.c bench/limits.c tests/shm/image_fixture.c \
    tests/shm/image_fixture_build.c,\
    fastpath shm,\
    $(call pkg,liburcu-memb) -lm)
$(call bench,openrtb,bench/openrtb.cc bench/openrtb_stages.c tests/plugin/desk.c \
    tests/plugin/account.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,\
    qbid fastpath shm,$(QBID_LDLIBS) -lm)
$(call bench,bitmaps,bench/bitmaps.cc bench/bitmaps_ways.c,fastpath shm)
$(call bench,build,bench/build.cc bench/build_decide.c bench/build_phases.c bench/build_tick.c \
    bench/build_world.c,learn publish models keymap account config fastpath shm,-lm)
$(call bench,tick,bench/tick.cc bench/tick_effects.c bench/tick_steps.c bench/build_world.c,\
    learn publish models keymap account config shm,-lm)
$(call bench,beside,bench/beside.cc bench/beside_loop.c bench/tick_steps.c bench/build_world.c \
    bench/swap_side.c bench/decide_world.c bench/decide_formula.c bench/decide_naive.c \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c,\
    fastpath learn publish models keymap account config shm,$(call pkg,liburcu-memb) -lm)
$(call bench,lookup,bench/lookup.cc bench/lookup_world.c bench/lookup_qbid.c bench/lookup_dpdk.c \
    bench/lookup_urcu.c bench/lookup_ck.c bench/lookup_lmdb.c bench/lookup_sqlite.c \
    bench/lookup_redis.c,\
    publish account shm,\
    -lrte_hash -lrte_eal -lck $(call pkg,liburcu-cds liburcu-memb lmdb sqlite3 hiredis))
# DPDK's headers are GNU C and warn
CPPFLAGS_lookup_dpdk = -std=gnu17 $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libdpdk 2>/dev/null))
$(call bench,ring,bench/ring.cc bench/ring_loop.c bench/ring_peer.c,shm)
$(call bench,latency,bench/latency.cc bench/latency_loop.c bench/decide_host.c bench/decide_world.c \
    bench/decide_formula.c bench/decide_naive.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,\
    qbid fastpath shm,$(QBID_LDLIBS) -lm)
$(call bench,swap,bench/swap.cc bench/swap_loop.c bench/swap_side.c bench/decide_world.c \
    bench/decide_formula.c bench/decide_naive.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,\
    fastpath publish models account shm,$(call pkg,liburcu-memb) -lm)
$(call bench,rcu,bench/rcu.cc bench/rcu_sides.c,shm,$(call pkg,liburcu-memb liburcu-qsbr liburcu-bp))
ifeq ($(HAVE_DPDK),yes)
$(call obj,bench/dpdk_loop.c): CPPFLAGS += $(DPDK_CFLAGS)
$(call obj,bench/dpdk_loop.c): CFLAGS += -std=gnu17
$(call bench,dpdk,bench/dpdk.cc bench/dpdk_loop.c bench/dpdk_world.c bench/decide_world.c \
    bench/decide_formula.c bench/decide_naive.c tests/plugin/broker.c tests/shm/image_fixture.c \
    tests/shm/image_fixture_build.c,poller bidder qbid fastpath shm,$(QBID_LDLIBS) $(DPDK_LDLIBS))
endif
$(call bench,allocate,bench/allocate.cc bench/allocate_ways.c tests/control/models/allocate/notes.c,\
    allocate shm,-lnlopt -lm)
$(call bench,landscape,bench/landscape.cc bench/landscape_loop.c,models,-lm)
$(call bench,learned,bench/learned.cc bench/learned_loop.c,models,-lm)
$(call bench,frequency,bench/frequency.cc bench/frequency_loop.c tests/fastpath/stage.c \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c,fastpath shm)

# the peer of the nginx module, built as that one is
NGX_FIXED_SO := $(B)/bench/ngx_http_fixed_module.so
ALL_SOURCES += bench/nginx_fixed.c
$(call obj,bench/nginx_fixed.c): CPPFLAGS += $(NGX_INCLUDES)
$(call obj,bench/nginx_fixed.c): $(NGX_SRC)/objs/ngx_auto_config.h
$(NGX_FIXED_SO): $(call obj,bench/nginx_fixed.c)
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) -o $@ $<
BENCHES += $(NGX_FIXED_SO)
$(call bench,forecast,bench/forecast.cc bench/forecast_series.c,models,-lm)
$(call bench,choice,bench/choice.cc bench/choice_loop.c,choice,-lm)
