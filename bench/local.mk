# SPDX-License-Identifier: Apache-2.0
# The benchmarks by what they measure: decision, index (look-ups), memory (ring, RCU), hosts, control.
include $(wildcard bench/*/local.mk)
