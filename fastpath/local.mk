# SPDX-License-Identifier: Apache-2.0
$(call lib,fastpath,fastpath/ahead.c fastpath/decide.c fastpath/decide_avx2.c fastpath/rank_vector.c fastpath/record.c \
    fastpath/request.c fastpath/scan.c fastpath/scan_avx2.c fastpath/scan_avx512.c fastpath/terms.c)
# no FMA: it rounds once where the others round twice, and all must give the same price
ifeq ($(shell uname -m),x86_64)
CPPFLAGS_decide_avx2 = -mavx2 -mbmi -mbmi2
endif
# no vectors made of neighbouring words: a pointer that goes through one arrives later, and a load
# of one that was just stored in pieces waits for the stores; 3 % of a batch
$(call obj,fastpath/decide.c fastpath/decide_avx2.c): CFLAGS += -fno-tree-slp-vectorize
