# SPDX-License-Identifier: Apache-2.0
# Rolling performance.
$(call lib,snapshot,\
	control/snapshot/series.c \
	control/snapshot/snapshot.c)
