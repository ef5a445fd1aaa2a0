/* SPDX-License-Identifier: Apache-2.0 */
/* Constant, random and clairvoyant bidding over auctions in memory. */
#include "tools/replay/auction/baseline.h"

#include <stdlib.h>

#include "shm/error.h"

int qbid_replay_items_init(struct qbid_replay_items *items, struct qbid_replay_source *source,
                           uint64_t seed)
{
    size_t cap = 0;
    uint64_t number;
    struct qbid_replay_row row;
    *items = (struct qbid_replay_items){0};
    qbid_replay_source_rewind(source);
    while (qbid_replay_source_next(source, &number)) {
        if (items->cnt == cap) {
            cap = cap ? cap * 2 : 1024;
            struct qbid_replay_item *grown = realloc(items->items, cap * sizeof *grown);
            if (!grown) {
                qbid_replay_items_done(items);
                return QBID_ERR_NOMEM;
            }
            items->items = grown;
        }
        qbid_replay_source_load(source, number, &row);
        items->items[items->cnt++] = (struct qbid_replay_item){
            .floor_micros = row.floor_micros,
            .market_micros = row.market_micros,
            .narrow = qbid_replay_row_draw(&row, seed, QBID_REPLAY_DRAW_BASELINE_NARROW),
            .wide = qbid_replay_row_draw(&row, seed, QBID_REPLAY_DRAW_BASELINE_WIDE),
            .click = row.click,
        };
        items->cost_nanos += row.market_micros;
        items->clicks += row.click;
    }
    qbid_replay_source_rewind(source);
    return 0;
}

void qbid_replay_items_done(struct qbid_replay_items *items)
{
    free(items->items);
    *items = (struct qbid_replay_items){0};
}

static int64_t needed(const struct qbid_replay_item *item)
{
    return item->market_micros > item->floor_micros ? item->market_micros : item->floor_micros;
}

/* Bids on one auction; false when the win's price would pass the budget. */
static bool bid_once(struct qbid_replay_baseline *result, const struct qbid_replay_item *item,
                     enum qbid_replay_auction_kind kind, int64_t budget_nanos, int64_t bid_micros)
{
    if (bid_micros < needed(item)) {
        result->auctions++;
        return true;
    }
    int64_t price = kind == QBID_REPLAY_FIRST_PRICE ? bid_micros : needed(item);
    if (price > budget_nanos - result->spend_nanos)
        return false;
    result->auctions++;
    result->wins++;
    result->clicks += item->click;
    result->spend_nanos += price;
    return true;
}

static struct qbid_replay_baseline run_constant(const struct qbid_replay_items *items,
                                                enum qbid_replay_auction_kind kind,
                                                int64_t budget_nanos, int64_t bid_micros)
{
    struct qbid_replay_baseline result = {.bid_micros = bid_micros};
    size_t i = 0;
    while (i < items->cnt && bid_once(&result, &items->items[i], kind, budget_nanos, bid_micros))
        i++;
    return result;
}

static struct qbid_replay_baseline run_random(const struct qbid_replay_items *items,
                                              enum qbid_replay_auction_kind kind,
                                              int64_t budget_nanos, int64_t range_micros, bool wide)
{
    struct qbid_replay_baseline result = {.bid_micros = range_micros};
    for (size_t i = 0; i < items->cnt; i++) {
        double draw = wide ? items->items[i].wide : items->items[i].narrow;
        if (!bid_once(&result, &items->items[i], kind, budget_nanos,
                      (int64_t)(draw * (double)range_micros)))
            break;
    }
    return result;
}

