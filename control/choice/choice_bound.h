/* SPDX-License-Identifier: Apache-2.0 */
/* Options in order, the prices of both limits, and what they prove: between the parts of a choice.
 */
#ifndef QBID_CONTROL_CHOICE_CHOICE_BOUND_H
#define QBID_CONTROL_CHOICE_CHOICE_BOUND_H

#include <stdint.h>

#define QBID_CHOICE_SCARCE 2 /* risk, money moved */
#define QBID_CHOICE_NONE UINT32_MAX

struct qbid_choice_item {
    int64_t gain;
    int64_t use[QBID_CHOICE_SCARCE];
    uint32_t source; /* among the caller's options */
};

/* Items of group g are item[first[g]] to item[end[g] - 1], by id. A group may be fixed: then it has
 * none, and what it is fixed to is already in gain and left. */
struct qbid_choice_book {
    struct qbid_choice_item *item;
    uint32_t *first, *end;
    uint32_t *fixed; /* item by group, QBID_CHOICE_NONE = nothing of it, or not fixed */
    uint32_t item_cnt, group_cnt;
    int64_t limit[QBID_CHOICE_SCARCE];
    int64_t left[QBID_CHOICE_SCARCE]; /* of the limits, beside what is fixed */
    int64_t gain;                     /* of what is fixed */
};

struct qbid_choice_prices {
    double price[QBID_CHOICE_SCARCE]; /* gain that a nano of the limit is worth */
    double bound;                     /* no choice gains more */
};

/* A choice within the limits. */
struct qbid_choice_pick {
    uint32_t *item; /* by group, QBID_CHOICE_NONE = nothing of it */
    int64_t gain;
    int64_t use[QBID_CHOICE_SCARCE];
};

/** Gain and use of a pick's items. */
void qbid_choice_pick_sum(const struct qbid_choice_book *book, struct qbid_choice_pick *pick);

/** Gain less what the use of both limits is worth. */
double qbid_choice_reduced(const struct qbid_choice_prices *prices,
                           const struct qbid_choice_item *item);

/** Rounding of bounds: an option is dropped only when it is worse by more than that. */
double qbid_choice_slack(const struct qbid_choice_prices *prices);

#define QBID_CHOICE_CUTS_MAX 100

/* What one look says of all prices: the bound is nowhere below that plane. Prices are kept as what
 * the whole of a limit is worth, so that both have one scale. */
struct qbid_choice_cut {
    double at[QBID_CHOICE_SCARCE]; /* worth of the limits */
    double value;                  /* bound there */
    double slope[QBID_CHOICE_SCARCE];
};

struct qbid_choice_cuts {
    struct qbid_choice_cut cut[QBID_CHOICE_CUTS_MAX];
    uint32_t cnt;
    double most; /* worth that no limit exceeds */
};

/** The prices of the least bound, from cuts that are known already (none: zeroed); more are added.
 */
void qbid_choice_prices_find(const struct qbid_choice_book *book, struct qbid_choice_cuts *cuts,
                             struct qbid_choice_prices *ret_prices);

/** What cuts say once a group that is not fixed yet is fixed to an item, or to nothing of it. */
void qbid_choice_cuts_fix(const struct qbid_choice_book *book, struct qbid_choice_cuts *cuts,
                          uint32_t group, uint32_t item);

/** A good choice by the prices, of a book without fixed groups, into the items of ret_pick. NOMEM.
 */
int qbid_choice_greedy(const struct qbid_choice_book *book, const struct qbid_choice_prices *prices,
                       struct qbid_choice_pick *ret_pick);

#endif
