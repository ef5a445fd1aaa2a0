# SPDX-License-Identifier: Apache-2.0
# Fixtures that reference tools made: $(call oracle,GENERATOR,FIXTURE); the generator prints the fixture.
# `make oracle` makes each again and compares; it needs the tools that the generators name.
oracle = $(eval ORACLES += $(1):$(2))
$(call oracle,tests/oracle/effects_glm.py,tests/control/models/effects_glm.h)

.PHONY: oracle
oracle: ## make the fixtures of the reference tools again and compare (python3-statsmodels, ...)
	@tests/oracle/compare.sh $(ORACLES)
