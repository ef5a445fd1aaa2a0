# SPDX-License-Identifier: Apache-2.0
# qbid-dpdk over virtual links, in namespaces of its own. The helpers lie in build/<profile>/e2e/dpdk.
ifeq ($(HAVE_DPDK),yes)
ifneq ($(wildcard /usr/include/msgpack.h),)
$(eval $(call exe_rule,e2e/dpdk,check,tests/e2e/dpdk/check.c tests/plugin/dpdk/message_oracle.c,\
    replay bidder qbid fastpath shm,$(QBID_LDLIBS) -lmsgpackc -lm))
all: $(B)/e2e/dpdk/check
endif
$(call obj,tests/e2e/dpdk/memif.c): CPPFLAGS += $(DPDK_CFLAGS)
$(call obj,tests/e2e/dpdk/memif.c): CFLAGS += -std=gnu17
$(eval $(call exe_rule,e2e/dpdk,memif,tests/e2e/dpdk/memif.c tests/plugin/dpdk/frames.c,,$(DPDK_LDLIBS)))
all: $(B)/e2e/dpdk/memif
endif
$(call e2e,dpdk_veth,tests/e2e/dpdk/veth.sh)
$(call e2e,dpdk_hostile,tests/e2e/dpdk/hostile.sh)
$(call e2e,dpdk_restart,tests/e2e/dpdk/restart.sh)
$(call e2e,dpdk_virtual,tests/e2e/dpdk/virtual.sh)
$(call e2e,dpdk_hostile_asan,tests/e2e/dpdk/hostile.sh,asan)
