# SPDX-License-Identifier: Apache-2.0
# Tests of qbid explain: against the library itself, on random accounts.
EXPLAIN_DESK := tests/tools/qbid/explain/desk.c tests/tools/qbid/explain/market.c tests/plugin/broker.c \
    tests/plugin/lines.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c
EXPLAIN_ACCOUNT := tests/fastpath/random_account.c tests/fastpath/stage.c tests/shm/image_fixture.c \
    tests/shm/image_fixture_build.c
explain_test = $(call test,test_explain$(2),tests/tools/qbid/explain/$(1).c $(3),$(EXPLAIN_LIBS),\
    $(EXPLAIN_LDLIBS) -lcjson)
$(call explain_test,test_explain,,$(EXPLAIN_DESK))
$(call explain_test,test_check,_check,$(EXPLAIN_DESK))
$(call explain_test,test_options,_options)
$(call explain_test,test_record,_record)
$(call explain_test,test_terms,_terms,$(EXPLAIN_ACCOUNT))
$(call explain_test,test_event,_event,$(EXPLAIN_ACCOUNT))
