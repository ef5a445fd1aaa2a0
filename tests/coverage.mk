# SPDX-License-Identifier: Apache-2.0
# What `make coverage` measures: files that must have every branch taken, and the tests that take them.
COVERAGE_FILES := $(addprefix plugin/openrtb/,openrtb_json.cc structure.c openrtb_values.h openrtb_imp.h openrtb_native.h \
    json_reader.h json_key.h openrtb_asset.h openrtb_protobuf.c openrtb_protobuf_imp.c protobuf_values.h) $(addprefix plugin/,number.c impression.c currency.c notice/token.c notice/clearing.c \
    notice/notice.c notice/receive.c text.c digits.h writer.c) fastpath/terms.c shm/base64.c shm/partner.c $(wildcard plugin/privacy/*.c)
COVERAGE_TESTS := test_structure test_openrtb test_openrtb_json test_openrtb_limits test_openrtb_memory test_openrtb_agreement \
    test_protobuf test_protobuf_agreement test_protobuf_lists test_terms test_consent test_privacy test_privacy_left test_identifiers test_conformance \
    test_number test_text test_writer test_impression test_currency test_token test_clearing test_notice test_receive test_partner \
    test_partners test_partner_keys test_bid test_reference test_random_requests test_fuzz_openrtb_differ

.PHONY: coverage-tests
coverage-tests: $(COVERAGE_TESTS:%=$(B)/tests/%)
