# SPDX-License-Identifier: Apache-2.0
$(call bench,openrtb,bench/hosts/openrtb.cc bench/hosts/openrtb_stages.c tests/plugin/desk.c \
    tests/plugin/account.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,qbid fastpath \
    shm,$(QBID_LDLIBS) -lm)
ifeq ($(HAVE_DPDK),yes)
$(call obj,bench/hosts/dpdk_loop.c): CPPFLAGS += $(DPDK_CFLAGS)
$(call obj,bench/hosts/dpdk_loop.c): CFLAGS += -std=gnu17
$(call bench,dpdk,bench/hosts/dpdk.cc bench/hosts/dpdk_loop.c bench/hosts/dpdk_world.c \
    $(DECIDE_WORLD) \
    tests/plugin/broker.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c,poller bidder qbid fastpath \
    shm,$(QBID_LDLIBS) $(DPDK_LDLIBS))
endif
# the peer of the nginx module, built as that one is
NGX_FIXED_SO := $(B)/bench/ngx_http_fixed_module.so
ALL_SOURCES += bench/hosts/nginx_fixed.c
$(call obj,bench/hosts/nginx_fixed.c): CPPFLAGS += $(NGX_INCLUDES)
$(call obj,bench/hosts/nginx_fixed.c): $(NGX_SRC)/objs/ngx_auto_config.h
$(NGX_FIXED_SO): $(call obj,bench/hosts/nginx_fixed.c)
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) -o $@ $<
BENCHES += $(NGX_FIXED_SO)
