# SPDX-License-Identifier: Apache-2.0
# `make oracle` computes committed reference numbers again with the tools that they came from; `make test` needs none of them.
.PHONY: oracle
oracle:
	@/usr/bin/python3 tests/oracle/learned.py | diff - tests/control/models/learned_fixture.h && echo "learned_fixture.h: equal"
