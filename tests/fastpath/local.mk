# SPDX-License-Identifier: Apache-2.0
# TEST_STAGE: sources of the table, live page and worker page that these tests decide with.
TEST_STAGE := tests/fastpath/stage.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c
TEST_RANDOM := $(TEST_STAGE) tests/fastpath/random_account.c

$(call test,test_agreement,tests/fastpath/test_agreement.c tests/fastpath/oracle.c \
    $(TEST_RANDOM),fastpath shm,-lm)
