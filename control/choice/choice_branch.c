/* SPDX-License-Identifier: Apache-2.0 */
/* Where some groups are much larger than the rest (budgets of an account are), the best prices
 * leave a large one undecided, and what it takes too much or too little of a limit no small
 * departures make up cheaply. So the undecided group's ways are tried one by one, each with prices
 * of its own; once only small groups are undecided, lists of departures are short. */
#include "control/choice/choice_branch.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/choice/choice_search.h"
#include "shm/error.h"

#define STATES_FIRST 64 /* of each list at first; what they find makes fewer matter */
#define STATES_MORE 4
/* Parts of the gap: a search that covers so much will cover all of it with more states. Below the
 * root it pays sooner to split. */
#define NEAR_ROOT 0.1
#define NEAR_BELOW 0.4
#define DEEP 1024    /* states of each list below the root */
#define NODE_WORK 16 /* a node is as much work as these states, and one for every few items */
#define ITEMS_OF_WORK 4
#define DEPTH_MAX 64
#define CUTS_KEPT 32
#define SCORE_LOSS 60.0 /* what a group must differ by for each part that its second way loses */

struct branch {
    struct qbid_choice_book *book;
    struct qbid_choice_pick *pick;
    uint32_t state_max;
    uint32_t nodes;          /* looked at */
    uint64_t work, work_max; /* done, in states made; and how much it may be */
    double open;             /* highest bound of what was not looked at */
};

struct way {
    uint32_t item;
    double value; /* at the node's prices */
};

static void leave_open(struct branch *b, double bound)
{
    b->open = fmax(b->open, bound);
}

/* With more states for as long as that promises to prove it. Returns whether the node is done. */
static int node_search(struct branch *b, const struct qbid_choice_prices *prices, bool *ret_done)
{
    uint32_t most = b->nodes > 1 && b->state_max > DEEP ? DEEP : b->state_max;
    uint32_t few = STATES_FIRST < most ? STATES_FIRST : most;
    for (;;) {
        double bound;
        uint64_t left = b->work < b->work_max ? b->work_max - b->work : 0;
        uint32_t made;
        int err = qbid_choice_search(b->book, prices, few, left, b->pick, &bound, &made);
        b->work += made;
        *ret_done = !err && bound <= (double)b->pick->gain;
        double gap = prices->bound - (double)b->pick->gain;
        if (err || *ret_done || few == most ||
            prices->bound - bound < (b->nodes > 1 ? NEAR_BELOW : NEAR_ROOT) * gap ||
            b->work >= b->work_max)
            return err;
        few = few < most / STATES_MORE ? few * STATES_MORE : most;
    }
}

/* Of the groups whose two best ways are worth nearly the same, the one where they differ most in
 * gain. */
static uint32_t group_pick(const struct branch *b, const struct qbid_choice_prices *prices)
{
    const struct qbid_choice_book *book = b->book;
    uint32_t picked = QBID_CHOICE_NONE;
    double best = -INFINITY;
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        double most = 0, second = -INFINITY, most_gain = 0, second_gain = 0;
        for (uint32_t i = book->first[g]; i < book->end[g]; i++) {
            double value = qbid_choice_reduced(prices, &book->item[i]);
            double gain = (double)book->item[i].gain;
            if (value > most) {
                second = most, second_gain = most_gain;
                most = value, most_gain = gain;
            } else if (value > second) {
                second = value, second_gain = gain;
            }
        }
        double score = fabs(most_gain - second_gain) - SCORE_LOSS * (most - second);
        if (book->end[g] > book->first[g] && score > best) {
            best = score;
            picked = g;
        }
    }
    return picked;
}

static int way_compare(const void *a, const void *b)
{
    const struct way *x = a, *y = b;
    return x->value != y->value ? (x->value < y->value) - (x->value > y->value)
                                : (x->item > y->item) - (x->item < y->item);
}

static int node_run(struct branch *b, struct qbid_choice_cuts *cuts, uint32_t depth);

