/* SPDX-License-Identifier: Apache-2.0 */
/* The replay, the rules, RLB, the knapsack and the intervals, against brute force on small cases.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/control/models/rng.h"
#include "tools/sim/recorded/interval.h"
#include "tools/sim/recorded/match.h"
#include "tools/sim/recorded/players/hindsight.h"
#include "tools/sim/recorded/players/ours.h"
#include "tools/sim/recorded/players/rlb.h"
#include "tools/sim/recorded/players/rules.h"

#define PRICES 60

/* Values of log-sd 0.8, prices that go with them; sums of the train part as a reader makes them. */
static void log_make(struct qbid_recorded_log *log, struct rng *r, uint32_t train, uint32_t test)
{
    *log = (struct qbid_recorded_log){.train_cnt = train,
                                      .cnt = train + test,
                                      .price_cnt = PRICES,
                                      .sampled = 1,
                                      .train_all = train};
    log->auction = calloc(log->cnt, sizeof *log->auction);
    log->prices = calloc(PRICES, sizeof *log->prices);
    assert_true(log->auction && log->prices);
    for (uint32_t i = 0; i < log->cnt; i++) {
        struct qbid_recorded_auction *a = &log->auction[i];
        double quality = rng_normal(r);
        a->value = 0.01 * exp(0.8 * quality);
        a->price = (int32_t)fmin(8 * exp(0.3 * quality + 0.8 * rng_normal(r)), PRICES - 1);
        a->click = rng_uniform(r) < a->value;
        if (i >= train)
            continue;
        log->prices[a->price]++;
        log->train_cost += a->price;
        log->value_mean += a->value / train;
    }
}

static void log_done(struct qbid_recorded_log *log)
{
    free(log->auction);
    free(log->prices);
}

/* --- the replay */

struct script {
    double bid;
    double budget[4], left[16];
    uint32_t flights, bids, told;
    double paid;
};

static void script_start(void *self, double budget, uint32_t auctions)
{
    struct script *s = self;
    (void)auctions;
    s->budget[s->flights++] = budget;
}

static double script_bid(void *self, double value, double budget_left, uint32_t left)
{
    struct script *s = self;
    (void)value;
    s->left[s->bids++] = budget_left + left * 1000;
    return s->bid;
}

static void script_tell(void *self, double value, double bid, int won, double price)
{
    struct script *s = self;
    (void)value;
    assert_true(bid == s->bid);
    assert_true(won || price == 0);
    s->told++;
    s->paid += price;
}

static void the_replay_pays_prices_until_the_budget_does_not_reach(void **state)
{
    (void)state;
    struct qbid_recorded_auction a[] = {
        {0.1, 0, 0, 5, 1, 0}, {0.2, 0, 0, 9, 0, 0},  {0.9, 0, 0, 5, 1, 1}, /* a case */
        {0.3, 0, 0, 6, 1, 0}, {0.4, 0, 0, 11, 0, 0}, {0.5, 0, 0, 4, 0, 0}, {0.9, 0, 0, 5, 1, 1}};
    struct qbid_recorded_log log = {.auction = a, .cnt = 7};
    struct script s = {.bid = 10};
    struct qbid_recorded_player player = {&s, script_start, script_bid, script_tell};
    struct qbid_recorded_tally block[5];
    struct qbid_recorded_result res = {.block = block, .block_cnt = 5};
    struct qbid_recorded_flights flights = {&log, 0, 7, 0, 15};
    qbid_recorded_replay(&flights, &player, &res);
    /* 5, then 9; one is left: the case at 5, 6 and 4 are out of reach, 11 above the bid */
    assert_true(res.all.cost == 14 && res.all.wins == 2 && res.all.clicks == 1);
    assert_true(fabs(res.all.expected - 0.3) < 1e-12);
    assert_int_equal(s.flights, 1);
    assert_int_equal(s.told, 5);
    assert_true(s.paid == 14 && s.budget[0] == 15);
    assert_true(block[0].cost == 5 && block[1].cost == 9 && block[2].cost == 0);
    s = (struct script){.bid = 10};
    flights = (struct qbid_recorded_flights){&log, 0, 7, 2, 30};
    qbid_recorded_replay(&flights, &player, &res);
    /* two auctions a flight with 12, one with 6: 5 | 6 (the case is won) | 4 (and that one not) */
    assert_int_equal(s.flights, 3);
    assert_true(s.budget[0] == 12 && s.budget[2] == 6);
    assert_true(res.all.cost == 5 + 6 + 4 && res.all.wins == 3);
    assert_true(res.all.clicks == 1 + 1 + 0 + (7 >= 5));
    assert_true(s.left[0] == 2012 && s.left[1] == 1007);
    assert_int_equal(qbid_recorded_replay_auctions(&log, 0, 7), 5);
}

