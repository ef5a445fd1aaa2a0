# SPDX-License-Identifier: Apache-2.0
# The HTTP operations: what reads requests stands alone, the analysis needs the models, the operations the engine.
$(call lib,http_read,\
	control/http/body.c \
	control/http/refusal.c \
	control/http/requests.c)
$(call lib,http_analysis,\
	control/http/analysis.c \
	control/http/analysis_agents.c \
	control/http/analysis_bid.c \
	control/http/analysis_budget.c \
	control/http/analysis_part.c)
$(call lib,http,\
	control/http/exchange.c \
	control/http/gate.c \
	control/http/operation_analyze.c \
	control/http/operation_execute.c \
	control/http/operations.c \
	control/http/rate_limit.c \
	control/http/server.c)
