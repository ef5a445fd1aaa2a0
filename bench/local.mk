# SPDX-License-Identifier: Apache-2.0
# The benchmarks by what they measure: decision, index (look-ups), memory (ring, RCU), hosts, control.
# a table of a size, its requests, and the two slower designs that decide by it
DECIDE_WORLD := bench/decision/decide_world.c bench/decision/decide_formula.c bench/decision/decide_naive.c
include $(wildcard bench/*/local.mk)
