/* SPDX-License-Identifier: Apache-2.0 */
/* The counters' names. */
#include "plugin/dpdk/counters.h"

const char *const qbid_count_name[QBID_COUNT_CNT] = {
#define X(upper, lower, text) #lower,
    QBID_COUNT_LIST(X)
#undef X
};

const char *const qbid_frame_name[QBID_FRAME_KIND_CNT] = {
#define X(upper, lower, text) #lower,
    QBID_FRAME_LIST(X)
#undef X
};
