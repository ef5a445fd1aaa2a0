# SPDX-License-Identifier: Apache-2.0
# Budgets: response curves and what allocates by them; it needs models and -lm.
$(call lib,allocate,$(addprefix control/models/allocate/,\
	allocation.c \
	allocation_check.c \
	bayes.c \
	curve.c \
	descent.c \
	explore.c \
	fit.c \
	fit_group.c \
	fit_model.c \
	gaussian.c \
	nsga.c \
	period.c \
	shares.c \
	waterfill.c))
