# SPDX-License-Identifier: Apache-2.0
# The learner: from outcomes to plans; it needs -lm.
$(call lib,learn,\
	control/learn/cells.c \
	control/learn/keymap.c \
	control/learn/rows.c \
	control/learn/segments.c \
	control/learn/values.c)
