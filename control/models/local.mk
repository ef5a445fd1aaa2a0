# SPDX-License-Identifier: Apache-2.0
# Models: pure functions over plain structs, and the memory they work in; they need -lm.
include control/models/allocate/local.mk
$(call lib,models,\
	control/models/watch/alarm.c \
	control/models/beta.c \
	control/models/predict/calibration.c \
	control/models/predict/calibration_error.c \
	control/models/predict/codebook.c \
	control/models/qlearning/correction.c \
	control/models/rates/decay.c \
	control/models/rates/delay.c \
	control/models/qlearning/dqn.c \
	control/models/pacing/duals.c \
	control/models/rates/effects.c \
	control/models/rates/fatigue.c \
	control/models/forecast/forecast.c \
	control/models/predict/ftrl.c \
	control/models/qlearning/guard.c \
	control/models/isotonic.c \
	control/models/landscape/landscape.c \
	control/models/pacing/market.c \
	control/models/meta/discoveries.c \
	control/models/meta/meta.c \
	control/models/meta/believe.c \
	control/models/qlearning/mlp.c \
	control/models/ope.c \
	control/models/pacing/pacing.c \
	control/models/qlearning/qtable.c \
	control/models/predict/ranking.c \
	control/models/meta/rate_ratio.c \
	control/models/rates/rates.c \
	control/models/pacing/resolving.c \
	control/models/meta/robust.c \
	control/models/rotation.c \
	control/models/scratch.c \
	control/models/landscape/shading.c \
	control/models/forecast/smoothing.c \
	control/models/landscape/survival.c \
	control/models/pacing/tracking.c \
	control/models/forecast/traffic.c \
	control/models/predict/trees.c \
	control/models/predict/trees_grow.c \
	control/models/predict/trees_masks.c \
	control/models/predict/ubj.c \
	control/models/value.c \
	control/models/watch/changepoint.c \
	control/models/watch/counts.c \
	control/models/watch/novelty.c \
	control/models/watch/stl.c \
	control/models/watch/wager.c)
# the perceptron is all inner loops
CPPFLAGS_mlp := -O3
