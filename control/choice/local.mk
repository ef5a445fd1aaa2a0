# SPDX-License-Identifier: Apache-2.0
# The decision engine: which proposals to make.
$(call lib,choice,\
	control/choice/choice.c \
	control/choice/choice_bound.c \
	control/choice/choice_branch.c \
	control/choice/choice_core.c \
	control/choice/choice_search.c \
	control/choice/choice_wide.c)