/* --- rules */

static void the_ortb_formulas_meet_their_base_and_optimum(void **state)
{
    (void)state;
    for (int kind = QBID_RECORDED_ORTB1; kind <= QBID_RECORDED_ORTB2; kind++) {
        for (double base = 1; base < 300; base *= 3) {
            struct qbid_recorded_rule r =
                qbid_recorded_rule_make((enum qbid_recorded_rule_kind)kind, base, 0.002, 40);
            assert_true(fabs(qbid_recorded_rule_bid(&r, 0.002) / base - 1) < 1e-9);
            double bid = qbid_recorded_rule_bid(&r, 0.005), best = 0, at = 0;
            for (double b = 0.01; b < 2000; b *= 1.0005) { /* argmax of (v - lambda b) w(b) */
                double w = kind == QBID_RECORDED_ORTB1 ? b / (40 + b) : b * b / (1600 + b * b);
                double surplus = (0.005 - r.lambda * b) * w;
                if (surplus > best) {
                    best = surplus;
                    at = b;
                }
            }
            assert_true(fabs(bid / at - 1) < 0.002);
        }
    }
    struct qbid_recorded_rule lin = qbid_recorded_rule_make(QBID_RECORDED_LIN, 30, 0.002, 0);
    assert_true(fabs(qbid_recorded_rule_bid(&lin, 0.003) - 45) < 1e-12);
    struct qbid_recorded_rule flat = qbid_recorded_rule_make(QBID_RECORDED_CONSTANT, 30, 0.002, 0);
    assert_true(qbid_recorded_rule_bid(&flat, 0.9) == 30);
}

static void the_fitted_win_rate_is_the_nearest_of_its_family(void **state)
{
    (void)state;
    struct rng r = rng_init(7);
    struct qbid_recorded_log log;
    log_make(&log, &r, 3000, 10);
    for (int kind = QBID_RECORDED_ORTB1; kind <= QBID_RECORDED_ORTB2; kind++) {
        double least = INFINITY, at = 0;
        for (double c = 0.5; c < 200; c *= 1.001) {
            double sum = 0, error = 0;
            for (int p = 0; p < PRICES; p++) {
                sum += log.prices[p] / 3000;
                double w = kind == QBID_RECORDED_ORTB1 ? p / (c + p) : p * p / (c * c + p * p);
                error += p > 0 ? (w - sum) * (w - sum) : 0;
            }
            if (error < least) {
                least = error;
                at = c;
            }
        }
        double c = qbid_recorded_rule_fit(&log, (enum qbid_recorded_rule_kind)kind);
        assert_true(fabs(c / at - 1) < 0.002);
    }
    log_done(&log);
}

/* Expected clicks of a rule on the train part with a budget, written out again. */
static double rule_clicks(const struct qbid_recorded_log *log,
                          const struct qbid_recorded_rule *rule, double budget)
{
    double sum = 0;
    for (uint32_t i = 0; i < log->train_cnt; i++) {
        const struct qbid_recorded_auction *a = &log->auction[i];
        if (qbid_recorded_rule_bid(rule, a->value) < a->price || budget < a->price)
            continue;
        budget -= a->price;
        sum += a->value;
    }
    return sum;
}

