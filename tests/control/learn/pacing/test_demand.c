/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a campaign follows the traffic that the learner has seen: weeks of a daily budget in
 * a closed loop, over day boundaries, a save and a restore. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/pacing/demand.h"
#include "control/learn/state/learner_state.h"
#include "shm/error.h"
#include "shm/hash.h"
#include "shm/units.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/learn/saved.h"

#define PERIOD_S 300
#define DAY_S 86400
#define PERIODS (DAY_S / PERIOD_S)
#define MONDAY_S (INT64_C(20003) * DAY_S) /* 2024-10-07 */

struct loop {
    struct learn_fixture f;
    struct qbid_learner *learner;
    struct qbid_learner_money money[2];
    struct qbid_learner_pace out[3];
    uint64_t rolls;
    int64_t spent_nanos; /* of the present day */
    double carry;
};

static struct qbid_learner *learner_make(void)
{
    struct qbid_learner_params p = {.segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE),
                                    .cell_max = 1000,
                                    .context_max = 100,
                                    .sample_max = 500,
                                    .pace_min = 1.0 / 64,
                                    .pace_max = 64,
                                    .pace_period_ns = PERIOD_S * QBID_NS_PER_S,
                                    .step_log2_max = 0.3};
    struct qbid_learner *learner;
    p.level_mask[0] = qbid_dim_mask(QBID_DIM_EXCHANGE);
    assert_int_equal(qbid_learner_new(&p, &learner), 0);
    return learner;
}

/* Auctions of one period: many in the evening, few at night. */
static double auctions_at(int64_t unix_s)
{
    double t = (double)(unix_s % DAY_S) / DAY_S;
    return 30 * (1 - 0.8 * cos(6.283185307 * (t - 0.15)));
}

static double traffic_until(int64_t period)
{
    double sum = 0;
    for (int64_t k = 0; k < period; k++)
        sum += auctions_at(k * PERIOD_S);
    return sum;
}

static void auction(struct loop *loop, double pace, uint64_t now_ns)
{
    const struct qbid_line_item_def *li = &loop->f.line_item[0];
    struct qbid_outcome o = learn_outcome(QBID_EVENT_BID, li, learn_context(1, 0, 0), 0);
    double price = 2e6 * (double)(qbid_roll(loop->rolls++, 3, 0) >> 11) * 0x1p-53;
    o.bid_nanos = (int64_t)(1e6 * pace);
    o.pace = (float)pace;
    o.time_ns = o.bid_time_ns = now_ns;
    qbid_learner_post(loop->learner, &o, li, &loop->f.campaign[0], 0);
    bool won = (double)o.bid_nanos >= price &&
               loop->money[0].spent_nanos + (int64_t)price <= loop->money[0].budget_nanos;
    o.kind = won ? QBID_EVENT_WIN : QBID_EVENT_LOSS;
    o.first_win = won;
    o.price_nanos = won ? (int64_t)price : 0;
    qbid_learner_post(loop->learner, &o, li, &loop->f.campaign[0], 0);
    if (!won)
        return;
    o.kind = QBID_EVENT_BILL;
    o.first_win = false;
    loop->money[0].spent_nanos += o.price_nanos;
    loop->spent_nanos += o.price_nanos;
    qbid_learner_post(loop->learner, &o, li, &loop->f.campaign[0], o.price_nanos);
}

/* One period of a day: pace, then auctions. */
static void period_run(struct loop *loop, int64_t now_s)
{
    uint64_t now_ns = (uint64_t)(now_s - MONDAY_S + 1000 * DAY_S) * QBID_NS_PER_S;
    assert_int_equal(qbid_learner_pace(loop->learner, &loop->f.account, loop->money, now_ns,
                                       now_s * (int64_t)QBID_NS_PER_S, loop->out),
                     3);
    loop->carry += auctions_at(now_s);
    for (; loop->carry >= 1; loop->carry--)
        auction(loop, (double)loop->out[0].pace, now_ns);
}

