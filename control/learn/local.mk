# SPDX-License-Identifier: Apache-2.0
# The learner: from outcomes to plans and pace factors; it needs -lm.
$(call lib,learn,\
	control/learn/campaigns/campaigns.c \
	control/learn/campaigns/correction_file.c \
	control/learn/campaigns/corrections.c \
	control/learn/campaigns/dayparts.c \
	control/learn/campaigns/emergency.c \
	control/learn/campaigns/item_budgets.c \
	control/learn/campaigns/tracking.c \
	control/learn/creatives/creatives.c \
	control/learn/creatives/exposures.c \
	control/learn/hours/hours.c \
	control/learn/hours/item_hours.c \
	control/learn/learner.c \
	control/learn/market/price_samples.c \
	control/learn/market/segments.c \
	control/learn/pacing/demand.c \
	control/learn/pacing/market_points.c \
	control/learn/pacing/pace.c \
	control/learn/pacing/response.c \
	control/learn/pacing/strategy.c \
	control/learn/pacing/target.c \
	control/learn/plan/plan.c \
	control/learn/plan/row_lists.c \
	control/learn/plan/rows.c \
	control/learn/rates/cells.c \
	control/learn/rates/contest.c \
	control/learn/rates/delays.c \
	control/learn/rates/estimate.c \
	control/learn/rates/interactions.c \
	control/learn/rates/recency.c \
	control/learn/rates/tree.c \
	control/learn/state/learner_save.c \
	control/learn/state/save_values.c \
	control/learn/values/learned.c \
	control/learn/values/learned_batch.c \
	control/learn/values/learned_models.c \
	control/learn/values/learned_save.c \
	control/learn/values/order_values.c \
	control/learn/values/thompson.c \
	control/learn/values/values.c \
	control/learn/values/values_row.c)
# their loops over bitmaps and candidates are what a plan waits for
CPPFLAGS_rows := -O3
CPPFLAGS_values_row := -O3