static int compare_int64(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* The prices at which the auctions (or the clicked ones alone) are won, ascending. */
static int64_t *sorted_prices(const struct qbid_replay_items *items, bool clicked_only,
                              size_t *ret_cnt)
{
    int64_t *prices = malloc((items->cnt ? items->cnt : 1) * sizeof *prices);
    size_t cnt = 0;
    if (!prices)
        return NULL;
    for (size_t i = 0; i < items->cnt; i++)
        if (!clicked_only || items->items[i].click)
            prices[cnt++] = needed(&items->items[i]);
    qsort(prices, cnt, sizeof *prices, compare_int64);
    *ret_cnt = cnt;
    return prices;
}

/* Only the prices are worth trying: between two of them a constant wins the same auctions. */
static int64_t tune_to_budget(const int64_t *prices, size_t cnt, enum qbid_replay_auction_kind kind,
                              int64_t budget_nanos)
{
    int64_t spend = 0;
    for (size_t i = 0; i < cnt; i++) {
        spend += prices[i];
        if (i + 1 < cnt && prices[i + 1] == prices[i])
            continue;
        if (kind == QBID_REPLAY_FIRST_PRICE ? prices[i] * (int64_t)(i + 1) >= budget_nanos
                                            : spend >= budget_nanos)
            return prices[i];
    }
    return prices[cnt - 1];
}

static int64_t tune_to_clicks(const struct qbid_replay_items *items, const int64_t *prices,
                              size_t cnt, enum qbid_replay_auction_kind kind, int64_t budget_nanos)
{
    uint64_t best_clicks = 0;
    int64_t best = prices[0];
    for (size_t i = 0; i < cnt; i++) {
        if (i + 1 < cnt && prices[i + 1] == prices[i])
            continue;
        uint64_t clicks = run_constant(items, kind, budget_nanos, prices[i]).clicks;
        if (clicks > best_clicks) {
            best_clicks = clicks;
            best = prices[i];
        }
    }
    return best;
}

static struct qbid_replay_baseline run_hindsight(const struct qbid_replay_items *items,
                                                 const int64_t *prices, size_t cnt,
                                                 int64_t budget_nanos)
{
    struct qbid_replay_baseline result = {.auctions = items->cnt};
    for (size_t i = 0; i < cnt && prices[i] <= budget_nanos - result.spend_nanos; i++) {
        result.spend_nanos += prices[i];
        result.wins++;
        result.clicks++;
    }
    return result;
}

int qbid_replay_baseline_run(const struct qbid_replay_items *run,
                             const struct qbid_replay_items *tune,
                             enum qbid_replay_auction_kind kind, int64_t budget_nanos,
                             int64_t flat_bid_micros,
                             struct qbid_replay_baseline ret_results[QBID_REPLAY_STRATEGIES])
{
    size_t prices_cnt = 0, clicked_cnt = 0;
    int64_t *prices = sorted_prices(tune, false, &prices_cnt);
    int64_t *clicked = sorted_prices(run, true, &clicked_cnt);
    if (!prices || !clicked) {
        free(prices);
        free(clicked);
        return QBID_ERR_NOMEM;
    }
    int64_t tune_budget = (int64_t)((double)budget_nanos * (double)tune->cnt / (double)run->cnt);
    int64_t tuned = tune_to_budget(prices, prices_cnt, kind, tune_budget);
    int64_t best = tune_to_clicks(tune, prices, prices_cnt, kind, tune_budget);
    int64_t highest = prices[prices_cnt - 1];
    ret_results[QBID_REPLAY_FLAT] = run_constant(run, kind, budget_nanos, flat_bid_micros);
    ret_results[QBID_REPLAY_TUNED] = run_constant(run, kind, budget_nanos, tuned);
    ret_results[QBID_REPLAY_BEST] = run_constant(run, kind, budget_nanos, best);
    ret_results[QBID_REPLAY_RANDOM_NARROW] = run_random(run, kind, budget_nanos, 2 * tuned, false);
    ret_results[QBID_REPLAY_RANDOM_WIDE] = run_random(run, kind, budget_nanos, highest, true);
    ret_results[QBID_REPLAY_HINDSIGHT] = run_hindsight(run, clicked, clicked_cnt, budget_nanos);
    free(prices);
    free(clicked);
    return 0;
}

const char *qbid_replay_baseline_name(enum qbid_replay_strategy strategy)
{
    static const char *const names[QBID_REPLAY_STRATEGIES] = {
        "constant_flat", "constant_tuned", "constant_best",
        "random_narrow", "random_wide",    "hindsight",
    };
    return names[strategy];
}
