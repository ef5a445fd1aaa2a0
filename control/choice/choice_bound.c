/* SPDX-License-Identifier: Apache-2.0 */
/* Least Lagrangian bound over the prices of both limits, by cutting planes; and a good choice by
 * them. Prices are kept as what the whole of a limit is worth, so that both have one scale. */
#include "control/choice/choice_bound.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define CLOSE 1e-11 /* of the bound */

double qbid_choice_reduced(const struct qbid_choice_prices *prices,
                           const struct qbid_choice_item *item)
{
    return (double)item->gain - prices->price[0] * (double)item->use[0] -
           prices->price[1] * (double)item->use[1];
}

double qbid_choice_slack(const struct qbid_choice_prices *prices)
{
    return 1e-6 + 1e-10 * fabs(prices->bound);
}

/* The best way of a group at given prices, NULL = nothing of it; and what it is worth there. */
static const struct qbid_choice_item *best_of(const struct qbid_choice_book *book, uint32_t group,
                                              const struct qbid_choice_prices *at, double *ret_most)
{
    const struct qbid_choice_item *best = NULL;
    *ret_most = 0;
    for (uint32_t i = book->first[group]; i < book->end[group]; i++) {
        double reduced = qbid_choice_reduced(at, &book->item[i]);
        if (reduced > *ret_most) {
            *ret_most = reduced;
            best = &book->item[i];
        }
    }
    return best;
}

static struct qbid_choice_prices prices_at(const struct qbid_choice_book *book, const double *worth)
{
    struct qbid_choice_prices prices = {0};
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        prices.price[k] = book->limit[k] ? worth[k] / (double)book->limit[k] : 0;
    return prices;
}

/* A part of a limit; of one that allows nothing all is 1: nothing uses it. */
static double part_of(const struct qbid_choice_book *book, int k, int64_t use)
{
    return book->limit[k] ? (double)use / (double)book->limit[k] : 1;
}

/* Value and slope of the bound at cut->at. */
static void cut_look(const struct qbid_choice_book *book, struct qbid_choice_cut *cut)
{
    struct qbid_choice_prices at = prices_at(book, cut->at);
    int64_t left[QBID_CHOICE_SCARCE];
    memcpy(left, book->left, sizeof left);
    cut->value = (double)book->gain;
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        cut->value += cut->at[k] * part_of(book, k, book->left[k]);
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        double most;
        const struct qbid_choice_item *best = best_of(book, g, &at, &most);
        if (!best)
            continue;
        cut->value += most;
        for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
            left[k] -= best->use[k];
    }
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        cut->slope[k] = part_of(book, k, left[k]);
}

void qbid_choice_cuts_fix(const struct qbid_choice_book *book, struct qbid_choice_cuts *cuts,
                          uint32_t group, uint32_t item)
{
    static const struct qbid_choice_item nothing;
    const struct qbid_choice_item *to = item == QBID_CHOICE_NONE ? &nothing : &book->item[item];
    for (uint32_t c = 0; c < cuts->cnt; c++) {
        struct qbid_choice_cut *cut = &cuts->cut[c];
        struct qbid_choice_prices at = prices_at(book, cut->at);
        double most;
        const struct qbid_choice_item *best = best_of(book, group, &at, &most);
        cut->value += qbid_choice_reduced(&at, to) - most;
        for (int k = 0; k < QBID_CHOICE_SCARCE && book->limit[k]; k++)
            cut->slope[k] += part_of(book, k, (best ? best->use[k] : 0) - to->use[k]);
    }
}

static double cut_value(const struct qbid_choice_cut *cut, const double worth[QBID_CHOICE_SCARCE])
{
    return cut->value + cut->slope[0] * (worth[0] - cut->at[0]) +
           cut->slope[1] * (worth[1] - cut->at[1]);
}

/* Points x of the plane with normal' x <= most. */
struct half_plane {
    double normal[2], most;
};

/* The least of slope' x on the edge of half-plane `last`, within all before it. Returns whether
 * there is any such point. */
