/* SPDX-License-Identifier: Apache-2.0 */
/* What a search has at hand: departures, their lists, and the groups that may depart; between
 * choice_search.c and choice_core.c. */
#ifndef QBID_CONTROL_CHOICE_CHOICE_CORE_H
#define QBID_CONTROL_CHOICE_CHOICE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/choice/choice_bound.h"

#define QBID_CHOICE_HALVES 2

/* What a list is in order of, least first, then the rest; less of each is better. */
enum { QBID_CHOICE_KEY, QBID_CHOICE_COST, QBID_CHOICE_OTHER, QBID_CHOICE_COORDINATES };

/* Departures of some groups together, against the best ways: use of the key limit, gain with its
 * sign turned, use of the other limit. */
struct qbid_choice_state {
    int64_t by[QBID_CHOICE_COORDINATES];
    double loss;
    uint32_t node; /* its last departure, QBID_CHOICE_NONE = it has none */
};

struct qbid_choice_node {
    uint32_t before; /* another node, or QBID_CHOICE_NONE */
    uint32_t group, item;
};

struct qbid_choice_list {
    struct qbid_choice_state *state;
    uint32_t cnt, max;
};

/* One way of a group that is not its best. */
struct qbid_choice_way {
    int64_t by[QBID_CHOICE_COORDINATES];
    double loss;
    uint32_t group, item;
};

/* A group's ways: way[first] to way[end - 1]. */
struct qbid_choice_core {
    double loss; /* least of them */
    uint32_t group, first, end;
};

struct qbid_choice_run {
    const struct qbid_choice_book *book;
    const struct qbid_choice_prices *prices;
    struct qbid_choice_pick *pick;
    int key;      /* the limit whose use is QBID_CHOICE_KEY */
    bool loose;   /* the other limit is left out of account */
    double slack; /* rounding */
    double most;  /* loss above which nothing matters */
    double lost;  /* least loss of what was dropped for lack of room */
    double bound; /* gain of the best ways, their limits priced */
    uint32_t state_max;
    uint64_t made_max;
    int64_t left[QBID_CHOICE_COORDINATES]; /* of the limits beside the best ways; their gain, sign
                                              turned */
    uint32_t *best;                        /* item by group */
    struct qbid_choice_way *way;
    struct qbid_choice_core *core;
    uint32_t way_cnt, core_cnt;
    struct qbid_choice_list half[QBID_CHOICE_HALVES], other, shifted;
    struct qbid_choice_node *node;
    uint32_t node_cnt, node_max;
    uint32_t made; /* states, in all */
    double *order; /* scratch of a selection */
    uint32_t order_max;
};

/** Find the best ways at the prices, among equal ones those nearest to the limits; what they gain
 *  and leave, and the bound. */
void qbid_choice_best_find(struct qbid_choice_run *run);

/** Find the groups that may depart with a loss of at most run->most, those that lose most by it
 *  first, so that lists grow late. */
void qbid_choice_core_find(struct qbid_choice_run *run);

#endif
