# SPDX-License-Identifier: Apache-2.0
# Fixtures made by reference tools: $(call oracle,COMMAND,FIXTURE); COMMAND prints what FIXTURE must be.
# `make oracle` needs those tools (each generator names them); nothing else does.
oracle = $(eval ORACLES += "$(1):$(2)")

.PHONY: oracle
oracle: ## make the fixtures anew with the reference tools (R, SciPy, ...) and compare them
	@tests/oracle/oracle.sh $(ORACLES)

$(call oracle,Rscript tests/oracle/forecast.R,tests/control/models/forecast_reference.h)
