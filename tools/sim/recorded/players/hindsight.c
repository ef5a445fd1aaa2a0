/* SPDX-License-Identifier: Apache-2.0 */
/* The 0/1 knapsack, exact when small, greedy by density else; then as a player of its choice. */
#include "tools/sim/recorded/players/hindsight.h"

#include <math.h>
#include <stdlib.h>

#include "shm/error.h"

struct ranked {
    double density;
    uint32_t at;
};

static int by_density(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->density != y->density)
        return x->density > y->density ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* Take items by density, passing over those that no longer fit. */
static int greedy(struct qbid_recorded_item *item, uint32_t cnt, uint32_t budget, double *ret_value,
                  double *ret_bound)
{
    struct ranked *rank = malloc((cnt ? cnt : 1) * sizeof *rank);
    if (!rank)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < cnt; i++) {
        rank[i] = (struct ranked){item[i].price ? item[i].value / item[i].price : INFINITY, i};
        item[i].is_in = 0;
    }
    qsort(rank, cnt, sizeof *rank, by_density);
    double value = 0, bound = -1;
    uint32_t left = budget;
    for (uint32_t i = 0; i < cnt; i++) {
        struct qbid_recorded_item *it = &item[rank[i].at];
        if (it->price <= left) {
            it->is_in = 1;
            left -= it->price;
            value += it->value;
        } else if (bound < 0) {
            bound = value + rank[i].density * left;
        }
    }
    free(rank);
    *ret_value = value;
    *ret_bound = bound < 0 ? value : bound;
    return 0;
}

/* best[b] over the items so far; a bit by item and budget says whether it is in. */
static int exact(struct qbid_recorded_item *item, uint32_t cnt, uint32_t budget, double *ret_value)
{
    size_t width = (size_t)budget + 1;
    double *best = calloc(width, sizeof *best);
    uint8_t *in = calloc(((size_t)cnt * width + 7) / 8, 1);
    if (!best || !in) {
        free(best);
        free(in);
        return QBID_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < cnt; i++) {
        for (size_t b = budget; b + 1 > item[i].price; b--) {
            double with = best[b - item[i].price] + item[i].value;
            if (with > best[b]) {
                best[b] = with;
                size_t bit = i * width + b;
                in[bit / 8] |= (uint8_t)(1u << (bit % 8));
            }
            if (b == 0)
                break;
        }
    }
    size_t left = budget;
    for (uint32_t i = cnt; i-- > 0;) {
        size_t bit = i * width + left;
        item[i].is_in = in[bit / 8] >> (bit % 8) & 1;
        left -= item[i].is_in ? item[i].price : 0;
    }
    *ret_value = best[budget];
    free(best);
    free(in);
    return 0;
}

int qbid_recorded_knapsack(struct qbid_recorded_item *item, uint32_t cnt, uint32_t budget,
                           double *ret_value, double *ret_bound)
{
    double bound = 0;
    int err = greedy(item, cnt, budget, ret_value, &bound);
    if (ret_bound)
        *ret_bound = bound;
    if (!err && (double)cnt * ((double)budget + 1) <= QBID_RECORDED_KNAPSACK_EXACT)
        err = exact(item, cnt, budget, ret_value);
    return err;
}

/* Auctions [from, to) of one flight. */
struct choice {
    uint32_t from, to;
    double density; /* least value for money of what was chosen: a case is won by that */
};

static int flight_choose(const struct qbid_recorded_log *log, double budget,
                         struct qbid_recorded_item *item, struct choice *choice)
{
    uint32_t cnt = 0;
    double value;
    for (uint32_t i = choice->from; i < choice->to; i++)
        if (!log->auction[i].is_case)
            item[cnt++] = (struct qbid_recorded_item){log->auction[i].value,
                                                      (uint32_t)log->auction[i].price, 0};
    int err = qbid_recorded_knapsack(item, cnt, (uint32_t)budget, &value, NULL);
    choice->density = INFINITY;
    for (uint32_t i = 0; i < cnt && !err; i++)
        if (item[i].is_in && item[i].price > 0)
            choice->density = fmin(choice->density, item[i].value / item[i].price);
    return err;
}

static uint32_t flight_tally(const struct qbid_recorded_log *log,
                             const struct qbid_recorded_item *item, const struct choice *choice,
                             uint32_t done, uint32_t all, struct qbid_recorded_result *result)
{
    for (uint32_t i = choice->from, at = 0; i < choice->to; i++) {
        const struct qbid_recorded_auction *a = &log->auction[i];
        int won = a->is_case ? a->value >= choice->density * a->price : item[at].is_in != 0;
        if (won)
            qbid_recorded_tally_win(a, &result->all, qbid_recorded_result_block(result, done, all));
        at += !a->is_case;
        done += !a->is_case;
    }
    return done;
}

int qbid_recorded_hindsight(const struct qbid_recorded_flights *flights,
                            struct qbid_recorded_result *ret_result)
{
    const struct qbid_recorded_log *log = flights->log;
    uint32_t all = qbid_recorded_replay_auctions(log, flights->from, flights->to);
    uint32_t episode = flights->episode ? flights->episode : all, done = 0;
    struct qbid_recorded_item *item = calloc((size_t)episode + 1, sizeof *item);
    int err = item ? 0 : QBID_ERR_NOMEM;
    qbid_recorded_result_clear(ret_result);
    for (uint32_t from = flights->from; from < flights->to && !err;) {
        struct choice choice = {from, from, 0};
        uint32_t cnt = 0;
        for (; choice.to < flights->to; choice.to++) { /* cases behind its last belong to it */
            if (cnt == episode && !log->auction[choice.to].is_case)
                break;
            cnt += !log->auction[choice.to].is_case;
        }
        err = flight_choose(log, flights->budget * cnt / all, item, &choice);
        if (!err)
            done = flight_tally(log, item, &choice, done, all, ret_result);
        from = choice.to;
    }
    free(item);
    return err;
}
