# SPDX-License-Identifier: Apache-2.0
# Models: pure functions over plain structs; they need -lm.
$(call lib,models,\
	control/models/rates.c)
