/* SPDX-License-Identifier: Apache-2.0 */
/* Whether bounds can be met, said by name. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_ALLOCATION_CHECK_H
#define QBID_CONTROL_MODELS_ALLOCATE_ALLOCATION_CHECK_H

#include "control/models/allocate/allocation.h"

/* Bounds of a platform and of what its campaigns can take together. */
struct qbid_allocation_room {
    int64_t least_micros; /* of its quota and its campaigns' */
    int64_t most_micros;
    int64_t items_least_micros;
    int64_t items_most_micros;
    uint32_t item_cnt;
};

/** Check everything that qbid_allocate() is given, and fill rooms (one without groups). Sums stop
 * at the budget, beyond which they make no difference. */
int qbid_allocation_check(const struct qbid_allocation *allocation,
                          struct qbid_allocation_room *rooms, char why[QBID_ALLOCATION_WHY_MAX]);

#endif