/* The node with one more group fixed. */
static int way_try(struct branch *b, const struct qbid_choice_cuts *cuts, uint32_t group,
                   uint32_t item, uint32_t depth)
{
    static const struct qbid_choice_item nothing;
    struct qbid_choice_book *book = b->book;
    const struct qbid_choice_item *to = item == QBID_CHOICE_NONE ? &nothing : &book->item[item];
    struct qbid_choice_cuts *own;
    if (to->use[0] > book->left[0] || to->use[1] > book->left[1])
        return 0;
    own = malloc(sizeof *own);
    if (!own)
        return QBID_ERR_NOMEM;
    own->cnt = cuts->cnt < CUTS_KEPT ? cuts->cnt : CUTS_KEPT;
    own->most = cuts->most;
    memcpy(own->cut, &cuts->cut[cuts->cnt - own->cnt], own->cnt * sizeof *own->cut);
    qbid_choice_cuts_fix(book, own, group, item);
    uint32_t end = book->end[group];
    book->end[group] = book->first[group];
    book->fixed[group] = item;
    book->gain += to->gain;
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        book->left[k] -= to->use[k];
    int err = node_run(b, own, depth + 1);
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        book->left[k] += to->use[k];
    book->gain -= to->gain;
    book->fixed[group] = QBID_CHOICE_NONE;
    book->end[group] = end;
    free(own);
    return err;
}

/* Every way of one group, the best first. */
static int node_split(struct branch *b, const struct qbid_choice_cuts *cuts,
                      const struct qbid_choice_prices *prices, uint32_t depth)
{
    struct qbid_choice_book *book = b->book;
    uint32_t g = group_pick(b, prices), cnt = 0;
    if (g == QBID_CHOICE_NONE || depth == DEPTH_MAX || b->work >= b->work_max) {
        leave_open(b, prices->bound);
        return 0;
    }
    struct way *way = malloc((book->end[g] - book->first[g] + 1) * sizeof *way);
    if (!way)
        return QBID_ERR_NOMEM;
    way[cnt++] = (struct way){QBID_CHOICE_NONE, 0};
    for (uint32_t i = book->first[g]; i < book->end[g]; i++)
        way[cnt++] = (struct way){i, qbid_choice_reduced(prices, &book->item[i])};
    qsort(way, cnt, sizeof *way, way_compare);
    int err = 0;
    for (uint32_t w = 0; w < cnt && !err; w++) {
        double bound = prices->bound - (way[0].value - way[w].value);
        if (bound > (double)b->pick->gain)
            err = way_try(b, cuts, g, way[w].item, depth);
    }
    free(way);
    return err;
}

static int node_run(struct branch *b, struct qbid_choice_cuts *cuts, uint32_t depth)
{
    struct qbid_choice_prices prices;
    bool done = false;
    int err = 0;
    b->nodes++;
    b->work += NODE_WORK + b->book->item_cnt / ITEMS_OF_WORK;
    qbid_choice_prices_find(b->book, cuts, &prices);
    if (depth == 0)
        err = qbid_choice_greedy(b->book, &prices, b->pick);
    if (err ||
        floor(prices.bound + qbid_choice_slack(&prices)) <= (double)b->pick->gain * (depth > 0))
        return err;
    err = node_search(b, &prices, &done);
    return err || done ? err : node_split(b, cuts, &prices, depth);
}

int qbid_choice_branch(struct qbid_choice_book *book, uint32_t state_max, uint64_t work_max,
                       struct qbid_choice_pick *pick, double *ret_bound, uint64_t *ret_work)
{
    struct branch b = {.book = book, .pick = pick, .state_max = state_max, .work_max = work_max};
    struct qbid_choice_cuts *cuts = malloc(sizeof *cuts);
    if (!cuts)
        return QBID_ERR_NOMEM;
    cuts->cnt = 0;
    int err = node_run(&b, cuts, 0);
    *ret_bound = fmax((double)pick->gain, floor(b.open));
    *ret_work = b.work;
    free(cuts);
    return err;
}
