/* SPDX-License-Identifier: Apache-2.0 */
/* Hours of campaigns and line items, against the ratios that clicks were drawn from. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/hours/item_hours.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/models/rng.h"

#define DAY QBID_ITEM_HOURS_DAY
#define ITEMS 3
#define START_S INT64_C(1700000000)

struct world {
    struct learn_fixture f;
    struct qbid_hours account;
    struct qbid_item_hours hours;
    double truth[ITEMS][DAY]; /* by line item index */
    double size[ITEMS];       /* times the clicks of the others */
};

static double normal(struct rng *r)
{
    double sum = -6; /* twelve uniform draws have variance 1 */
    for (int i = 0; i < 12; i++)
        sum += rng_uniform(r);
    return sum;
}

static uint32_t poisson(struct rng *r, double mean)
{
    double left = exp(-mean), product = rng_uniform(r);
    uint32_t n = 0;
    for (; product > left; n++)
        product *= rng_uniform(r);
    return n;
}

/* Hours of both campaigns (sd), and of each line item beside them. */
static void world_open(struct world *w, struct rng *r, double campaign_sd, double item_sd)
{
    double campaign[2][DAY];
    memset(w, 0, sizeof *w);
    learn_fixture_init(&w->f);
    for (uint32_t i = 1; i <= 168; i++)
        w->account.week[i] = (uint8_t)i;
    for (unsigned h = 0; h < DAY; h++)
        for (unsigned c = 0; c < 2; c++)
            campaign[c][h] = campaign_sd * normal(r);
    for (unsigned i = 0; i < ITEMS; i++)
        w->size[i] = 1;
    for (unsigned i = 0; i < ITEMS; i++)
        for (unsigned h = 0; h < DAY; h++)
            w->truth[w->f.line_item[i].idx][h] =
                exp(campaign[w->f.line_item[i].campaign_id == 20][h] + item_sd * normal(r));
}

/* A week in which every line item expects so many clicks an hour. */
static void week_play(struct world *w, struct rng *r, double each, int64_t now_s)
{
    for (uint32_t hour = 1; hour <= 168; hour++) {
        for (unsigned i = 0; i < ITEMS; i++) {
            const struct qbid_line_item_def *li = &w->f.line_item[i];
            double expected = each * w->size[li->idx];
            uint64_t context = qbid_dim_pack(0, QBID_DIM_HOUR, hour);
            struct qbid_outcome win = learn_outcome(QBID_EVENT_WIN, li, context, 1),
                                click = learn_outcome(QBID_EVENT_CLICK, li, context, 0);
            uint32_t clicks = poisson(r, expected * w->truth[li->idx][(hour - 1) % DAY]);
            win.first_win = true;
            click.first_win = false;
            qbid_hours_post(&w->account, &win, expected, now_s);
            qbid_item_hours_post(&w->hours, &w->account, &win, expected, now_s);
            for (uint32_t n = 0; n < clicks; n++) {
                qbid_hours_post(&w->account, &click, 0, now_s);
                qbid_item_hours_post(&w->hours, &w->account, &click, 0, now_s);
            }
        }
    }
    (void)qbid_hours_tick(&w->account, now_s);
    assert_int_equal(qbid_item_hours_tick(&w->hours, &w->account, &w->f.account, now_s), 0);
}

/* Mean square of log ratio against the truth, each about its mean over the day: the account's alone
 * and the line items' own. */
static void errors_of(const struct world *w, double *ret_account, double *ret_own)
{
    *ret_account = *ret_own = 0;
    for (unsigned i = 0; i < ITEMS; i++) {
        double sum[2] = {0}, square[2] = {0};
        for (uint32_t hour = 1; hour <= 168; hour++) {
            uint64_t context = qbid_dim_pack(0, QBID_DIM_HOUR, hour);
            double truth = log(w->truth[i][(hour - 1) % DAY]);
            double e[2] = {log(qbid_hours_ratio(&w->account, context)) - truth,
                           log(qbid_item_hours_ratio(&w->hours, &w->account, i, context)) - truth};
            for (unsigned k = 0; k < 2; k++) {
                sum[k] += e[k] / 168;
                square[k] += e[k] * e[k] / 168;
            }
        }
        *ret_account += (square[0] - sum[0] * sum[0]) / ITEMS;
        *ret_own += (square[1] - sum[1] * sum[1]) / ITEMS;
    }
}

static void campaigns_and_line_items_have_hours_of_their_own(void **state)
{
    (void)state;
    static struct world w;
    struct rng r = rng_init(11);
    double account = 0, own = 0;
    for (int k = 0; k < 10; k++) {
        double a, o;
        world_open(&w, &r, 0.25, 0.1);
        week_play(&w, &r, 3, START_S); /* 21 clicks by line item and hour of the day */
        errors_of(&w, &a, &o);
        account += a / 10;
        own += o / 10;
        qbid_item_hours_done(&w.hours);
    }
    print_message("hours: square error of log ratios %.4f by the account's, %.4f by their own\n",
                  account, own);
    assert_true(own < 0.75 * account);
    assert_true(own < 0.03); /* the draws alone, unshrunk: 1 / 21 = 0.048 */
}

