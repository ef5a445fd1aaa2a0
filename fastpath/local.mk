# SPDX-License-Identifier: Apache-2.0
$(call lib,fastpath,fastpath/ahead.c fastpath/decide.c fastpath/rank_vector.c fastpath/request.c \
    fastpath/scan.c fastpath/scan_avx2.c fastpath/scan_avx512.c fastpath/terms.c)
