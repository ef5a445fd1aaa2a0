# SPDX-License-Identifier: Apache-2.0
# qbid-blast, load for qbid-dpdk: everything but main.c is a library for its tests.
$(call lib,blast,$(filter-out tools/blast/main.c,$(wildcard tools/blast/*.c)))
$(call prog,qbid-blast,tools/blast/main.c,blast replay,-lm)
