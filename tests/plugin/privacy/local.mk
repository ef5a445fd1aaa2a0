# SPDX-License-Identifier: Apache-2.0
# Tests of plugin/privacy. vectors.tsv is kept; to make it again, with Node.js and the two packages
# that vectors.mjs names:  make privacy-vectors NPM=folder   (with npm's node_modules in it)
PRIVACY_STRINGS := tests/plugin/privacy/vectors.c tests/plugin/privacy/bit_writer.c

$(call test,test_privacy,tests/plugin/privacy/test_privacy.c tests/plugin/privacy/signals.c tests/plugin/openrtb/protobuf_encode.c tests/plugin/lines.c \
    $(PRIVACY_STRINGS),qbid shm,$(QBID_LDLIBS) -lcjson -lm)
$(call test,test_privacy_left,tests/plugin/privacy/test_privacy_left.c $(TEST_PARSING),qbid shm,$(QBID_LDLIBS))
$(call test,test_identifiers,tests/plugin/privacy/test_identifiers.c tests/plugin/openrtb/protobuf_encode.c \
    $(TEST_HOST),qbid fastpath shm,$(TEST_HOST_LDLIBS))
$(call test,test_consent,tests/plugin/privacy/test_consent.c $(PRIVACY_STRINGS),qbid shm)

.PHONY: privacy-vectors
privacy-vectors:
	node tests/plugin/privacy/vectors.mjs '$(abspath $(NPM))' >build/vectors.tsv
	mv build/vectors.tsv tests/plugin/privacy/vectors.tsv
