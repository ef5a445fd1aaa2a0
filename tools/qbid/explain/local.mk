# SPDX-License-Identifier: Apache-2.0
# qbid explain, a library: a program that calls it links $(EXPLAIN_LIBS) and $(EXPLAIN_LDLIBS).
EXPLAIN_LIBS := explain decisions replay qbid fastpath shm
EXPLAIN_LDLIBS := $(QBID_LDLIBS) -lm
$(call lib,explain,$(wildcard tools/qbid/explain/*.c))
