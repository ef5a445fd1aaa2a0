# SPDX-License-Identifier: Apache-2.0
# Tests of qbid-dpdk. libmsgpack is the second reader of what plugin/dpdk/pack.h reads.
TEST_MESSAGES := tests/plugin/dpdk/message_oracle.c tests/plugin/dpdk/message_random.c
$(call test,test_message,tests/plugin/dpdk/test_message.c $(TEST_MESSAGES),bidder qbid fastpath shm,$(QBID_LDLIBS) -lmsgpackc)
$(call test,test_frame,tests/plugin/dpdk/test_frame.c tests/plugin/dpdk/frames.c,bidder)
$(call test,test_dpdk_options,tests/plugin/dpdk/test_dpdk_options.c,bidder)