static void tuning_finds_the_best_of_the_grid(void **state)
{
    (void)state;
    struct rng r = rng_init(11);
    for (int round = 0; round < 3; round++) {
        struct qbid_recorded_log log;
        log_make(&log, &r, 800, 400);
        double budget = 400 * 8 / pow(4, 1 + round % 2);
        for (int kind = 0; kind < QBID_RECORDED_RULES; kind++) {
            struct qbid_recorded_rule found =
                qbid_recorded_rule_tune(&log, (enum qbid_recorded_rule_kind)kind, budget, 0);
            double clicks = rule_clicks(&log, &found, 2 * budget), most = 0;
            for (int i = -8; i <= 8 * 8; i++) {
                struct qbid_recorded_rule other =
                    qbid_recorded_rule_make(found.kind, exp2(i / 8.0), log.value_mean, found.c);
                most = fmax(most, rule_clicks(&log, &other, 2 * budget));
            }
            assert_true(clicks >= most - 1e-12);
            assert_true(most > 0);
        }
        log_done(&log);
    }
}

/* --- RLB */

/* The best that any policy reaches on `t` auctions of one value: all bids tried in every state. */
static double best_of_all(const double *pmf, int prices, double value, int t, int b)
{
    if (t == 0)
        return 0;
    double most = 0;
    for (int bid = 0; bid < prices && bid <= b; bid++) {
        double sum = 0;
        for (int d = 0; d < prices; d++)
            sum += pmf[d] * (d <= bid ? value + best_of_all(pmf, prices, value, t - 1, b - d)
                                      : best_of_all(pmf, prices, value, t - 1, b));
        most = fmax(most, sum);
    }
    return most;
}

static void the_programme_is_the_best_of_all_policies(void **state)
{
    (void)state;
    struct rng r = rng_init(3);
    for (int round = 0; round < 20; round++) {
        double pmf[4], sum = 0;
        for (int d = 0; d < 4; d++)
            sum += pmf[d] = rng_uniform(&r) + 0.01;
        for (int d = 0; d < 4; d++)
            pmf[d] /= sum;
        double value = 0.1 + rng_uniform(&r);
        struct qbid_recorded_rlb rlb;
        assert_int_equal(qbid_recorded_rlb_init(&rlb, pmf, 4, value, 5, 6), 0);
        for (uint32_t t = 0; t <= 5; t++)
            for (uint32_t b = 0; b <= 6; b++)
                assert_true(fabs(rlb.v[t * 7 + b] - best_of_all(pmf, 4, value, (int)t, (int)b)) <
                            1e-12);
        /* the bid of the average auction is one that reaches it */
        for (uint32_t t = 1; t <= 5; t++) {
            for (uint32_t b = 0; b <= 6; b++) {
                uint32_t bid = qbid_recorded_rlb_bid(&rlb, t, b, value);
                double reached = 0;
                for (uint32_t d = 0; d < 4; d++)
                    reached += pmf[d] * (d <= bid ? value + rlb.v[(t - 1) * 7 + b - d]
                                                  : rlb.v[(t - 1) * 7 + b]);
                assert_true(bid <= b && fabs(reached - rlb.v[t * 7 + b]) < 1e-12);
            }
        }
        qbid_recorded_rlb_done(&rlb);
    }
    double smooth[3];
    qbid_recorded_rlb_smooth((const double[]){0, 3, 0}, 3, smooth);
    assert_true(fabs(smooth[0] - 1.0 / 6) < 1e-12 && fabs(smooth[1] - 4.0 / 6) < 1e-12);
}

/* --- hindsight */

