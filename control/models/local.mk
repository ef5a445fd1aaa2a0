# SPDX-License-Identifier: Apache-2.0
# Models: pure functions over plain structs; they need -lm.
$(call lib,models,\
	control/models/duals.c \
	control/models/landscape.c \
	control/models/market.c \
	control/models/pacing.c \
	control/models/qtable.c \
	control/models/rates.c \
	control/models/rotation.c \
	control/models/shading.c \
	control/models/survival.c \
	control/models/value.c)
