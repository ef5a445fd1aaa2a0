# SPDX-License-Identifier: Apache-2.0
# The decision engine, against trying everything and GLPK.
$(call test,test_choice,tests/control/choice/test_choice.c,choice,-lglpk -lm)
