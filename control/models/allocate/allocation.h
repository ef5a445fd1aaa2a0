/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets of campaigns: the exact best split of one budget over concave response curves, with
 * bounds for each campaign and quotas for each platform. */
#ifndef QBID_CONTROL_MODELS_ALLOCATE_ALLOCATION_H
#define QBID_CONTROL_MODELS_ALLOCATE_ALLOCATION_H

#include <stdint.h>

#include "control/models/allocate/curve.h"

#define QBID_ALLOCATION_ITEMS_MAX (UINT32_C(1) << 24)
#define QBID_ALLOCATION_MICROS_MAX                                                                 \
    INT64_C(1000000000000000) /* 10^9 units; more means unbounded                                  \
                               */
#define QBID_ALLOCATION_WHY_MAX 192

/* One campaign. Curves are in currency units, money in micros. */
struct qbid_allocation_item {
    struct qbid_curve curve;
    int64_t least_micros;
    int64_t most_micros;
    const char *name; /* for messages; NULL = its index */
    uint32_t group;   /* its platform, < group_cnt; ignored without groups */
    /* returned */
    int64_t spend_micros;
    double spend; /* the same before rounding, in currency units */
};

/* One platform. */
struct qbid_allocation_group {
    const char *name;
    int64_t least_micros;
    int64_t most_micros;
    /* returned */
    int64_t spend_micros;
    double marginal; /* what the next unit returns on it, between the bounds of its campaigns */
};

struct qbid_allocation {
    struct qbid_allocation_item *items;
    struct qbid_allocation_group *groups; /* NULL = no platforms */
    uint32_t item_cnt, group_cnt;
    int64_t budget_micros;
    double marginal; /* returned: what the next unit of budget returns */
};

/**
 * Split a budget such that no micro of it could return more elsewhere.
 *
 *   maximise  sum of value_i(spend_i)   with   sum of spend_i = budget,
 *             least_i <= spend_i <= most_i,  least_g <= sum over platform g <= most_g
 *
 * Shapes:  1..QBID_ALLOCATION_ITEMS_MAX items. With a pure power law nothing is ever best at 0:
 * give it a `half`, or a most of 0, if a trickle is unwanted. Returns: 0; spends that sum to the
 * budget exactly, platforms' to their sums exactly. Errors:  QBID_ERR_INVAL for a number out of
 * range, QBID_ERR_LIMIT for bounds that the budget or a platform cannot meet, by name in why;
 * QBID_ERR_NOMEM. Nothing is returned then. Threads: pure but for its arguments; allocates work
 * space of 130 bytes an item. Cost:    one water-filling; with platforms another one or two of
 * each. Source:  KKT conditions; a platform at its quota has a price of its own, the others share
 * one.
 */
int qbid_allocate(struct qbid_allocation *allocation, char why[QBID_ALLOCATION_WHY_MAX]);

/** Value of the returned spends, before rounding. */
double qbid_allocation_value(const struct qbid_allocation *allocation);

#endif
