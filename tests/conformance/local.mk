# SPDX-License-Identifier: Apache-2.0
# Conformance: a slow reference bidder and a checker of answers, both on Jansson, against the product.
CONFORMANCE_READ := $(addprefix tests/conformance/,rtb.c rtb_types.c facts.c)
CONFORMANCE_RULES := $(CONFORMANCE_READ) $(addprefix tests/conformance/,context.c reference.c terms.c)
CONFORMANCE_PRODUCT := tests/conformance/product.c tests/plugin/broker.c tests/shm/image_fixture.c \
    tests/shm/image_fixture_build.c
$(call test,test_reference,tests/conformance/test_reference.c tests/plugin/lines.c $(CONFORMANCE_RULES) \
    $(CONFORMANCE_PRODUCT),qbid fastpath shm,$(QBID_LDLIBS) -ljansson -lm)
CONFORMANCE_CHECK := $(addprefix tests/conformance/,checker.c checker_markup.c checker_terms.c)
$(call test,test_random_requests,tests/conformance/test_random_requests.c tests/conformance/generator.c \
    $(CONFORMANCE_CHECK) $(CONFORMANCE_RULES) $(CONFORMANCE_PRODUCT),qbid fastpath shm,\
    $(QBID_LDLIBS) -ljansson -lm)
$(call test,test_checker,tests/conformance/test_checker.c $(CONFORMANCE_CHECK) $(CONFORMANCE_READ) \
    $(CONFORMANCE_PRODUCT),qbid fastpath shm,$(QBID_LDLIBS) -ljansson -lm)
$(call test,test_hostile,tests/conformance/test_hostile.c tests/conformance/facts.c $(CONFORMANCE_PRODUCT),\
    qbid fastpath shm,$(QBID_LDLIBS) -lm)