static double best_subset(const struct qbid_recorded_item *item, int cnt, uint32_t budget)
{
    double most = 0;
    for (uint32_t set = 0; set < 1u << cnt; set++) {
        double value = 0;
        uint32_t cost = 0;
        for (int i = 0; i < cnt; i++) {
            value += set >> i & 1 ? item[i].value : 0;
            cost += set >> i & 1 ? item[i].price : 0;
        }
        if (cost <= budget)
            most = fmax(most, value);
    }
    return most;
}

static void the_knapsack_is_the_best_of_all_subsets(void **state)
{
    (void)state;
    struct rng r = rng_init(5);
    for (int round = 0; round < 100; round++) {
        struct qbid_recorded_item item[10];
        uint32_t budget = (uint32_t)rng_below(&r, 60);
        for (int i = 0; i < 10; i++)
            item[i] = (struct qbid_recorded_item){rng_uniform(&r), (uint32_t)rng_below(&r, 20), 0};
        double value, bound, most = best_subset(item, 10, budget), sum = 0;
        uint32_t cost = 0;
        assert_int_equal(qbid_recorded_knapsack(item, 10, budget, &value, &bound), 0);
        for (int i = 0; i < 10; i++) {
            sum += item[i].is_in ? item[i].value : 0;
            cost += item[i].is_in ? item[i].price : 0;
        }
        assert_true(fabs(value - most) < 1e-12 && fabs(sum - most) < 1e-12 && cost <= budget);
        assert_true(bound >= most - 1e-12);
    }
}

static void a_large_knapsack_is_within_one_item_of_its_bound(void **state)
{
    (void)state;
    enum { CNT = 20000, BUDGET = 30000 };
    struct rng r = rng_init(6);
    struct qbid_recorded_item *item = calloc(CNT, sizeof *item);
    assert_non_null(item);
    double value, bound, largest = 0;
    for (int i = 0; i < CNT; i++) {
        item[i] = (struct qbid_recorded_item){rng_uniform(&r), 1 + (uint32_t)rng_below(&r, 200), 0};
        largest = fmax(largest, item[i].value);
    }
    assert_true((double)CNT * BUDGET > QBID_RECORDED_KNAPSACK_EXACT);
    assert_int_equal(qbid_recorded_knapsack(item, CNT, BUDGET, &value, &bound), 0);
    assert_true(value <= bound && value > bound - largest);
    free(item);
}

static void hindsight_takes_its_flights_one_by_one(void **state)
{
    (void)state;
    struct rng r = rng_init(8);
    struct qbid_recorded_log log;
    log_make(&log, &r, 50, 25);
    struct qbid_recorded_flights flights = {&log, 50, 75, 10, 75};
    struct qbid_recorded_result res = {0};
    assert_int_equal(qbid_recorded_hindsight(&flights, &res), 0);
    double most = 0;
    for (uint32_t from = 50; from < 75; from += 10) {
        struct qbid_recorded_item item[10];
        uint32_t cnt = from + 10 <= 75 ? 10 : 5;
        for (uint32_t i = 0; i < cnt; i++)
            item[i] = (struct qbid_recorded_item){log.auction[from + i].value,
                                                  (uint32_t)log.auction[from + i].price, 0};
        most += best_subset(item, (int)cnt, 75 * cnt / 25);
    }
    assert_true(fabs(res.all.expected - most) < 1e-12 && res.all.cost <= 75);
    log_done(&log);
}

/* --- intervals */

static void intervals_cover_what_they_say(void **state)
{
    (void)state;
    struct rng r = rng_init(9);
    int covered = 0, ratio_covered = 0;
    for (int round = 0; round < 200; round++) {
        double x[60], y[60];
        for (int i = 0; i < 60; i++) {
            y[i] = -log(1 - rng_uniform(&r)); /* mean 1 */
            x[i] = 1.2 * y[i] - 0.3 * log(1 - rng_uniform(&r));
        }
        struct qbid_recorded_interval in = qbid_recorded_interval_find(x, NULL, 60);
        covered += in.low <= 90 && in.high >= 90;
        in = qbid_recorded_interval_find(x, y, 60);
        ratio_covered += in.low <= 1.5 && in.high >= 1.5;
    }
    assert_in_range(covered, 178, 200); /* 95 % less what 60 blocks and 200 rounds cost */
    assert_in_range(ratio_covered, 178, 200);
    const double zero[2] = {0, 0}, one[2] = {1, 1};
    assert_true(qbid_recorded_interval_find(zero, zero, 2).high == 1);
    assert_true(isinf(qbid_recorded_interval_find(one, zero, 2).low));
}

