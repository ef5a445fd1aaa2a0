# SPDX-License-Identifier: Apache-2.0
# Tests of plugin/openrtb: parsers and what they agree on.
$(call test,test_structure,tests/plugin/openrtb/test_structure.c,qbid shm)
TEST_PARSING := tests/plugin/openrtb/parsing.c tests/plugin/lines.c
$(call test,test_openrtb,tests/plugin/openrtb/test_openrtb.c $(TEST_PARSING),qbid shm,$(QBID_LDLIBS))
$(call test,test_openrtb_json,tests/plugin/openrtb/test_openrtb_json.c $(TEST_PARSING),qbid shm,$(QBID_LDLIBS))
$(call test,test_openrtb_limits,tests/plugin/openrtb/test_openrtb_limits.c $(TEST_PARSING),qbid shm,$(QBID_LDLIBS))
$(call test,test_openrtb_memory,tests/plugin/openrtb/test_openrtb_memory.c,qbid shm,$(QBID_LDLIBS))
$(call test,test_openrtb_agreement,tests/plugin/openrtb/test_openrtb_agreement.c tests/plugin/lines.c \
    tests/plugin/openrtb/openrtb_oracle.c tests/plugin/openrtb/openrtb_differ.c tests/plugin/openrtb/json_oracle.c,\
    qbid shm,$(QBID_LDLIBS) -lcjson -lm)
$(call test,test_protobuf,tests/plugin/openrtb/test_protobuf.c tests/plugin/openrtb/protobuf_encode.c,qbid shm,\
    $(QBID_LDLIBS) -lcjson -lm)
$(call test,test_protobuf_lists,tests/plugin/openrtb/test_protobuf_lists.c tests/plugin/openrtb/protobuf_encode.c \
    tests/plugin/openrtb/openrtb_differ.c,qbid shm,$(QBID_LDLIBS) -lcjson -lm)
$(call test,test_protobuf_agreement,tests/plugin/openrtb/test_protobuf_agreement.c tests/plugin/openrtb/protobuf_encode.c \
    tests/plugin/desk.c tests/plugin/lines.c tests/plugin/openrtb/openrtb_differ.c $(TEST_ACCOUNT),\
    qbid fastpath shm,$(QBID_LDLIBS) -lcjson -lm)
$(B)/tests/plugin/openrtb/test_protobuf_agreement.o: | $(PROTOBUF_H)
