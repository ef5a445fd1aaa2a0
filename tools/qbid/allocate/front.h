/* SPDX-License-Identifier: Apache-2.0 */
/* Splits of a budget that no other betters in value, reach and risk at once. */
#ifndef QBID_TOOLS_QBID_ALLOCATE_FRONT_H
#define QBID_TOOLS_QBID_ALLOCATE_FRONT_H

#include "tools/qbid/allocate/plan.h"

#define QBID_WHATIF_FRONT_CAMPAIGNS_MAX 256
#define QBID_WHATIF_FRONT_MAX 64

struct qbid_whatif_point {
    double value;          /* mean over the draws */
    double reach;          /* 0 without histories of it */
    double risk;           /* mean of the worst tenth of draws, below the mean */
    int64_t *spend_micros; /* by campaign; they sum to the budget */
};

struct qbid_whatif_front {
    struct qbid_whatif_point *point; /* the highest value first */
    uint32_t cnt;
    bool has_reach;
};

/**
 * The front, with the plan's own split in it.
 *
 * Returns: 0; release with qbid_whatif_front_done() in any case. The same seed gives the same.
 * Errors:  QBID_ERR_LIMIT for more than QBID_WHATIF_FRONT_CAMPAIGNS_MAX campaigns; NOMEM.
 * Cost:    some thousand splits, each valued at up to 100 draws.
 * Source:  NSGA-II (nsga.h) over weights of campaigns; what it looks at are the splits in
 *          proportion to weights that keep all bounds and quotas, by relative entropy (explore.h).
 */
int qbid_whatif_front_new(const struct qbid_whatif_plan *plan, uint64_t seed,
                          struct qbid_whatif_front *ret_front, char why[QBID_CSV_WHY_MAX]);
void qbid_whatif_front_done(struct qbid_whatif_front *front);

#endif