static bool edge_least(const struct half_plane *half, uint32_t last, const double slope[2],
                       double x[2])
{
    const double *n = half[last].normal;
    double square = n[0] * n[0] + n[1] * n[1], low = -INFINITY, high = INFINITY;
    double from[2] = {n[0] * half[last].most / square, n[1] * half[last].most / square};
    double along[2] = {-n[1], n[0]};
    for (uint32_t i = 0; i < last; i++) {
        const double *m = half[i].normal;
        double speed = m[0] * along[0] + m[1] * along[1];
        double room = half[i].most - m[0] * from[0] - m[1] * from[1];
        if (speed > 0)
            high = fmin(high, room / speed);
        else if (speed < 0)
            low = fmax(low, room / speed);
        else if (room < 0)
            return false;
    }
    double rise = slope[0] * along[0] + slope[1] * along[1], at = rise > 0 ? low : high;
    for (int k = 0; k < 2; k++)
        x[k] = fmax(0, from[k] + at * along[k]); /* rounding must not make a worth negative */
    return low <= high && isfinite(at);
}

/* The lowest point of the last of some cuts where it is the highest of them, with worths in
 * 0..most. It is the lowest of all their highest if the last cuts off what was that before. */
static bool cut_least(const struct qbid_choice_cut *cut, uint32_t cnt, double most, double x[2])
{
    static const double origin[QBID_CHOICE_SCARCE];
    struct half_plane half[QBID_CHOICE_CUTS_MAX + 4] = {
        {{-1, 0}, 0}, {{0, -1}, 0}, {{1, 0}, most}, {{0, 1}, most}};
    const struct qbid_choice_cut *last = &cut[cnt - 1];
    uint32_t halves = 4;
    for (int k = 0; k < 2; k++)
        x[k] = last->slope[k] < 0 ? most : 0;
    for (uint32_t i = 0; i + 1 < cnt; i++) {
        struct half_plane *h = &half[halves];
        for (int k = 0; k < 2; k++)
            h->normal[k] = cut[i].slope[k] - last->slope[k];
        h->most = cut_value(last, origin) - cut_value(&cut[i], origin);
        if (h->normal[0] == 0 && h->normal[1] == 0)
            continue;
        bool inside = h->normal[0] * x[0] + h->normal[1] * x[1] <= h->most;
        if (!inside && !edge_least(half, halves, last->slope, x))
            return false;
        halves++;
    }
    return true;
}

/* The lowest point of all cuts' highest; *ret_least is how low. */
static bool cuts_least(const struct qbid_choice_cuts *cuts, double x[2], double *ret_least)
{
    for (uint32_t c = 0; c < cuts->cnt; c++) {
        if (c > 0 && cut_value(&cuts->cut[c], x) <= *ret_least)
            continue;
        if (!cut_least(cuts->cut, c + 1, cuts->most, x))
            return false;
        *ret_least = cut_value(&cuts->cut[c], x);
    }
    return true;
}

void qbid_choice_prices_find(const struct qbid_choice_book *book, struct qbid_choice_cuts *cuts,
                             struct qbid_choice_prices *ret_prices)
{
    const struct qbid_choice_cut *best = NULL;
    double x[QBID_CHOICE_SCARCE] = {0}, least = -INFINITY;
    bool fresh = cuts->cnt == 0;
    for (uint32_t c = 0; c < cuts->cnt; c++)
        best = !best || cuts->cut[c].value < best->value ? &cuts->cut[c] : best;
    bool on = fresh || cuts_least(cuts, x, &least);
    while (on && cuts->cnt < QBID_CHOICE_CUTS_MAX &&
           (!best || best->value - least > CLOSE * best->value)) {
        struct qbid_choice_cut *cut = &cuts->cut[cuts->cnt++];
        memcpy(cut->at, x, sizeof cut->at);
        cut_look(book, cut);
        best = !best || cut->value < best->value ? cut : best;
        if (fresh && cuts->cnt == 1)
            cuts->most = cut->value;
        bool all = cuts->cnt == 1 && cut->slope[0] >= 0 && cut->slope[1] >= 0; /* all of it fits */
        bool cuts_off = cuts->cnt == 1 || cut_value(cut, x) > least;
        on = !all && cuts_off && cut_least(cuts->cut, cuts->cnt, cuts->most, x);
        least = cut_value(cut, x);
    }
    *ret_prices = prices_at(book, best->at);
    ret_prices->bound = best->value;
}

