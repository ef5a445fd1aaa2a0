# SPDX-License-Identifier: Apache-2.0
# The store: needs keymap and account; links SQLite and libsodium.
$(call lib,store,\
	control/store/audit_key.c \
	control/store/schema.c \
	control/store/store.c \
	control/store/store_account.c \
	control/store/store_answers.c \
	control/store/store_attribution.c \
	control/store/store_audit.c \
	control/store/store_executions.c \
	control/store/store_overlaps.c \
	control/store/store_patterns.c \
	control/store/store_proposals.c \
	control/store/store_records.c \
	control/store/store_restore.c \
	control/store/store_rules.c \
	control/store/store_series.c \
	control/store/store_state.c)
