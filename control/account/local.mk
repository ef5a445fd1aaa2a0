# SPDX-License-Identifier: Apache-2.0
# What operators define and what the bidders have seen.
$(call lib,account,\
	control/account/account.c \
	control/account/dictionary.c)
