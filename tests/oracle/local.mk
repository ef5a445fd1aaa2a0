# SPDX-License-Identifier: Apache-2.0
# `make oracle` computes committed reference numbers again with the tools that they came from; `make test` needs none of them.
.PHONY: oracle oracle-survfit oracle-effects oracle-forecast oracle-process oracle-learned oracle-gaussian oracle-watch oracle-meta
oracle: ## reference numbers of the tests anew, with the tools they came from (R, Python)
oracle: oracle-survfit oracle-effects oracle-forecast oracle-process oracle-learned oracle-gaussian oracle-watch oracle-meta
oracle-survfit:
	@tests/oracle/survfit.R --check tests/control/models/landscape/survfit.txt
oracle-effects:
	@.ci/deps.sh $(DEPS_ORACLE)
	@tests/oracle/compare.sh tests/oracle/effects_glm.py:tests/control/models/rates/effects_glm.h
oracle-process:
	@tests/oracle/process.py
oracle-forecast:
	@tests/oracle/compare.sh tests/oracle/forecast.R:tests/control/models/forecast/forecast_reference.h
oracle-learned:
	@.ci/deps.sh $(DEPS_ORACLE)
	@tests/oracle/compare.sh tests/oracle/learned.py:tests/control/models/learned_fixture.h
oracle-gaussian:
	@.ci/deps.sh $(DEPS_ORACLE)
	@tests/oracle/compare.sh tests/oracle/gaussian.py:tests/control/models/allocate/gaussian_fixture.h
oracle-watch:
	@.ci/deps.sh $(DEPS_ORACLE)
	@tests/oracle/compare.sh tests/oracle/stl.py:tests/control/models/watch/stl_reference.h \
	    tests/oracle/tails.py:tests/control/models/watch/tails_reference.h
oracle-meta:
	@.ci/deps.sh $(DEPS_ORACLE)
	@tests/oracle/compare.sh tests/oracle/meta.R:tests/control/models/meta/meta_reference.h
