# SPDX-License-Identifier: Apache-2.0
# The learner: from outcomes to plans and pace factors; it needs -lm.
$(call lib,learn,\
	control/learn/campaigns.c \
	control/learn/cells.c \
	control/learn/contest.c \
	control/learn/correction_file.c \
	control/learn/corrections.c \
	control/learn/creatives.c \
	control/learn/dayparts.c \
	control/learn/delays.c \
	control/learn/demand.c \
	control/learn/draws.c \
	control/learn/estimate.c \
	control/learn/exposures.c \
	control/learn/fresh.c \
	control/learn/learned.c \
	control/learn/learned_models.c \
	control/learn/learned_save.c \
	control/learn/hours.c \
	control/learn/item_hours.c \
	control/learn/items.c \
	control/learn/learner.c \
	control/learn/learner_save.c \
	control/learn/orders.c \
	control/learn/pace.c \
	control/learn/parts.c \
	control/learn/points.c \
	control/learn/recency.c \
	control/learn/response.c \
	control/learn/row_lists.c \
	control/learn/rows.c \
	control/learn/samples.c \
	control/learn/save_values.c \
	control/learn/segments.c \
	control/learn/strategy.c \
	control/learn/target.c \
	control/learn/tracking.c \
	control/learn/tree.c \
	control/learn/triggered.c \
	control/learn/values.c \
	control/learn/values_row.c)
# their loops over bitmaps and candidates are what a plan waits for
CPPFLAGS_rows := -O3
CPPFLAGS_values_row := -O3
