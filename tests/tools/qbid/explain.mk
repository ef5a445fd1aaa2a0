# SPDX-License-Identifier: Apache-2.0
# Tests of qbid explain: against the library itself, on random accounts.
EXPLAIN_DESK := tests/tools/qbid/desk.c tests/tools/qbid/market.c tests/plugin/broker.c \
    tests/plugin/lines.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c
explain_test = $(call test,test_$(1),tests/tools/qbid/test_$(1).c $(2),$(EXPLAIN_LIBS),\
    $(EXPLAIN_LDLIBS) -lcjson)
$(call explain_test,explain,$(EXPLAIN_DESK))
$(call explain_test,explain_check,$(EXPLAIN_DESK))
$(call explain_test,explain_options)
$(call explain_test,explain_record)
$(call explain_test,explain_terms,tests/fastpath/random_account.c tests/fastpath/stage.c \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c)
$(call explain_test,explain_event,tests/fastpath/random_account.c tests/fastpath/stage.c \
    tests/shm/image_fixture.c tests/shm/image_fixture_build.c)
