/* SPDX-License-Identifier: Apache-2.0 */
/* The learner through days of traffic: conversions that come late, rates that change. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/learner.h"
#include "control/learn/state/learner_state.h"
#include "shm/units.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/models/rng.h"

#define START_S INT64_C(1700000000)
#define LATE_MAX 20000
#define DAY_HOURS 24

struct days {
    struct learn_fixture f;
    struct qbid_learner *learner;
    struct qbid_learner_money money[2];
    struct rng r;
    int64_t hour;
    struct {
        int64_t due_hour, click_hour;
        uint32_t line_item;
    } late[LATE_MAX];
    uint32_t late_cnt;
};

static void days_open(struct days *d, uint64_t seed)
{
    struct qbid_learner_params p = {.segment_mask = qbid_dim_mask(QBID_DIM_EXCHANGE),
                                    .cell_max = 10000,
                                    .context_max = 1000,
                                    .sample_max = 200,
                                    .explore = 0.02,
                                    .rotation_floor = 0.02,
                                    .pace_min = 1.0 / 64,
                                    .pace_max = 64,
                                    .pace_period_ns = 60 * QBID_NS_PER_S,
                                    .step_log2_max = 0.3};
    memset(d, 0, sizeof *d);
    p.level_mask[0] = qbid_dim_mask(QBID_DIM_SITE);
    learn_fixture_init(&d->f);
    for (int i = 0; i < 2; i++) {
        d->f.campaign[i].start_unix_s = START_S - 3600;
        d->f.campaign[i].end_unix_s = START_S + 365 * 86400;
        d->f.campaign[i].goal = QBID_GOAL_TARGET_CPA;
        d->f.campaign[i].target_micros = 10000000;
        d->money[i] = (struct qbid_learner_money){INT64_C(1000000000000), 0, 0};
    }
    d->r = rng_init(seed);
    assert_int_equal(qbid_learner_new(&p, &d->learner), 0);
}

static void post(struct days *d, uint32_t li, int kind, int64_t bid_hour)
{
    const struct qbid_line_item_def *def = &d->f.line_item[li];
    struct qbid_outcome o = learn_outcome(kind, def, learn_context(0, 0, 1), 0);
    o.time_ns = (uint64_t)(1000 + d->hour) * 3600 * QBID_NS_PER_S;
    o.bid_time_ns = (uint64_t)(1000 + bid_hour) * 3600 * QBID_NS_PER_S;
    qbid_learner_post(d->learner, &o, def, &d->f.campaign[li == 2], 0);
}

/* An hour: impressions of a line item, clicks at a rate; each tenth click converts, later by an
 * exponential delay. */
static void hour(struct days *d, uint32_t li, uint32_t imps, double ctr, double delay_h)
{
    struct qbid_learner_pace out[3];
    assert_int_equal(qbid_learner_pace(d->learner, &d->f.account, d->money,
                                       (uint64_t)(1000 + d->hour) * 3600 * QBID_NS_PER_S,
                                       (START_S + d->hour * 3600) * (int64_t)QBID_NS_PER_S, out),
                     3);
    for (uint32_t i = 0; i < imps; i++) {
        post(d, li, QBID_EVENT_IMP, d->hour);
        if (rng_uniform(&d->r) >= ctr)
            continue;
        post(d, li, QBID_EVENT_CLICK, d->hour);
        if (delay_h > 0 && rng_uniform(&d->r) < 0.1 && d->late_cnt < LATE_MAX) {
            d->late[d->late_cnt].click_hour = d->hour;
            d->late[d->late_cnt].due_hour = d->hour + (int64_t)(-delay_h * log(rng_uniform(&d->r)));
            d->late[d->late_cnt++].line_item = li;
        }
    }
    for (uint32_t i = 0; i < d->late_cnt; i++) {
        if (d->late[i].due_hour > d->hour)
            continue;
        post(d, d->late[i].line_item, QBID_EVENT_CONV, d->late[i].click_hour);
        d->late[i--] = d->late[--d->late_cnt];
    }
}

static void hours_name(struct qbid_dictionary *dictionary)
{
    char text[16];
    for (unsigned h = 0; h < 168; h++) {
        snprintf(text, sizeof text, "%u", h);
        assert_int_equal(qbid_dictionary_add(dictionary, QBID_DIM_HOUR, text), 1 + h);
    }
}

static struct qbid_rate_pair plan(struct days *d, uint32_t li)
{
    struct qbid_dictionary *dictionary;
    struct qbid_plan made;
    assert_int_equal(qbid_dictionary_new(&dictionary), 0);
    hours_name(dictionary);
    assert_int_equal(qbid_learner_plan(d->learner, &d->f.account, dictionary, &made), 0);
    qbid_plan_done(&made);
    qbid_dictionary_free(dictionary);
    return qbid_values_rates(&d->learner->values, d->f.line_item[li].idx, 0, QBID_LEVEL_DEFAULT);
}

