# SPDX-License-Identifier: Apache-2.0
# From outcomes to plans and pace factors.
$(call test,test_values,tests/control/learn/test_values.c tests/control/learn/fixture.c,learn keymap models account shm,-lm)