/* --- a choice by the prices */

struct rank {
    double key;
    uint32_t item, group;
};

static int rank_compare(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key) - (x->key > y->key)
                            : (x->item > y->item) - (x->item < y->item);
}

/* Put an item in the place of its group's present one, if that gains and fits. */
static bool greedy_take(const struct qbid_choice_book *book, struct qbid_choice_pick *pick,
                        uint32_t group, uint32_t item)
{
    static const struct qbid_choice_item none;
    const struct qbid_choice_item *in = &book->item[item];
    uint32_t now = pick->item[group];
    const struct qbid_choice_item *out = now == QBID_CHOICE_NONE ? &none : &book->item[now];
    if (in->gain <= out->gain)
        return false;
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        if (in->use[k] - out->use[k] > book->limit[k] - pick->use[k])
            return false;
    pick->gain += in->gain - out->gain;
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        pick->use[k] += in->use[k] - out->use[k];
    pick->item[group] = item;
    return true;
}

/* Best first, then whatever can still be bettered. */
static void greedy_run(const struct qbid_choice_book *book, const struct rank *rank,
                       struct qbid_choice_pick *pick)
{
    pick->gain = 0;
    memset(pick->use, 0, sizeof pick->use);
    for (uint32_t i = 0; i < book->group_cnt; i++)
        pick->item[i] = QBID_CHOICE_NONE;
    for (uint32_t i = 0; i < book->item_cnt; i++)
        if (pick->item[rank[i].group] == QBID_CHOICE_NONE)
            greedy_take(book, pick, rank[i].group, rank[i].item);
    for (uint32_t i = 0; i < book->item_cnt; i++)
        greedy_take(book, pick, rank[i].group, rank[i].item);
}

/* By gain for the worth of what is used, or by gain less that worth. */
static void rank_fill(const struct qbid_choice_book *book, const struct qbid_choice_prices *prices,
                      bool less, struct rank *rank)
{
    for (uint32_t g = 0, n = 0; g < book->group_cnt; g++) {
        for (uint32_t i = book->first[g]; i < book->end[g]; i++, n++) {
            double reduced = qbid_choice_reduced(prices, &book->item[i]);
            double gain = (double)book->item[i].gain;
            rank[n] = (struct rank){less ? reduced : gain / (gain - reduced + 1), i, g};
        }
    }
    qsort(rank, book->item_cnt, sizeof *rank, rank_compare);
}

int qbid_choice_greedy(const struct qbid_choice_book *book, const struct qbid_choice_prices *prices,
                       struct qbid_choice_pick *ret_pick)
{
    struct rank *rank = malloc((book->item_cnt + 1) * sizeof *rank);
    struct qbid_choice_pick greedy = {.item = malloc((book->group_cnt + 1) * sizeof *greedy.item)};
    if (!rank || !greedy.item) {
        free(rank);
        free(greedy.item);
        return QBID_ERR_NOMEM;
    }
    for (int less = 0; less < 2; less++) {
        rank_fill(book, prices, less, rank);
        greedy_run(book, rank, &greedy);
        if (less == 0 || greedy.gain > ret_pick->gain) {
            memcpy(ret_pick->item, greedy.item, book->group_cnt * sizeof *greedy.item);
            ret_pick->gain = greedy.gain;
            memcpy(ret_pick->use, greedy.use, sizeof greedy.use);
        }
    }
    free(rank);
    free(greedy.item);
    return 0;
}

void qbid_choice_pick_sum(const struct qbid_choice_book *book, struct qbid_choice_pick *pick)
{
    pick->gain = 0;
    memset(pick->use, 0, sizeof pick->use);
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        if (pick->item[g] == QBID_CHOICE_NONE)
            continue;
        const struct qbid_choice_item *item = &book->item[pick->item[g]];
        pick->gain += item->gain;
        for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
            pick->use[k] += item->use[k];
    }
}