/* A month of one campaign teaches the delay; the other's rate is right when it is a day old. */
static void a_young_campaigns_conversions_are_matured(void **state)
{
    (void)state;
    static struct days d;
    days_open(&d, 4);
    for (d.hour = 0; d.hour < 30 * DAY_HOURS; d.hour++) {
        hour(&d, 0, 300, 0.2, 48);
        if (d.hour % 6 == 0)
            (void)plan(&d, 0);
    }
    for (; d.hour < 31 * DAY_HOURS; d.hour++)
        hour(&d, 2, 2000, 0.2, 48);
    struct qbid_rate_pair old = plan(&d, 0), young = plan(&d, 2);
    const struct qbid_delays *delays = &d.learner->delays;
    double matured = delays->maturity[d.f.line_item[2].idx];
    double exact = 1 - (1 - exp(-0.5)) / 0.5; /* of clicks spread over half a mean delay */
    print_message("conversion rate of a day-old campaign %.4f, of a month-old one %.4f (truth "
                  "0.1000); matured %.3f (%.3f)\n",
                  young.cvr, old.cvr, matured, exact);
    assert_true(fabs(matured / exact - 1) < 0.15);
    assert_true(fabs(young.cvr / 0.1 - 1) < 0.12);
    assert_true(fabs(old.cvr / 0.1 - 1) < 0.05);
    qbid_learner_free(d.learner);
}

/* Twenty days at one rate, then eight at another: levels forget what is old. */
static void a_click_rate_that_changes_is_followed(void **state)
{
    (void)state;
    static struct days d;
    days_open(&d, 5);
    for (d.hour = 0; d.hour < 20 * DAY_HOURS; d.hour++) {
        hour(&d, 0, 400, 0.02, 0);
        hour(&d, 2, 400, 0.02, 0);
        (void)plan(&d, 0);
    }
    double before = qbid_decay_half_life_s(d.learner->recency.race[0].chosen);
    for (; d.hour < 28 * DAY_HOURS; d.hour++) {
        hour(&d, 0, 400, 0.05, 0);
        hour(&d, 2, 400, 0.01, 0);
        (void)plan(&d, 0);
    }
    struct qbid_rate_pair up = plan(&d, 0), down = plan(&d, 2);
    double after = qbid_decay_half_life_s(d.learner->recency.race[0].chosen);
    print_message("half-life %.0f hours, after a change %.0f; rates %.4f of 0.05, %.4f of 0.01\n",
                  before / 3600, after / 3600, up.ctr, down.ctr);
    assert_true(isinf(before));
    assert_true(after <= 7 * 86400);
    assert_true(fabs(up.ctr / 0.05 - 1) < 0.1 && fabs(down.ctr / 0.01 - 1) < 0.15);
    qbid_learner_free(d.learner);
}

static void post_at(struct days *d, int kind, uint32_t hour_idx)
{
    const struct qbid_line_item_def *def = &d->f.line_item[0];
    uint64_t context = qbid_dim_pack(learn_context(0, 0, 1), QBID_DIM_HOUR, hour_idx);
    struct qbid_outcome o = learn_outcome(kind, def, context, 800000);
    o.time_ns = o.bid_time_ns = (uint64_t)(1000 + d->hour) * 3600 * QBID_NS_PER_S;
    qbid_learner_post(d->learner, &o, def, &d->f.campaign[0], 0);
}

struct sums {
    double multiplier, ctr, cnt;
};

/* Three weeks in which evenings click at three times the rate of the other hours. The value of an
 * impression follows, no faster than a step a plan, and goes back when the evening is over. */
static void values_follow_the_hours_of_the_week(void **state)
{
    (void)state;
    static struct days d;
    struct sums evening = {0}, day = {0}, between = {0};
    double last = 0, most = 0;
    days_open(&d, 6);
    for (d.hour = 0; d.hour < 21 * DAY_HOURS; d.hour++) {
        bool late = d.hour % DAY_HOURS >= 18;
        hour(&d, 1, 0, 0, 0);
        for (int i = 0; i < 600; i++) {
            uint32_t h = 1 + (uint32_t)(d.hour % 168);
            post_at(&d, QBID_EVENT_BID, h);
            post_at(&d, QBID_EVENT_WIN, h);
            post_at(&d, QBID_EVENT_IMP, h);
            if (rng_uniform(&d.r) < (late ? 0.06 : 0.02))
                post_at(&d, QBID_EVENT_CLICK, h);
        }
        double ctr = plan(&d, 0).ctr, now = d.learner->values.hour[0];
        most = d.hour ? fmax(most, fabs(log2(now / last))) : 0;
        last = now;
        if (d.hour < 14 * DAY_HOURS)
            continue;
        uint32_t at = (uint32_t)(d.hour % DAY_HOURS);
        struct sums *sum = at >= 21 ? &evening : at >= 6 && at < 18 ? &day : &between;
        sum->multiplier += now;
        sum->ctr += now * ctr;
        sum->cnt++;
    }
    /* 0.03 on the whole: an evening hour is worth twice that, another two thirds of it */
    evening.multiplier /= evening.cnt, evening.ctr /= evening.cnt;
    day.multiplier /= day.cnt, day.ctr /= day.cnt;
    print_message("hours: multiplier of an evening %.3f, of a day %.3f, largest step %.3f octaves; "
                  "rates %.4f of 0.06, %.4f of 0.02\n",
                  evening.multiplier, day.multiplier, most, evening.ctr, day.ctr);
    assert_true(evening.multiplier > 1.6 && evening.multiplier <= 2);
    assert_true(day.multiplier > 0.6 && day.multiplier < 0.75);
    /* three evenings of each hour of the week, but each hour of the day has had twenty */
    assert_true(evening.ctr > 0.0475 && evening.ctr < 0.066);
    assert_true(fabs(day.ctr / 0.02 - 1) < 0.1);
    assert_true(most <= 0.3 + 1e-12);
    qbid_learner_free(d.learner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_young_campaigns_conversions_are_matured),
        cmocka_unit_test(a_click_rate_that_changes_is_followed),
        cmocka_unit_test(values_follow_the_hours_of_the_week),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
