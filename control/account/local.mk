# SPDX-License-Identifier: Apache-2.0
# What operators define and what the bidders have seen: written/ has the values that operators write (money, times,
# rules), import/ the YAML files, which need the config library.
$(call lib,account,\
	control/account/account.c \
	control/account/dictionary.c \
	control/account/diff.c \
	control/account/fields.c \
	control/account/view.c \
	control/account/import/fields.c \
	control/account/import/frequency.c \
	control/account/import/goal.c \
	control/account/import/hours.c \
	control/account/import/import.c \
	control/account/import/override.c \
	control/account/import/text.c \
	control/account/written/frequency.c \
	control/account/written/instant.c \
	control/account/written/money.c \
	control/account/written/override.c \
	control/account/written/trait.c \
	control/account/written/triggers.c \
	control/account/written/velocity.c \
	control/account/written/week.c)
$(call install,control/account/example.yaml,share/doc/qbid/account,644)
$(call install,control/account/keys.yaml,share/doc/qbid/account,644)