/* Days [from, to) since Monday with a budget for each; by[] gets what was spent up to each period
 * of the last one. */
static void days_run(struct loop *loop, int from, int to, double budget_nanos, double by[PERIODS])
{
    for (int day = from; day < to; day++) {
        loop->money[0].budget_nanos = loop->money[0].spent_nanos + (int64_t)budget_nanos;
        loop->spent_nanos = 0;
        for (int k = 0; k < PERIODS; k++) {
            period_run(loop, MONDAY_S + day * DAY_S + k * PERIOD_S);
            by[k] = (double)loop->spent_nanos;
        }
    }
}

static void loop_init(struct loop *loop)
{
    memset(loop, 0, sizeof *loop);
    learn_fixture_init(&loop->f);
    struct qbid_campaign_def *c = &loop->f.campaign[0];
    c->period = QBID_BUDGET_DAILY;
    c->start_unix_s = MONDAY_S;
    c->end_unix_s = MONDAY_S + 100 * DAY_S;
    loop->f.campaign[1].active = false;
    loop->learner = learner_make();
}

/* Largest distance between spend and traffic, in parts of the day's. */
static double distance(const double by[PERIODS], double budget)
{
    double most = 0, all = traffic_until(PERIODS);
    for (int k = 0; k < PERIODS; k++)
        most = fmax(most, fabs(by[k] / budget - traffic_until(k + 1) / all));
    return most;
}

static void a_daily_budget_follows_the_traffic_once_it_is_known(void **state)
{
    (void)state;
    struct loop loop;
    double by[PERIODS], budget = 0.3 * 30 * PERIODS * 0.5e6;
    loop_init(&loop);
    days_run(&loop, 0, 1, budget, by);
    double first = distance(by, budget);
    days_run(&loop, 1, 9, budget, by);
    double later = distance(by, budget);
    print_message(
        "spend is off the traffic by %.3f of a budget on the first day, %.3f on the ninth; "
        "delivered %.4f\n",
        first, later, by[PERIODS - 1] / budget);
    assert_true(first > 0.1 && later < 0.05);
    assert_true(by[PERIODS - 1] >= 0.995 * budget && by[PERIODS - 1] <= budget);
    qbid_learner_free(loop.learner);
}

static void plan_parts_are_those_of_the_day_that_runs(void **state)
{
    (void)state;
    struct loop loop;
    double by[PERIODS], all = traffic_until(PERIODS);
    loop_init(&loop);
    days_run(&loop, 0, 9, 1e18, by);
    struct qbid_campaign_state *c = qbid_campaigns_touch(&loop.learner->campaigns, 10);
    for (int k = 0; k < PERIODS; k += 7) {
        int64_t now_s = MONDAY_S + 9 * DAY_S + k * PERIOD_S;
        qbid_campaign_roll(c, &loop.f.campaign[0], 0, now_s);
        assert_int_equal(c->flight.start_unix_s, MONDAY_S + 9 * DAY_S);
        struct qbid_demand d = qbid_demand_at(c, PERIOD_S, now_s * (int64_t)QBID_NS_PER_S);
        assert_true(fabs(d.done - traffic_until(k) / all) < 0.02);
        assert_true(fabs(d.step - auctions_at(now_s) / all) < 0.001);
        assert_true(fabs(d.all / all - 1) < 0.05);
    }
    qbid_learner_free(loop.learner);
}

