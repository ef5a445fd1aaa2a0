# SPDX-License-Identifier: Apache-2.0
# From rings to outcomes.
$(call lib,ingest,\
	control/ingest/ingest.c \
	control/ingest/pending.c \
	control/ingest/reasons.c \
	control/ingest/repeats.c)
