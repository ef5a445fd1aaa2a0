/* SPDX-License-Identifier: Apache-2.0 */
/* Fixed strategies against brute force over every constant and every set of clicks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tools/replay/auction/baseline.h"

enum { ITEMS = 400, PRICE_MAX = 60 };

static uint64_t word = 88172645463325252u;

static uint64_t next_word(void)
{
    word ^= word << 13;
    word ^= word >> 7;
    word ^= word << 17;
    return word;
}

static void fill(struct qbid_replay_items *items, struct qbid_replay_item *memory, size_t cnt)
{
    *items = (struct qbid_replay_items){.items = memory, .cnt = cnt};
    for (size_t i = 0; i < cnt; i++) {
        memory[i] = (struct qbid_replay_item){
            .floor_micros = (int64_t)(next_word() % 20),
            .market_micros = (int64_t)(1 + next_word() % PRICE_MAX),
            .narrow = (double)(next_word() >> 11) * 0x1p-53,
            .wide = (double)(next_word() >> 11) * 0x1p-53,
            .click = next_word() % 10 == 0,
        };
        items->cost_nanos += memory[i].market_micros;
        items->clicks += memory[i].click;
    }
}

/* A second walk: one bid function for every strategy. */
static struct qbid_replay_baseline walk(const struct qbid_replay_items *items, int first_price,
                                        int64_t budget, int64_t (*bid)(const void *, size_t),
                                        const void *context)
{
    struct qbid_replay_baseline result = {0};
    for (size_t i = 0; i < items->cnt; i++) {
        const struct qbid_replay_item *item = &items->items[i];
        int64_t offer = bid(context, i);
        if (offer >= item->floor_micros && offer >= item->market_micros) {
            int64_t second =
                item->floor_micros > item->market_micros ? item->floor_micros : item->market_micros;
            int64_t price = first_price ? offer : second;
            if (result.spend_nanos + price > budget)
                break;
            result.spend_nanos += price;
            result.wins++;
            result.clicks += item->click;
        }
        result.auctions++;
    }
    return result;
}

static int64_t constant_bid(const void *context, size_t i)
{
    (void)i;
    return *(const int64_t *)context;
}

struct random_bid {
    const struct qbid_replay_items *items;
    int64_t range;
    int wide;
};

static int64_t random_bid(const void *context, size_t i)
{
    const struct random_bid *random = context;
    const struct qbid_replay_item *item = &random->items->items[i];
    return (int64_t)((random->wide ? item->wide : item->narrow) * (double)random->range);
}

static void assert_same(const struct qbid_replay_baseline *a, const struct qbid_replay_baseline *b)
{
    assert_int_equal(a->auctions, b->auctions);
    assert_int_equal(a->wins, b->wins);
    assert_int_equal(a->clicks, b->clicks);
    assert_int_equal(a->spend_nanos, b->spend_nanos);
}

