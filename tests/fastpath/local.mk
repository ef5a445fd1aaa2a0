# SPDX-License-Identifier: Apache-2.0
# TEST_STAGE: sources of the table, live page and worker page that these tests decide with.
TEST_STAGE := tests/fastpath/stage.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c
TEST_RANDOM := $(TEST_STAGE) tests/fastpath/random_account.c

$(call test,test_agreement,tests/fastpath/test_agreement.c tests/fastpath/oracle.c \
    $(TEST_RANDOM),fastpath shm,-lm)
$(call test,test_ahead,tests/fastpath/test_ahead.c $(TEST_STAGE),fastpath shm)
$(call test,test_decide,tests/fastpath/test_decide.c $(TEST_RANDOM),fastpath shm,-lm)
$(call test,test_filter,tests/fastpath/test_filter.c $(TEST_STAGE),fastpath shm)
$(call test,test_frequency,tests/fastpath/test_frequency.c $(TEST_STAGE),fastpath shm)
$(call test,test_terms,tests/fastpath/test_terms.c,fastpath shm,-lm)
$(call test,test_price,tests/fastpath/test_price.c $(TEST_STAGE),fastpath shm,-lm)
$(call test,test_reserve,tests/fastpath/test_reserve.c $(TEST_STAGE),fastpath shm)
$(call test,test_rank,tests/fastpath/test_rank.c,fastpath shm,-lm)
$(call test,test_eligible,tests/fastpath/test_eligible.c $(TEST_RANDOM),fastpath shm,-lm)
$(call test,test_scan,tests/fastpath/test_scan.c,fastpath shm,-lm)
$(call test,test_request,tests/fastpath/test_request.c $(TEST_STAGE),fastpath shm)
$(call test,test_purity,tests/fastpath/test_purity.c $(TEST_RANDOM),fastpath shm,-lm \
    -Xlinker --wrap=malloc -Xlinker --wrap=calloc -Xlinker --wrap=realloc \
    -Xlinker --wrap=aligned_alloc)
$(call test,test_live_race,tests/fastpath/test_live_race.c $(TEST_STAGE),fastpath shm)
TSAN_TESTS += test_live_race

# not a suite of its own: run under strace
$(eval $(call exe_rule,tests,million,tests/fastpath/million.c $(TEST_RANDOM),fastpath shm,-lm))
all: $(B)/tests/million
$(call e2e,quiet,tests/fastpath/quiet.sh)