/* Fitting anew in the middle of a flight changes neither what was spent nor the rate of now. */
static void a_new_curve_moves_the_plan_and_not_the_pace(void **state)
{
    (void)state;
    struct loop loop;
    double by[PERIODS], budget = 0.3 * 30 * PERIODS * 0.5e6;
    loop_init(&loop);
    days_run(&loop, 0, 3, budget, by);
    struct qbid_campaign_state *c = qbid_campaigns_touch(&loop.learner->campaigns, 10);
    int64_t noon_s = MONDAY_S + 3 * DAY_S + DAY_S / 2;
    loop.money[0].budget_nanos = loop.money[0].spent_nanos + (int64_t)budget;
    for (int64_t at = noon_s - DAY_S / 2; at < noon_s; at += PERIOD_S)
        period_run(&loop, at);
    struct qbid_pacing_state before = c->pacing;
    double rate = before.level * qbid_traffic_at(&c->curve, (double)noon_s) / c->plan_total;
    qbid_traffic_flat(&c->curve); /* something quite different */
    c->curve.today = noon_s / DAY_S;
    c->plan_total = 0;
    c->pacing.level = rate * DAY_S;
    c->pacing.plan_done = 0.5;
    loop.learner->curve_hour = 0;
    qbid_demand_refit(loop.learner, noon_s);
    assert_true(fabs(c->pacing.plan_done - before.plan_done) < 0.01);
    assert_true(
        fabs(c->pacing.level * qbid_traffic_at(&c->curve, (double)noon_s) / c->plan_total / rate -
             1) < 0.01);
    qbid_learner_free(loop.learner);
}

static void a_restart_keeps_what_is_known_of_the_traffic(void **state)
{
    (void)state;
    static struct saved saved;
    struct loop loop;
    double by[PERIODS], budget = 0.3 * 30 * PERIODS * 0.5e6;
    loop_init(&loop);
    days_run(&loop, 0, 9, budget, by);
    assert_int_equal(qbid_learner_save(loop.learner, true, saved_keep, &saved), 0);
    struct qbid_learner *next = learner_make();
    saved_restore(&saved, next);
    saved_done(&saved);
    int64_t now_s = MONDAY_S + 9 * DAY_S;
    loop.learner->curve_hour = 0;
    loop.learner->curve = next->curve; /* the account's curve is fitted from the one before */
    qbid_demand_refit(loop.learner, now_s);
    qbid_demand_refit(next, now_s);
    const struct qbid_campaign_state *a = qbid_campaigns_touch(&loop.learner->campaigns, 10);
    const struct qbid_campaign_state *b = qbid_campaigns_touch(&next->campaigns, 10);
    assert_memory_equal(&a->traffic, &b->traffic, sizeof a->traffic);
    assert_memory_equal(&a->curve, &b->curve, sizeof a->curve);
    qbid_learner_free(loop.learner);
    loop.learner = next;
    days_run(&loop, 9, 10, budget, by);
    assert_true(distance(by, budget) < 0.05);
    qbid_learner_free(next);
}

/* A hundred campaigns: no call fits them all, and after a few each has its curve. */
static void many_campaigns_are_fitted_over_several_calls(void **state)
{
    (void)state;
    struct qbid_learner *learner = learner_make();
    for (uint32_t id = 1; id <= 100; id++) {
        struct qbid_campaign_state *c = qbid_campaigns_touch(&learner->campaigns, id);
        for (int h = 0; h < 48; h++)
            qbid_traffic_note(&c->traffic, (double)MONDAY_S + h * 3600.0,
                              (double)MONDAY_S + (h + 1) * 3600.0, 100 + 90 * (h % 24), NULL);
    }
    uint32_t fitted = 0, last = 0, calls = 0;
    for (; fitted < 100; calls++) {
        assert_true(calls < 10);
        qbid_demand_refit(learner, MONDAY_S + 2 * DAY_S);
        fitted = 0;
        for (uint32_t id = 1; id <= 100; id++)
            fitted += qbid_campaigns_touch(&learner->campaigns, id)->curve.today != 0;
        assert_true(fitted > last && fitted - last < 100);
        last = fitted;
    }
    qbid_learner_free(learner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_daily_budget_follows_the_traffic_once_it_is_known),
        cmocka_unit_test(plan_parts_are_those_of_the_day_that_runs),
        cmocka_unit_test(a_new_curve_moves_the_plan_and_not_the_pace),
        cmocka_unit_test(a_restart_keeps_what_is_known_of_the_traffic),
        cmocka_unit_test(many_campaigns_are_fitted_over_several_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
