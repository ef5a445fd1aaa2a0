# SPDX-License-Identifier: Apache-2.0
# Models: pure functions over plain structs; they need -lm.
include control/models/allocate/local.mk
$(call lib,models,\
	control/models/alarm.c \
	control/models/beta.c \
	control/models/calibration.c \
	control/models/calibration_error.c \
	control/models/codebook.c \
	control/models/correction.c \
	control/models/decay.c \
	control/models/delay.c \
	control/models/dqn.c \
	control/models/duals.c \
	control/models/effects.c \
	control/models/fatigue.c \
	control/models/forecast.c \
	control/models/ftrl.c \
	control/models/guard.c \
	control/models/isotonic.c \
	control/models/landscape.c \
	control/models/market.c \
	control/models/meta.c \
	control/models/meta_believe.c \
	control/models/mlp.c \
	control/models/ope.c \
	control/models/pacing.c \
	control/models/qtable.c \
	control/models/ranking.c \
	control/models/rate_ratio.c \
	control/models/rates.c \
	control/models/resolving.c \
	control/models/robust.c \
	control/models/rotation.c \
	control/models/shading.c \
	control/models/smoothing.c \
	control/models/survival.c \
	control/models/tracking.c \
	control/models/traffic.c \
	control/models/trees.c \
	control/models/trees_grow.c \
	control/models/trees_masks.c \
	control/models/ubj.c \
	control/models/value.c \
	control/models/watch/changepoint.c \
	control/models/watch/counts.c \
	control/models/watch/novelty.c \
	control/models/watch/stl.c \
	control/models/watch/wager.c)
# the perceptron is all inner loops
CPPFLAGS_mlp := -O3