static void strategies_are_what_brute_force_finds(void **state)
{
    static struct qbid_replay_item run_memory[ITEMS], tune_memory[ITEMS / 2];
    (void)state;
    for (int round = 0; round < 60; round++) {
        struct qbid_replay_items run, tune;
        struct qbid_replay_baseline results[QBID_REPLAY_STRATEGIES];
        int first = round % 2;
        fill(&run, run_memory, ITEMS);
        fill(&tune, tune_memory, ITEMS / 2);
        int64_t budget = (int64_t)(next_word() % (uint64_t)run.cost_nanos) + 1;
        int64_t tune_budget = budget / 2, flat = 25;
        assert_int_equal(
            qbid_replay_baseline_run(&run, &tune,
                                     first ? QBID_REPLAY_FIRST_PRICE : QBID_REPLAY_SECOND_PRICE,
                                     budget, flat, results),
            0);

        /* Every constant there is. */
        int64_t tuned = -1, best = -1, highest = 0;
        uint64_t best_clicks = 0;
        for (int64_t c = 0; c <= PRICE_MAX; c++) {
            struct qbid_replay_baseline whole = walk(&tune, first, INT64_MAX / 2, constant_bid, &c);
            struct qbid_replay_baseline limited = walk(&tune, first, tune_budget, constant_bid, &c);
            if (whole.spend_nanos >= tune_budget && tuned < 0)
                tuned = c;
            if (limited.clicks > best_clicks) {
                best_clicks = limited.clicks;
                best = c;
            }
        }
        for (size_t i = 0; i < tune.cnt; i++)
            if (tune.items[i].market_micros > highest)
                highest = tune.items[i].market_micros;
        if (tuned < 0)
            tuned = highest;
        if (best_clicks > 0 && !first) /* first price: between two prices a lower bid pays less */
            assert_int_equal(results[QBID_REPLAY_BEST].bid_micros, best);
        if (!first)
            assert_int_equal(results[QBID_REPLAY_TUNED].bid_micros, tuned);

        struct qbid_replay_baseline expected = walk(&run, first, budget, constant_bid, &flat);
        assert_same(&results[QBID_REPLAY_FLAT], &expected);
        for (int i = QBID_REPLAY_TUNED; i <= QBID_REPLAY_BEST; i++) {
            expected = walk(&run, first, budget, constant_bid, &results[i].bid_micros);
            assert_same(&results[i], &expected);
        }
        struct random_bid narrow = {&run, 2 * results[QBID_REPLAY_TUNED].bid_micros, 0};
        struct random_bid wide = {&run, results[QBID_REPLAY_RANDOM_WIDE].bid_micros, 1};
        expected = walk(&run, first, budget, random_bid, &narrow);
        assert_same(&results[QBID_REPLAY_RANDOM_NARROW], &expected);
        expected = walk(&run, first, budget, random_bid, &wide);
        assert_same(&results[QBID_REPLAY_RANDOM_WIDE], &expected);
        assert_int_equal(wide.range, highest);
        for (int i = 0; i < QBID_REPLAY_STRATEGIES; i++)
            assert_true(results[i].spend_nanos <= budget);
    }
}

/* First price: the lowest price of the log at which count x price reaches the budget. */
static void a_first_price_constant_is_tuned_to_what_it_would_pay(void **state)
{
    static struct qbid_replay_item memory[] = {
        {0, 10, 0, 0, true}, {0, 20, 0, 0, false}, {0, 30, 0, 0, true}, {0, 40, 0, 0, false}};
    struct qbid_replay_items items = {.items = memory, .cnt = 4, .cost_nanos = 100, .clicks = 2};
    static const struct {
        int64_t budget, tuned;
    } cases[] = {{1, 10}, {10, 10}, {11, 20}, {40, 20}, {41, 30}, {90, 30}, {91, 40}, {999, 40}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qbid_replay_baseline results[QBID_REPLAY_STRATEGIES];
        assert_int_equal(qbid_replay_baseline_run(&items, &items, QBID_REPLAY_FIRST_PRICE,
                                                  cases[i].budget, 10, results),
                         0);
        assert_int_equal(results[QBID_REPLAY_TUNED].bid_micros, cases[i].tuned);
    }
}

/* Every subset of the clicked auctions. */
static void hindsight_is_the_best_subset(void **state)
{
    enum { SMALL = 60 };
    static struct qbid_replay_item memory[SMALL];
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct qbid_replay_items items;
        struct qbid_replay_baseline results[QBID_REPLAY_STRATEGIES];
        int64_t prices[SMALL];
        unsigned cnt = 0, best = 0;
        fill(&items, memory, SMALL);
        for (size_t i = 0; i < SMALL; i++)
            if (memory[i].click && cnt < 12)
                prices[cnt++] = memory[i].market_micros > memory[i].floor_micros
                                    ? memory[i].market_micros
                                    : memory[i].floor_micros;
            else
                memory[i].click = false;
        int64_t budget = (int64_t)(next_word() % 200) + 1;
        for (unsigned set = 0; set < 1u << cnt; set++) {
            int64_t cost = 0;
            for (unsigned i = 0; i < cnt; i++)
                cost += set >> i & 1 ? prices[i] : 0;
            unsigned clicks = (unsigned)__builtin_popcount(set);
            if (cost <= budget && clicks > best)
                best = clicks;
        }
        assert_int_equal(
            qbid_replay_baseline_run(&items, &items, QBID_REPLAY_SECOND_PRICE, budget, 10, results),
            0);
        assert_int_equal(results[QBID_REPLAY_HINDSIGHT].clicks, best);
        assert_true(results[QBID_REPLAY_HINDSIGHT].spend_nanos <= budget);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strategies_are_what_brute_force_finds),
        cmocka_unit_test(a_first_price_constant_is_tuned_to_what_it_would_pay),
        cmocka_unit_test(hindsight_is_the_best_subset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
