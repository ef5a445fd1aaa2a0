# SPDX-License-Identifier: Apache-2.0
# Tests of qbid-dpdk. libmsgpack is the second reader of what plugin/dpdk/pack.h reads.
TEST_MESSAGES := tests/plugin/dpdk/message_oracle.c tests/plugin/dpdk/message_random.c
$(call test,test_message,tests/plugin/dpdk/test_message.c $(TEST_MESSAGES),bidder qbid fastpath shm,$(QBID_LDLIBS) -lmsgpackc)
$(call test,test_frame,tests/plugin/dpdk/test_frame.c tests/plugin/dpdk/frames.c,bidder)
$(call test,test_dpdk_options,tests/plugin/dpdk/test_dpdk_options.c,bidder)
$(call test,test_bidder,tests/plugin/dpdk/test_bidder.c tests/plugin/dpdk/message_oracle.c $(TEST_HOST),\
    bidder qbid fastpath shm,$(TEST_HOST_LDLIBS) -lmsgpackc)

FUZZ_MESSAGE := $(addprefix plugin/dpdk/,json_id.c message.c message_answer.c pack.c)
$(call fuzz,msgpack,$(FUZZ_MESSAGE) tests/plugin/dpdk/values.c $(TEST_MESSAGES),bidder shm,-lmsgpackc)
$(call fuzz,frame,plugin/dpdk/frame.c tests/plugin/dpdk/frames.c,bidder)

ifeq ($(HAVE_DPDK),yes)
$(call obj,tests/plugin/dpdk/test_lcore.c): CPPFLAGS += $(DPDK_CFLAGS)
$(call obj,tests/plugin/dpdk/test_lcore.c): CFLAGS += -std=gnu17
$(call test,test_lcore,tests/plugin/dpdk/test_lcore.c tests/plugin/dpdk/frames.c $(TEST_HOST),\
    poller bidder qbid fastpath shm,$(TEST_HOST_LDLIBS) $(DPDK_LDLIBS))
endif