/* --- all of them */

static void a_match_ranks_as_it_must(void **state)
{
    (void)state;
    struct rng r = rng_init(10);
    struct qbid_recorded_log log;
    log_make(&log, &r, 8000, 8000);
    for (int half = 1; half <= 3; half += 2) {
        struct qbid_recorded_match m;
        assert_int_equal(qbid_recorded_match_run(&log, 1.0 / (1 << half), 0, &m), 0);
        const struct qbid_recorded_standing *s = m.standing;
        for (int i = 0; i < QBID_RECORDED_STRATEGIES; i++) {
            assert_true(s[i].sum.cost <= m.budget);
            assert_true(s[i].sum.expected <= s[QBID_RECORDED_S_HINDSIGHT].sum.expected + 0.1);
            assert_true(s[i].expected.low <= s[i].sum.expected &&
                        s[i].expected.high >= s[i].sum.expected);
        }
        /* one market all along: ours is near what hindsight bought, and above the constant bid */
        assert_true(s[QBID_RECORDED_S_OURS].sum.expected >
                    0.98 * s[QBID_RECORDED_S_HINDSIGHT].sum.expected);
        assert_true(s[QBID_RECORDED_S_OURS].sum.cost > 0.99 * m.budget);
        assert_true(s[QBID_RECORDED_S_LIN].sum.expected > s[QBID_RECORDED_S_CONSTANT].sum.expected);
        assert_true(m.gain_expected_in.high >= 1);
        assert_true(fabs(m.gain_expected - s[QBID_RECORDED_S_OURS].sum.expected /
                                               s[m.best_expected].sum.expected) < 1e-12);
    }
    log_done(&log);
}

static void ours_finds_the_level_when_prices_double(void **state)
{
    (void)state;
    struct rng r = rng_init(12);
    struct qbid_recorded_log log;
    log_make(&log, &r, 8000, 8000);
    for (uint32_t i = log.train_cnt; i < log.cnt; i++)
        log.auction[i].price =
            log.auction[i].price * 2 < PRICES ? log.auction[i].price * 2 : PRICES - 1;
    struct qbid_recorded_match m;
    assert_int_equal(qbid_recorded_match_run(&log, 0.25, 0, &m), 0);
    const struct qbid_recorded_standing *s = m.standing;
    assert_true(s[QBID_RECORDED_S_OURS].sum.cost > 0.99 * m.budget);
    assert_true(s[QBID_RECORDED_S_OURS].sum.expected >
                0.96 * s[QBID_RECORDED_S_HINDSIGHT].sum.expected);
    log_done(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_replay_pays_prices_until_the_budget_does_not_reach),
        cmocka_unit_test(the_ortb_formulas_meet_their_base_and_optimum),
        cmocka_unit_test(the_fitted_win_rate_is_the_nearest_of_its_family),
        cmocka_unit_test(tuning_finds_the_best_of_the_grid),
        cmocka_unit_test(the_programme_is_the_best_of_all_policies),
        cmocka_unit_test(the_knapsack_is_the_best_of_all_subsets),
        cmocka_unit_test(a_large_knapsack_is_within_one_item_of_its_bound),
        cmocka_unit_test(hindsight_takes_its_flights_one_by_one),
        cmocka_unit_test(intervals_cover_what_they_say),
        cmocka_unit_test(a_match_ranks_as_it_must),
        cmocka_unit_test(ours_finds_the_level_when_prices_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
