/* SPDX-License-Identifier: Apache-2.0 */
/* Line items with a budget of their own, in a closed loop with their campaign. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/state/learner_state.h"
#include "shm/hash.h"
#include "shm/units.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/learn/saved.h"

#define PERIOD_S 60
#define DAY_S 86400
#define START_S (INT64_C(20003) * DAY_S)
#define AUCTIONS 40 /* of each line item in a period */

struct loop {
    struct learn_fixture f;
    struct qbid_learner *learner;
    struct qbid_learner_money money[2];
    struct qbid_learner_pace out[3];
    int64_t spent[2]; /* of line items 100 and 101 */
    uint64_t rolls;
};

static void loop_init(struct loop *l)
{
    struct qbid_learner_params p = {.segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE),
                                    .cell_max = 100,
                                    .context_max = 10,
                                    .sample_max = 500,
                                    .pace_min = 1.0 / 64,
                                    .pace_max = 64,
                                    .pace_period_ns = PERIOD_S * QBID_NS_PER_S,
                                    .step_log2_max = 0.3};
    memset(l, 0, sizeof *l);
    learn_fixture_init(&l->f);
    l->f.campaign[0].start_unix_s = START_S;
    l->f.campaign[0].end_unix_s = START_S + 2 * DAY_S;
    l->f.campaign[1].active = false;
    p.level_mask[0] = qbid_dim_mask(QBID_DIM_EXCHANGE);
    assert_int_equal(qbid_learner_new(&p, &l->learner), 0);
    l->money[0].budget_nanos = INT64_C(1000000000000); /* the campaign never binds */
}

static void auction(struct loop *l, int item, uint64_t now_ns)
{
    const struct qbid_line_item_def *li = &l->f.line_item[item];
    double price = 2e6 * (double)(qbid_roll(l->rolls++, 3, 0) >> 11) * 0x1p-53;
    double bid = 1e6 * (double)l->out[item].pace;
    struct qbid_outcome o = learn_outcome(QBID_EVENT_BID, li, learn_context(1, 0, 0), 0);
    if (bid <= 0)
        return;
    o.time_ns = o.bid_time_ns = now_ns;
    o.bid_nanos = (int64_t)bid + 1;
    qbid_learner_post(l->learner, &o, li, &l->f.campaign[0], 0);
    if (bid < price)
        return;
    o.kind = QBID_EVENT_BILL;
    o.price_nanos = (int64_t)price;
    l->spent[item] += o.price_nanos;
    l->money[0].spent_nanos += o.price_nanos;
    qbid_learner_post(l->learner, &o, li, &l->f.campaign[0], o.price_nanos);
}

/* Periods [from, to) since the start; by[] gets what line item 100 had spent. */
static void run(struct loop *l, int from, int to, double *by)
{
    for (int k = from; k < to; k++) {
        int64_t now_s = START_S + k * PERIOD_S;
        uint64_t now_ns = (uint64_t)(1000000 + k * PERIOD_S) * QBID_NS_PER_S;
        assert_int_equal(qbid_learner_pace(l->learner, &l->f.account, l->money, now_ns,
                                           now_s * (int64_t)QBID_NS_PER_S, l->out),
                         3);
        for (int i = 0; i < AUCTIONS; i++) {
            auction(l, 0, now_ns);
            auction(l, 1, now_ns);
        }
        if (by)
            by[k] = (double)l->spent[0];
    }
}

#define PERIODS (2 * DAY_S / PERIOD_S)

static void a_line_item_spends_its_own_budget_evenly(void **state)
{
    (void)state;
    static struct loop l;
    static double by[PERIODS];
    loop_init(&l);
    double all = 0.25 * 2e6 * 0.5 * AUCTIONS * PERIODS; /* what multiplier 1 would spend */
    double budget = 0.3 * all;
    l.f.line_item[0].budget_nanos = (int64_t)budget;
    run(&l, 0, PERIODS, by);
    double off = 0;
    for (int k = 60; k < PERIODS; k++)
        off = fmax(off, fabs(by[k] / budget - (k + 1.0) / PERIODS));
    print_message(
        "line item: delivered %.4f of its own budget, off the plan by %.4f; its neighbour "
        "spent %.2f times as much\n",
        by[PERIODS - 1] / budget, off, (double)l.spent[1] / by[PERIODS - 1]);
    assert_true(by[PERIODS - 1] >= 0.995 * budget && by[PERIODS - 1] <= 1.002 * budget);
    assert_true(off < 0.03);
    assert_true((double)l.spent[1] >
                1.5 * by[PERIODS - 1]); /* who has none goes with the campaign */
    qbid_learner_free(l.learner);
}

static void a_daily_budget_begins_anew_at_midnight(void **state)
{
    (void)state;
    static struct loop l;
    static double by[PERIODS];
    loop_init(&l);
    double budget = 0.2 * 0.5e6 * AUCTIONS * PERIODS / 2;
    l.f.line_item[0].daily_nanos = (int64_t)budget;
    run(&l, 0, PERIODS, by);
    double first = by[PERIODS / 2 - 1], second = by[PERIODS - 1] - first;
    assert_true(first >= 0.99 * budget && first <= 1.005 * budget);
    assert_true(second >= 0.99 * budget && second <= 1.005 * budget);
    l.f.line_item[0].budget_nanos = (int64_t)(by[PERIODS - 1] - 1); /* and one that is spent */
    run(&l, PERIODS - 1, PERIODS, by);
    assert_true(l.out[0].pace == 0 && l.out[1].pace > 0);
    qbid_learner_free(l.learner);
}

static void a_spent_budget_stops_the_line_item_and_nobody_else(void **state)
{
    (void)state;
    static struct loop l;
    loop_init(&l);
    l.f.line_item[0].budget_nanos = 1;
    run(&l, 0, 3, NULL);
    assert_true(l.out[0].pace == 0 && l.out[1].pace > 0);
    l.f.line_item[0].budget_nanos = 0; /* taken away: it goes with the campaign again */
    run(&l, 3, 4, NULL);
    assert_true(l.out[0].pace == l.out[1].pace);
    qbid_learner_free(l.learner);
}

static void a_restart_keeps_what_a_line_item_has_spent(void **state)
{
    (void)state;
    static struct saved saved;
    static struct loop l;
    loop_init(&l);
    double budget = 0.2 * 0.5e6 * AUCTIONS * PERIODS;
    l.f.line_item[0].budget_nanos = (int64_t)budget;
    run(&l, 0, PERIODS / 2, NULL);
    assert_int_equal(qbid_learner_save(l.learner, true, saved_keep, &saved), 0);
    qbid_learner_free(l.learner);
    struct qbid_learner_money money = l.money[0];
    int64_t spent = l.spent[0];
    struct loop next;
    loop_init(&next);
    next.f.line_item[0].budget_nanos = (int64_t)budget;
    next.money[0] = money;
    next.spent[0] = spent;
    saved_restore(&saved, next.learner);
    saved_done(&saved);
    run(&next, PERIODS / 2, PERIODS, NULL);
    assert_true((double)next.spent[0] >= 0.995 * budget && (double)next.spent[0] <= 1.002 * budget);
    qbid_learner_free(next.learner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_item_spends_its_own_budget_evenly),
        cmocka_unit_test(a_daily_budget_begins_anew_at_midnight),
        cmocka_unit_test(a_spent_budget_stops_the_line_item_and_nobody_else),
        cmocka_unit_test(a_restart_keeps_what_a_line_item_has_spent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
