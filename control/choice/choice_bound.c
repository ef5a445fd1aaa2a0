/* SPDX-License-Identifier: Apache-2.0 */
/* Least Lagrangian bound over the prices of both limits, by cutting planes; and a good choice by
 * them. Prices are kept as what the whole of a limit is worth, so that both have one scale. */
#include "control/choice/choice_bound.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define STEPS_MAX 100
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

/* The bound at given prices: its value, and its slope in worth. */
static double bound_at(const struct qbid_choice_book *book, const double worth[QBID_CHOICE_SCARCE],
                       double slope[QBID_CHOICE_SCARCE])
{
    struct qbid_choice_prices at;
    int64_t use[QBID_CHOICE_SCARCE] = {0};
    double bound = 0;
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++) {
        at.price[k] = book->limit[k] ? worth[k] / (double)book->limit[k] : 0;
        bound += worth[k];
    }
    for (uint32_t g = 0; g < book->group_cnt; g++) {
        const struct qbid_choice_item *pick = NULL;
        double most = 0;
        for (uint32_t i = book->first[g]; i < book->first[g + 1]; i++) {
            double reduced = qbid_choice_reduced(&at, &book->item[i]);
            if (reduced > most) {
                most = reduced;
                pick = &book->item[i];
            }
        }
        if (!pick)
            continue;
        bound += most;
        for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
            use[k] += pick->use[k];
    }
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        slope[k] = book->limit[k] ? 1 - (double)use[k] / (double)book->limit[k] : 1;
    return bound;
}

/* What one look says of all prices: the bound is nowhere below value + slope' worth. */
struct cut {
    double value; /* at worth 0 */
    double slope[QBID_CHOICE_SCARCE];
};

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

/* The lowest point of the last cut where it is the highest of all, with worths in 0..most. It is
 * the lowest of all cuts' highest, as the last cuts off what was that before. */
static bool cuts_least(const struct cut *cut, uint32_t cnt, double most, double x[2])
{
    struct half_plane half[STEPS_MAX + 4] = {
        {{-1, 0}, 0}, {{0, -1}, 0}, {{1, 0}, most}, {{0, 1}, most}};
    const struct cut *last = &cut[cnt - 1];
    uint32_t halves = 4;
    for (int k = 0; k < 2; k++)
        x[k] = last->slope[k] < 0 ? most : 0;
    for (uint32_t i = 0; i + 1 < cnt; i++) {
        struct half_plane *h = &half[halves];
        for (int k = 0; k < 2; k++)
            h->normal[k] = cut[i].slope[k] - last->slope[k];
        h->most = last->value - cut[i].value;
        if (h->normal[0] == 0 && h->normal[1] == 0)
            continue;
        bool inside = h->normal[0] * x[0] + h->normal[1] * x[1] <= h->most;
        if (!inside && !edge_least(half, halves, last->slope, x))
            return false;
        halves++;
    }
    return true;
}

static void prices_find(const struct qbid_choice_book *book, struct qbid_choice_prices *ret)
{
    struct cut cut[STEPS_MAX];
    double at[QBID_CHOICE_SCARCE] = {0}, best[QBID_CHOICE_SCARCE] = {0};
    double bound = INFINITY, most = 0;
    for (uint32_t n = 0; n < STEPS_MAX; n++) {
        double value = bound_at(book, at, cut[n].slope);
        cut[n].value = value - cut[n].slope[0] * at[0] - cut[n].slope[1] * at[1];
        most = n == 0 ? value : most;
        if (value < bound) {
            bound = value;
            memcpy(best, at, sizeof best);
        }
        if ((cut[n].slope[0] >= 0 && cut[n].slope[1] >= 0 && n == 0) || /* all of it fits */
            !cuts_least(cut, n + 1, most, at))
            break;
        double least = cut[n].value + cut[n].slope[0] * at[0] + cut[n].slope[1] * at[1];
        if (!(bound - least > CLOSE * bound))
            break;
    }
    for (int k = 0; k < QBID_CHOICE_SCARCE; k++)
        ret->price[k] = book->limit[k] ? best[k] / (double)book->limit[k] : 0;
    ret->bound = bound;
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
        for (uint32_t i = book->first[g]; i < book->first[g + 1]; i++, n++) {
            double reduced = qbid_choice_reduced(prices, &book->item[i]);
            double gain = (double)book->item[i].gain;
            rank[n] = (struct rank){less ? reduced : gain / (gain - reduced + 1), i, g};
        }
    }
    qsort(rank, book->item_cnt, sizeof *rank, rank_compare);
}

int qbid_choice_bound(const struct qbid_choice_book *book, struct qbid_choice_prices *ret_prices,
                      struct qbid_choice_pick *ret_pick)
{
    struct rank *rank = malloc((book->item_cnt + 1) * sizeof *rank);
    struct qbid_choice_pick greedy = {.item = malloc((book->group_cnt + 1) * sizeof *greedy.item)};
    if (!rank || !greedy.item) {
        free(rank);
        free(greedy.item);
        return QBID_ERR_NOMEM;
    }
    prices_find(book, ret_prices);
    for (int less = 0; less < 2; less++) {
        rank_fill(book, ret_prices, less, rank);
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
