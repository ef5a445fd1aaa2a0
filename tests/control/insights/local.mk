# SPDX-License-Identifier: Apache-2.0
# Contrasts on generated siblings, insights of a snapshot.
$(call test,test_contrasts,tests/control/insights/test_contrasts.c,insights models,-lm)
$(call test,test_insights,tests/control/insights/test_insights.c,insights snapshot models keymap shm,-lm)
