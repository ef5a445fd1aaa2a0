/* SPDX-License-Identifier: Apache-2.0 */
/* Options in order, the prices of both limits, and what they prove: between choice.c and its bound.
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

/* Items of group g are item[first[g]] to item[first[g + 1]] - 1, by id. */
struct qbid_choice_book {
    struct qbid_choice_item *item;
    uint32_t *first;
    uint32_t item_cnt, group_cnt;
    int64_t limit[QBID_CHOICE_SCARCE];
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

/** Prices near the least bound, and a good choice, into the items of ret_pick. NOMEM. */
int qbid_choice_bound(const struct qbid_choice_book *book, struct qbid_choice_prices *ret_prices,
                      struct qbid_choice_pick *ret_pick);

#endif