static void a_small_campaign_does_not_take_on_the_hours_of_a_large_one(void **state)
{
    (void)state;
    static struct world w;
    struct rng r = rng_init(14);
    double error = 0;
    for (int k = 0; k < 5; k++) {
        world_open(&w, &r, 0.3, 0);
        w.size[0] = w.size[1] = 30; /* of the first campaign */
        week_play(&w, &r, 6, START_S);
        double sum = 0, square = 0;
        for (uint32_t h = 1; h <= DAY; h++) {
            uint64_t context = qbid_dim_pack(0, QBID_DIM_HOUR, h);
            double e =
                log(qbid_item_hours_ratio(&w.hours, &w.account, 2, context) / w.truth[2][h - 1]);
            sum += e / DAY;
            square += e * e / DAY;
        }
        error += (square - sum * sum) / 5;
        qbid_item_hours_done(&w.hours);
    }
    print_message("hours of a small campaign: square error of log ratios %.4f\n", error);
    assert_true(error < 0.03); /* its own 42 clicks an hour: 0.024; the other's hours: 0.18 */
}

static void hours_of_now_are_those_of_the_last_minutes_however_rare_ticks_are(void **state)
{
    (void)state;
    static struct world w;
    struct rng r = rng_init(15);
    world_open(&w, &r, 0, 0);
    for (unsigned i = 0; i < ITEMS; i++)
        for (unsigned h = 0; h < DAY; h++)
            w.truth[i][h] = h == 21 ? 1.3 : 0.98;
    week_play(&w, &r, 50, START_S);
    for (int64_t s = 0; s < 3900; s += 5) { /* an hour of one, five minutes of the next */
        struct qbid_outcome bid =
            learn_outcome(QBID_EVENT_BID, &w.f.line_item[0],
                          qbid_dim_pack(0, QBID_DIM_HOUR, s < 3600 ? 21 : 22), 0);
        qbid_hours_post(&w.account, &bid, 0, START_S + s);
    }
    double multiplier = qbid_hours_tick(&w.account, START_S + 3900);
    double ratio = w.account.ratio[22];
    print_message("five minutes into an hour of ratio %.3f, after one of %.3f: multiplier %.3f\n",
                  ratio, w.account.ratio[21], multiplier);
    assert_true(ratio > 1.1 * w.account.ratio[21] && fabs(multiplier / ratio - 1) < 0.02);
    qbid_item_hours_done(&w.hours);
}

static void line_items_that_are_alike_go_by_the_account(void **state)
{
    (void)state;
    static struct world w;
    struct rng r = rng_init(12);
    double account = 0, own = 0;
    for (int k = 0; k < 10; k++) {
        double a, o;
        world_open(&w, &r, 0, 0);
        week_play(&w, &r, 3, START_S);
        errors_of(&w, &a, &o);
        account += a / 10;
        own += o / 10;
        qbid_item_hours_done(&w.hours);
    }
    print_message("hours of none: square error %.5f by the account's, %.5f by their own\n", account,
                  own);
    assert_true(own < account + 0.004);
}

static void multipliers_move_by_steps_to_the_hours_of_now_and_old_counts_fade(void **state)
{
    (void)state;
    static struct world w;
    struct rng r = rng_init(13);
    world_open(&w, &r, 0, 0);
    for (unsigned h = 0; h < DAY; h++)
        w.truth[0][h] = h >= 16 ? 1.7 : 0.75;
    week_play(&w, &r, 12, START_S);
    assert_true(qbid_item_hours_multiplier(&w.hours, 77) == 1); /* nobody knows it */
    double last = qbid_item_hours_multiplier(&w.hours, 0);
    struct qbid_outcome bid =
        learn_outcome(QBID_EVENT_BID, &w.f.line_item[0], qbid_dim_pack(0, QBID_DIM_HOUR, 21), 0);
    for (int k = 0; k < 6; k++) {
        for (int n = 0; n < 1000; n++)
            qbid_hours_post(&w.account, &bid, 0, START_S + 3600 * k);
        (void)qbid_hours_tick(&w.account, START_S + 3600 * (k + 1));
        assert_int_equal(
            qbid_item_hours_tick(&w.hours, &w.account, &w.f.account, START_S + 3600 * (k + 1)), 0);
        double now = qbid_item_hours_multiplier(&w.hours, 0);
        assert_true(fabs(log2(now / last)) <= QBID_HOURS_STEP_LG + 1e-12);
        last = now;
    }
    double other = qbid_item_hours_multiplier(&w.hours, 1);
    print_message("hours: multiplier at its good hour %.3f of 1.7, of another %.3f\n", last, other);
    assert_true(last > 1.35 && last < 2);
    assert_true(other > 0.8 && other < 1.25 && last > 1.25 * other);
    double before = w.hours.item[0].clicks[0];
    assert_int_equal(qbid_item_hours_tick(&w.hours, &w.account, &w.f.account,
                                          START_S + 6 * 3600 + (int64_t)QBID_HOURS_HALF_LIFE_S),
                     0);
    assert_true(fabs(w.hours.item[0].clicks[0] / before - 0.5) < 1e-9);
    qbid_item_hours_done(&w.hours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(campaigns_and_line_items_have_hours_of_their_own),
        cmocka_unit_test(a_small_campaign_does_not_take_on_the_hours_of_a_large_one),
        cmocka_unit_test(hours_of_now_are_those_of_the_last_minutes_however_rare_ticks_are),
        cmocka_unit_test(line_items_that_are_alike_go_by_the_account),
        cmocka_unit_test(multipliers_move_by_steps_to_the_hours_of_now_and_old_counts_fade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
