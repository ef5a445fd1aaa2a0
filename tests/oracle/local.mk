# SPDX-License-Identifier: Apache-2.0
# `make oracle` computes committed reference numbers again with the tools that they came from; `make test` needs none of them.
.PHONY: oracle oracle-survfit
oracle: oracle-survfit
oracle-survfit:
	@tests/oracle/survfit.R --check tests/control/models/survfit.txt
