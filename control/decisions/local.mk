# SPDX-License-Identifier: Apache-2.0
# The log of what was bid and what came of it, for off-policy evaluation.
$(call lib,decisions,control/decisions/decision_files.c control/decisions/decision_log.c)
