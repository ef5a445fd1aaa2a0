# SPDX-License-Identifier: Apache-2.0
$(call lib,fastpath,fastpath/decide.c fastpath/rank_vector.c fastpath/request.c)
