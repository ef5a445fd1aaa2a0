# SPDX-License-Identifier: Apache-2.0
# Tests of the plugin. QBID_LDLIBS comes from plugin/local.mk.
$(call test,test_number,tests/plugin/test_number.c,qbid shm)
$(call test,test_text,tests/plugin/test_text.c,qbid shm)
$(call test,test_writer,tests/plugin/test_writer.c,qbid shm,-lcjson -lm)
$(call test,test_markup,tests/plugin/test_markup.c,qbid shm,-lcjson)
$(call test,test_gzip,tests/plugin/test_gzip.c,qbid shm,-lz)
$(call test,test_coding,tests/plugin/test_coding.c,qbid shm)

TEST_ACCOUNT := tests/plugin/account.c tests/shm/image_fixture.c tests/shm/image_fixture_build.c

$(call test,test_currency,tests/plugin/test_currency.c $(TEST_ACCOUNT),qbid shm,-lm)
$(call test,test_impression,tests/plugin/test_impression.c tests/plugin/lines.c $(TEST_ACCOUNT),\
    qbid shm,$(QBID_LDLIBS) -lm)

# The whole library against a control side of its own.
TEST_HOST := tests/plugin/host.c tests/plugin/broker.c tests/plugin/lines.c $(TEST_ACCOUNT)
TEST_HOST_LDLIBS := $(QBID_LDLIBS) -lcjson -lm

$(call test,test_bid,tests/plugin/test_bid.c $(TEST_HOST),qbid fastpath shm,$(TEST_HOST_LDLIBS))
$(call test,test_conformance,tests/plugin/test_conformance.c $(TEST_HOST),qbid fastpath shm,\
    $(TEST_HOST_LDLIBS))
$(call test,test_http,tests/plugin/test_http.c tests/plugin/openrtb/protobuf_encode.c $(TEST_HOST),qbid fastpath shm,\
    $(TEST_HOST_LDLIBS))
$(B)/tests/plugin/test_http.o: | $(PROTOBUF_H)
$(call test,test_partner,tests/plugin/test_partner.c $(TEST_HOST),qbid fastpath shm,\
    $(TEST_HOST_LDLIBS))
$(call test,test_recorded,tests/plugin/test_recorded.c $(TEST_HOST),qbid fastpath shm,\
    $(TEST_HOST_LDLIBS))
$(call test,test_allocations,tests/plugin/test_allocations.c tests/plugin/openrtb/protobuf_encode.c \
    $(TEST_HOST),bidder qbid fastpath shm,\
    $(TEST_HOST_LDLIBS))
$(call test,test_library,tests/plugin/test_library.c $(TEST_HOST),qbid fastpath shm,\
    $(TEST_HOST_LDLIBS))
TSAN_TESTS += test_library

# Fuzz targets, see tests/fuzz/local.mk.
FUZZ_PLUGIN := $(PRIVACY_SOURCES) $(wildcard plugin/openrtb/*.c plugin/openrtb/*.cc) $(PROTOBUF_C) \
    $(addprefix plugin/,currency.c digits.c impression.c markup.c number.c text.c writer.c) \
    $(addprefix plugin/notice/,clearing.c notice.c token.c) $(wildcard fastpath/*.c) shm/isa.c
FUZZ_OPENRTB := tests/fuzz/openrtb_seeds.c tests/conformance/generator.c tests/plugin/lines.c
$(call fuzz,openrtb,$(FUZZ_SHM) $(FUZZ_PLUGIN) tests/plugin/desk.c tests/plugin/openrtb/json_oracle.c \
    $(TEST_ACCOUNT) $(FUZZ_OPENRTB),qbid fastpath shm,$(QBID_LDLIBS) -lm)
$(call fuzz,openrtb_differ,$(FUZZ_SHM) $(FUZZ_PLUGIN) $(FUZZ_OPENRTB) \
    $(addprefix tests/conformance/,rtb.c rtb_types.c rtb_differ.c),qbid shm,$(QBID_LDLIBS) -ljansson -lm)
$(call fuzz,protobuf,$(FUZZ_SHM) $(FUZZ_PLUGIN) tests/plugin/desk.c tests/plugin/openrtb/protobuf_encode.c \
    tests/plugin/openrtb/openrtb_differ.c $(TEST_ACCOUNT),qbid fastpath shm,$(QBID_LDLIBS) -lcjson)
$(B)/tests/fuzz/fuzz_protobuf.o: | $(PROTOBUF_H)
$(call fuzz,gzip,plugin/gzip.c shm/error.c,qbid shm,-lz)
$(call fuzz,notice,$(FUZZ_SHM) $(FUZZ_PLUGIN),qbid fastpath shm,$(QBID_LDLIBS))
$(call fuzz,consent,$(PRIVACY_SOURCES) plugin/text.c shm/error.c,qbid shm,)
$(call fuzz,token,plugin/notice/token.c shm/base64.c shm/error.c,qbid shm,-lsodium)
$(call fuzz,clearing,plugin/notice/clearing.c plugin/number.c $(addprefix shm/,base64.c error.c units.c),\
    qbid shm,-lsodium -lcrypto)

# The library as others get it.
$(eval $(call exe_rule,e2e/plugin,broker,tests/plugin/broker_main.c tests/plugin/broker.c \
    $(TEST_ACCOUNT),shm,-lm))
all: $(B)/e2e/plugin/broker
$(call e2e,plugin_library,tests/plugin/library.sh)
$(call e2e,plugin_abi,tests/plugin/abi.sh)
$(call e2e,plugin_epoll,tests/plugin/epoll.sh)
$(call e2e,plugin_epoll_asan,tests/plugin/epoll.sh,asan)
include $(wildcard tests/plugin/*/local.mk)
