# SPDX-License-Identifier: Apache-2.0
# Fixtures that reference tools made: $(call oracle,GENERATOR,FIXTURE); the generator prints the fixture.
# `make oracle` makes each again and compares; DEPS_ORACLE has the tools.
oracle = $(eval ORACLES += $(1):$(2))
$(call oracle,tests/oracle/effects_glm.py,tests/control/models/effects_glm.h)

.PHONY: oracle
oracle:
	@.ci/deps.sh $(DEPS_ORACLE)
	@tests/oracle/compare.sh $(ORACLES)
