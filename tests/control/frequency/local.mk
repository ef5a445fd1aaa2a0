# SPDX-License-Identifier: Apache-2.0
# Counts of exposures against an exact reference, and the bound on what several workers show.
$(call test,test_frequency_book,tests/control/frequency/test_frequency_book.c,frequency shm)
$(call test,test_frequency_bound,tests/control/frequency/test_frequency_bound.c tests/fastpath/stage.c \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c,frequency qbid fastpath shm,$(QBID_LDLIBS))
