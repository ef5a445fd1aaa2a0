# SPDX-License-Identifier: Apache-2.0
# What operators define and what the bidders have seen; importing needs the config library.
$(call lib,account,\
	control/account/account.c \
	control/account/dictionary.c \
	control/account/diff.c \
	control/account/fields.c \
	control/account/frequency.c \
	control/account/import.c \
	control/account/import_fields.c \
	control/account/import_frequency.c \
	control/account/import_goal.c \
	control/account/import_hours.c \
	control/account/import_override.c \
	control/account/import_text.c \
	control/account/instant.c \
	control/account/money.c \
	control/account/override.c \
	control/account/trait.c \
	control/account/triggers.c \
	control/account/velocity.c \
	control/account/view.c \
	control/account/week.c)
$(call install,control/account/example.yaml,share/doc/qbid/account,644)
$(call install,control/account/keys.yaml,share/doc/qbid/account,644)
