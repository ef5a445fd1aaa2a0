# SPDX-License-Identifier: Apache-2.0
# Tests of plugin/privacy. vectors.tsv is kept; to make it again, with Node.js and the two packages
# that vectors.mjs names:  make privacy-vectors NPM=folder   (with npm's node_modules in it)
PRIVACY_STRINGS := tests/plugin/privacy/vectors.c tests/plugin/privacy/bit_writer.c

$(call test,test_consent,tests/plugin/privacy/test_consent.c $(PRIVACY_STRINGS),qbid shm)

.PHONY: privacy-vectors
privacy-vectors:
	node tests/plugin/privacy/vectors.mjs '$(abspath $(NPM))' >build/vectors.tsv
	mv build/vectors.tsv tests/plugin/privacy/vectors.tsv
