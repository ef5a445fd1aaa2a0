# SPDX-License-Identifier: Apache-2.0
# The stated figures: $(call figure,NN,tests/figures/NN_name.sh); tests/figures/collect.py says what they print.
$(call e2e,figures_collect,tests/figures/selftest.sh)
$(call figure,01,tests/figures/01_recorded.py)
$(call figure,01,tests/figures/01_publish.sh)
$(call figure,01,tests/figures/01_speed.py)
$(call figure,02,tests/figures/02_decide.py)
$(call figure,02,tests/figures/02_bitmaps.py)
$(call figure,02,tests/figures/02_build.py)
$(call figure,02,tests/figures/02_lookup.py)
$(call figure,02,tests/figures/02_ring.py)
$(call figure,02,tests/figures/02_proofs.py)
$(call figure,02,tests/figures/02_latency.py)
$(call figure,02,tests/figures/02_swap.py)
