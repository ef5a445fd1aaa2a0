# SPDX-License-Identifier: Apache-2.0
$(call test,test_blast,tests/tools/blast/test_blast.c,blast replay bidder qbid fastpath shm,$(QBID_LDLIBS) -lm)
