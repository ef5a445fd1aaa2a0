/* SPDX-License-Identifier: Apache-2.0 */
/* Small matches: the same seed gives the same result, the order of the strategies is the expected
 * one, budgets hold, and a strategy with a broken pacer is seen to be worse. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm/event.h"
#include "shm/units.h"
#include "tools/sim/arena/match.h"
#include "tools/sim/arena/score.h"
#include "tools/sim/stages/stages.h"

#if defined(__SANITIZE_ADDRESS__)
#define AUCTIONS 1200
#define STRATEGIES (1u << QBID_SIM_QBID | 1u << QBID_SIM_ORACLE)
#else
#define AUCTIONS 5000
#define STRATEGIES ((1u << QBID_SIM_STRATEGIES) - 1)
#endif

static struct qbid_sim_match_params small(void)
{
    struct qbid_sim_match_params p = qbid_sim_match_defaults();
    p.market.seed = 3;
    p.market.auctions_a_day = AUCTIONS;
    p.market.users = 2000;
    p.learn_days = 1;
    return p;
}

static void a_match_is_the_same_again_and_its_strategies_in_order(void **state)
{
    static struct qbid_sim_match one, two;
    struct qbid_sim_match_params p = small();
    (void)state;
    p.strategies = STRATEGIES;
    assert_int_equal(qbid_sim_match_play(&p, &one), 0);
    p.strategies = 1u << QBID_SIM_QBID;
    assert_int_equal(qbid_sim_match_play(&p, &two), 0);
    assert_memory_equal(one.task, two.task, sizeof one.task);
    assert_memory_equal(&one.result[QBID_SIM_QBID], &two.result[QBID_SIM_QBID],
                        sizeof one.result[QBID_SIM_QBID]);
    double value[QBID_SIM_STRATEGIES] = {0};
    for (unsigned s = 0; s < QBID_SIM_STRATEGIES; s++) {
        if (!(STRATEGIES >> s & 1))
            continue;
        assert_int_equal(one.result[s].faults, 0);
        for (uint32_t c = 0; c < p.market.campaigns; c++) {
            const struct qbid_sim_campaign_sums *sums = &one.result[s].campaign[c];
            value[s] += sums->value_nanos;
            assert_true(sums->spend_nanos <= one.task[c].budget_nanos);
            assert_true(sums->wins <= sums->bids && sums->conversions <= sums->clicks);
            if (s == QBID_SIM_QBID || s == QBID_SIM_ORACLE)
                assert_true(sums->spend_nanos > one.task[c].budget_nanos * 9 / 10);
        }
    }
    assert_true(value[QBID_SIM_ORACLE] > value[QBID_SIM_QBID]);
    if (STRATEGIES >> QBID_SIM_HINDSIGHT & 1)
        assert_true(value[QBID_SIM_HINDSIGHT] >= 0.995 * value[QBID_SIM_ORACLE]);
    assert_true(value[QBID_SIM_QBID] > value[QBID_SIM_ASAP]);
    assert_true(value[QBID_SIM_QBID] > value[QBID_SIM_CONSTANT]);
}

/* Negative control: the oracle with a multiplier that comes and goes by the hour. */
static uint64_t broken_hour(const struct qbid_sim_auction *a)
{
    return a->time_ns / (3600 * QBID_NS_PER_S);
}

static bool broken_bid(void *self, const struct qbid_sim_auction *a, struct qbid_sim_bid *ret_bid)
{
    if (!qbid_sim_strategy_oracle.bid(self, a, ret_bid))
        return false;
    ret_bid->bid_micros = (int64_t)((double)ret_bid->bid_micros * (broken_hour(a) & 1 ? 0.25 : 1));
    return ret_bid->bid_micros > 0;
}

