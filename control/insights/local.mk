# SPDX-License-Identifier: Apache-2.0
# Insights: what snapshots say that an operator should know.
$(call lib,insights,\
	control/insights/contrasts.c \
	control/insights/insights.c)
