# SPDX-License-Identifier: Apache-2.0
# Models: pure functions over plain structs; they need -lm.
$(call lib,models,\
	control/models/dqn.c \
	control/models/duals.c \
	control/models/effects.c \
	control/models/landscape.c \
	control/models/market.c \
	control/models/mlp.c \
	control/models/ope.c \
	control/models/pacing.c \
	control/models/qtable.c \
	control/models/rates.c \
	control/models/rotation.c \
	control/models/shading.c \
	control/models/survival.c \
	control/models/value.c)
# the perceptron is all inner loops
CPPFLAGS_mlp := -O3