static void a_broken_pacer_is_seen(void **state)
{
    static struct qbid_sim_match match;
    static struct qbid_sim_market market;
    struct qbid_sim_match_params p = small();
    struct qbid_sim_audience audience;
    struct qbid_sim_strategy broken = qbid_sim_strategy_oracle;
    struct qbid_sim_result well, bad;
    (void)state;
    p.strategies = 1u << QBID_SIM_ORACLE;
    assert_int_equal(qbid_sim_match_play(&p, &match), 0);
    assert_int_equal(qbid_sim_market_init(&market, &p.market), 0);
    assert_int_equal(qbid_sim_audience_init(&audience, &p.market), 0);
    struct qbid_sim_world_params w = {
        .market = &market, .audience = &audience, .notices = p.notices, .judged_day = p.learn_days};
    memcpy(w.task, match.task, sizeof w.task);
    memcpy(w.level, match.level[QBID_SIM_ORACLE], sizeof w.level);
    broken.bid = broken_bid;
    assert_int_equal(qbid_sim_world_run(&w, &qbid_sim_strategy_oracle, &well), 0);
    for (uint32_t c = 0; c < p.market.campaigns; c++)
        w.level[c] *= 2; /* so that the same is spent, or nearly */
    assert_int_equal(qbid_sim_world_run(&w, &broken, &bad), 0);
    double ratio = qbid_sim_value_at_equal_spend(&bad, &well, p.market.campaigns);
    print_message("a pacer that comes and goes: %.3f of the value at equal spend\n", ratio);
    assert_true(ratio < 0.97);
    qbid_sim_audience_done(&audience);
}

/* First and second price, each kind of feedback, each goal. */
static void every_market_can_be_played(void **state)
{
    static struct qbid_sim_match match;
    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        struct qbid_sim_match_params p = small();
        uint64_t bids = 0;
        p.market.auctions_a_day = AUCTIONS / 3;
        p.market.auction = k & 1 ? QBID_AUCTION_FIRST_PRICE : QBID_AUCTION_SECOND_PRICE;
        p.market.feedback = (enum qbid_sim_feedback)k;
        p.goal = k == 0   ? QBID_GOAL_MAX_VALUE
                 : k == 1 ? QBID_GOAL_TARGET_ROAS
                          : QBID_GOAL_TARGET_CPA;
        p.learn_days = 0;
        p.strategies = 1u << QBID_SIM_QBID;
        assert_int_equal(qbid_sim_match_play(&p, &match), 0);
        assert_int_equal(match.result[QBID_SIM_QBID].faults, 0);
        for (uint32_t c = 0; c < p.market.campaigns; c++) {
            const struct qbid_sim_campaign_sums *sums = &match.result[QBID_SIM_QBID].campaign[c];
            assert_true(sums->spend_nanos <= match.task[c].budget_nanos);
            bids += sums->bids;
        }
        assert_true(bids > 0);
    }
}

static void means_have_the_interval_of_student(void **state)
{
    const double x[] = {1, 2, 3, 4, 5}; /* R: t.test(1:5)$conf.int = 1.036757 4.963243 */
    double y[40];
    (void)state;
    struct qbid_sim_mean m = qbid_sim_mean_of(x, 5);
    assert_true(fabs(m.mean - 3) < 1e-12 && fabs(m.half - 1.963243) < 2e-3);
    assert_true(m.least == 1 && m.most == 5);
    for (int i = 0; i < 40; i++) /* R: qt(0.975, 39) = 2.022691, sd(rep(c(-1, 1), 20)) = 1.012739 */
        y[i] = i % 2 ? 1 : -1;
    m = qbid_sim_mean_of(y, 40);
    assert_true(fabs(m.half - 2.022691 * 1.012739 / sqrt(40)) < 2e-4);
    assert_true(qbid_sim_mean_of(x, 1).half == 0);
}

static void values_are_compared_at_the_smaller_spend(void **state)
{
    struct qbid_sim_result a = {0}, b = {0};
    (void)state;
    a.campaign[0] = (struct qbid_sim_campaign_sums){.spend_nanos = 100, .value_nanos = 300};
    b.campaign[0] = (struct qbid_sim_campaign_sums){.spend_nanos = 50, .value_nanos = 100};
    assert_true(fabs(qbid_sim_value_at_equal_spend(&a, &b, 1) - 1.5) < 1e-12);
    assert_true(fabs(qbid_sim_value_at_equal_spend(&b, &a, 1) - 1 / 1.5) < 1e-12);
    b.campaign[0].value_nanos = 0;
    assert_true(qbid_sim_value_at_equal_spend(&a, &b, 1) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_match_is_the_same_again_and_its_strategies_in_order),
        cmocka_unit_test(a_broken_pacer_is_seen),
        cmocka_unit_test(every_market_can_be_played),
        cmocka_unit_test(means_have_the_interval_of_student),
        cmocka_unit_test(values_are_compared_at_the_smaller_spend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
