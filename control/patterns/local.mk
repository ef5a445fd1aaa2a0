# SPDX-License-Identifier: Apache-2.0
# The pattern library: needs store and models.
$(call lib,patterns,control/patterns/patterns.c)
