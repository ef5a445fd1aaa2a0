/* SPDX-License-Identifier: Apache-2.0 */
/* Goals with caps through the real learner and pacer: whole days of a simulated market, against the
 * linear programme that knows every auction; day-parting; and input that is broken or late. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glpk.h>

#include "shm/units.h"
#include "tests/control/learn/pacing/strategy_world.h"

/* What the programme buys that day with the true rates: value of its objective. */
static double programme(const struct world *w, int day, double budget, const double *worth,
                        const double *allow)
{
    glp_prob *lp = glp_create_prob();
    glp_smcp how;
    glp_term_out(GLP_OFF);
    glp_set_obj_dir(lp, GLP_MAX);
    glp_add_rows(lp, 2);
    glp_add_cols(lp, AUCTIONS);
    glp_set_row_bnds(lp, 1, GLP_UP, 0, budget);
    glp_set_row_bnds(lp, 2, GLP_UP, 0, 0);
    for (int i = 0; i < AUCTIONS; i++) {
        const struct auction *a = &w->auction[day * AUCTIONS + i];
        double cost = (double)a->price_micros / 1e9;
        int row[3] = {0, 1, 2};
        double of[3] = {0, cost, cost - allow[a->place]};
        glp_set_obj_coef(lp, 1 + i, worth[a->place]);
        glp_set_col_bnds(lp, 1 + i, GLP_DB, 0, 1);
        glp_set_mat_col(lp, 1 + i, 2, row, of);
    }
    glp_init_smcp(&how);
    how.meth = GLP_DUALP;
    how.r_test = GLP_RT_FLIP;
    glp_scale_prob(lp, GLP_SF_AUTO);
    assert_int_equal(glp_simplex(lp, &how), 0);
    double objective = glp_get_obj_val(lp);
    glp_delete_prob(lp);
    return objective;
}

/* Worth, and what a cap allows, of one impression of each place; units of money, or events. */
struct terms {
    double worth[CONTEXTS], allow[CONTEXTS];
};

/* What the days after the first came to, against the programme's. */
struct judged {
    double worth, best, spend, allowed, budget, convs;
};

static struct judged days_judge(struct world *w, int days, const struct terms *t,
                                enum qbid_goal goal, enum qbid_cap cap, double budget)
{
    struct judged j = {0};
    double a_click = (double)world_campaign(w)->cap_micros[QBID_CAP_CPC] / 1e6;
    double a_conv = (double)world_campaign(w)->cap_micros[QBID_CAP_CPA] / 1e6;
    for (int day = 0; day < days; day++) {
        struct won won = world_day(w, day);
        if (day == 0)
            continue;
        j.worth += goal == QBID_GOAL_MAX_CLICKS ? won.clicks : won.convs;
        j.convs += won.convs;
        j.best += w->first_price ? 0 : programme(w, day, budget, t->worth, t->allow);
        j.spend += won.spend;
        j.allowed += cap == QBID_CAP_CPC ? won.clicks_seen * a_click : won.convs_seen * a_conv;
        j.budget += budget;
    }
    return j;
}

/* Conversions at a price a click; clicks at a price a conversion. */
static void two_constraints_reach_the_programme_and_keep_the_cap(void **state)
{
    (void)state;
    static const struct {
        enum qbid_goal goal;
        enum qbid_cap cap;
        double most;
    } runs[] = {{QBID_GOAL_MAX_CONVERSIONS, QBID_CAP_CPC, 0.0156},
                {QBID_GOAL_MAX_CLICKS, QBID_CAP_CPA, 0.085}};
    double least = 2, over = 0;
    for (int run = 0; run < 2; run++) {
        struct world *w = world_new(40 + (uint64_t)run);
        struct qbid_campaign_def *c = world_campaign(w);
        struct terms t;
        c->budget_nanos = INT64_C(40000000000);
        c->goal = runs[run].goal;
        c->cap_micros[runs[run].cap] = MICROS(runs[run].most);
        for (uint32_t i = 0; i < CONTEXTS; i++) {
            double ctr = w->place[i].ctr, conv = ctr * w->place[i].cvr;
            t.worth[i] = c->goal == QBID_GOAL_MAX_CLICKS ? ctr : conv;
            t.allow[i] = runs[run].most * (runs[run].cap == QBID_CAP_CPC ? ctr : conv);
        }
        struct judged j = days_judge(w, DAYS, &t, c->goal, runs[run].cap, 40);
        print_message(
            "run %d: worth %.4f of the programme's, spend %.4f of the budget, %.4f of the "
            "cap\n",
            run, j.worth / j.best, j.spend / j.budget, j.spend / j.allowed);
        least = fmin(least, j.worth / j.best);
        over = fmax(over, j.spend / j.allowed - 1);
        world_free(w);
    }
    print_message("two constraints: worth at least %.4f of the programme's, caps passed by %.4f at "
                  "most\n",
                  least, over);
    assert_true(least >= 0.95);
    assert_true(over <= 0.01);
}

static void caps_hold_in_first_price(void **state)
{
    (void)state;
    struct world *w = world_new(50);
    struct qbid_campaign_def *c = world_campaign(w);
    struct terms t = {{0}, {0}};
    w->first_price = true;
    c->budget_nanos = INT64_C(40000000000);
    c->goal = QBID_GOAL_MAX_CONVERSIONS;
    c->cap_micros[QBID_CAP_CPC] = MICROS(0.021);
    struct judged j = days_judge(w, 2, &t, c->goal, QBID_CAP_CPC, 40);
    print_message("first price: spend %.4f of the budget, %.4f of the cap\n", j.spend / j.budget,
                  j.spend / j.allowed);
    assert_true(j.spend <= 1.01 * j.allowed);
    assert_true(j.spend >= 0.5 * j.budget);
    world_free(w);
}

/* The highest return that spends the floor is the most value for the floor. */
static void max_roas_spends_its_floor_for_the_most_value(void **state)
{
    (void)state;
    struct world *w = world_new(60);
    struct qbid_campaign_def *c = world_campaign(w);
    struct terms t;
    c->budget_nanos = INT64_C(60000000000);
    c->spend_floor_nanos = INT64_C(12000000000);
    c->goal = QBID_GOAL_MAX_ROAS;
    for (uint32_t i = 0; i < CONTEXTS; i++) {
        t.worth[i] = w->place[i].ctr * w->place[i].cvr;
        t.allow[i] = 1; /* no cap */
    }
    struct judged j = days_judge(w, 2, &t, c->goal, QBID_CAP_CPC, 12);
    print_message("max roas: spend %.4f of the floor, return %.4f of the programme's\n",
                  j.spend / j.budget, j.worth / j.spend / (j.best / j.budget));
    assert_true(j.spend >= 0.995 * j.budget && j.spend <= 1.02 * j.budget);
    assert_true(j.worth / j.spend >= 0.97 * j.best / j.budget);
    world_free(w);
}

/* With budget to spare every impression that is worth its price is bought, and no other. */
static void max_profit_stops_where_cost_meets_value(void **state)
{
    (void)state;
    struct world *w = world_new(70);
    struct qbid_campaign_def *c = world_campaign(w);
    struct terms t = {{0}, {0}};
    double best = 0;
    c->budget_nanos = INT64_C(1000000000000);
    c->goal = QBID_GOAL_MAX_PROFIT;
    w->f.line_item[0].order_value_micros = ORDER_NANOS / 1000;
    for (int i = AUCTIONS; i < AUCTIONS * 2; i++) {
        const struct place *p = &w->place[w->auction[i].place];
        best += fmax(p->ctr * p->cvr - (double)w->auction[i].price_micros / 1e9, 0);
    }
    w->first_price = false;
    struct judged j = days_judge(w, 2, &t, c->goal, QBID_CAP_CPC, 1000);
    print_message("max profit: %.4f of the most\n", (j.convs - j.spend) / best);
    assert_true(j.convs - j.spend >= 0.99 * best);
    world_free(w);
}

/* --- hours */

static char hours_text[] = "* 8-20; * 12=0.5", zone_text[] = "America/New_York";

static void off_hours_are_off_and_the_budget_is_spent_in_the_others(void **state)
{
    (void)state;
    struct world *w = world_new(80);
    struct qbid_campaign_def *c = world_campaign(w);
    struct qbid_zone *zone = NULL;
    const int periods = DAY_S / PERIOD_S;
    double half = 0, full = 0;
    if (qbid_zone_new(zone_text, &zone) == 0)
        c->time_zone = zone_text; /* else UTC: the database is not installed */
    c->hours = hours_text;
    c->goal = QBID_GOAL_MAX_CONVERSIONS;
    c->budget_nanos = INT64_C(25000000000);
    for (int day = 0; day < 2; day++) {
        world_teach(w, day);
        struct won won = {0};
        w->day_spent_nanos = w->spent_nanos;
        for (int k = 0; k < periods; k++) {
            int64_t now_s = BEGIN_S + day * DAY_S + k * PERIOD_S;
            if (k % LEARN_PERIODS == 0)
                world_plan(w);
            int64_t local = now_s + qbid_zone_offset_s(zone, now_s);
            int hour = (int)(local % DAY_S / 3600);
            float paced = world_pace(w, now_s);
            assert_true((paced > 0) == (hour >= 8 && hour < 20));
            half += hour == 12 ? (double)paced : 0;
            full += hour == 11 || hour == 13 ? (double)paced : 0;
            int from = day * AUCTIONS + (int)((int64_t)AUCTIONS * k / periods);
            int to = day * AUCTIONS + (int)((int64_t)AUCTIONS * (k + 1) / periods);
            for (int i = from; i < to && paced > 0; i++)
                world_bid(w, &w->auction[i], paced, (uint64_t)now_s * QBID_NS_PER_S, &won);
        }
        assert_true(w->spent_nanos - w->day_spent_nanos <= c->budget_nanos);
        if (day > 0)
            assert_true(won.spend >= 0.995 * 25);
    }
    assert_true(half < 0.75 * full / 2);
    /* hours that name no zone follow that of the configuration, also when it is read again */
    static const char *const presets[] = {"UTC", "Asia/Tokyo", "UTC"};
    c->time_zone = NULL;
    c->end_unix_s = BEGIN_S + 9 * DAY_S;
    w->day_spent_nanos = w->spent_nanos;
    for (int i = 0; i < 3 && zone; i++) {
        qbid_learner_set_zone(w->learner, presets[i]);
        for (int hour = 0; hour < 24; hour++) {
            int local = (hour + (i == 1 ? 9 : 0)) % 24;
            float paced = world_pace(w, BEGIN_S + 2 * DAY_S + (i * 24 + hour) * 3600);
            assert_true((paced > 0) == (local >= 8 && local < 20));
        }
    }
    c->hours = NULL;
    qbid_zone_free(zone);
    world_free(w);
}

/* --- faults: at every step a random one of the matrix of ALGORITHMS 3.10 */

static float odd_float(struct rng *r)
{
    static const float odd[] = {0, -1, NAN, INFINITY, -INFINITY, 1e30f, 1e-30f};
    return odd[rng_below(r, 7)];
}

static void faults_never_make_a_pace_that_is_none_nor_pass_a_budget(void **state)
{
    (void)state;
    for (int run = 0; run < 6; run++) {
        struct world *w = world_new(90 + (uint64_t)run);
        struct qbid_campaign_def *c = world_campaign(w);
        struct won won = {0};
        int64_t now_s = BEGIN_S;
        c->goal = (enum qbid_goal)(1 + run);
        c->target_micros = MICROS(c->goal >= QBID_GOAL_TARGET_CPC ? 0.05 : 0);
        for (unsigned cap = 0; cap < QBID_CAP_CNT; cap++)
            if (c->goal != QBID_GOAL_TARGET_CPC + cap)
                c->cap_micros[cap] = MICROS(cap == QBID_CAP_ROAS ? 1.5 : 0.05);
        c->budget_nanos = INT64_C(2000000000);
        c->period = QBID_BUDGET_TOTAL;
        w->first_price = run & 1;
        for (int k = 0; k < 600; k++) {
            struct auction *a = &w->auction[k];
            switch (rng_below(&w->r, 9)) {
            case 0: /* the clock leaps, either way */
                now_s += (int64_t)rng_below(&w->r, 90000) - 40000;
                break;
            case 1: /* nothing is heard for long */
                now_s += 30 * PERIOD_S;
                break;
            case 2: /* an event with numbers that are none */
                world_post(w, QBID_EVENT_BILL, a, 1, -5, odd_float(&w->r), odd_float(&w->r),
                           (uint64_t)now_s);
                break;
            case 3: /* a price of nothing, a value of nothing */
                world_post(w, QBID_EVENT_LOSS, a, 0, 0, 0, 0, 0);
                a->price_micros = 0;
                break;
            case 4: /* a sample that is broken in memory */
                if (w->learner->campaigns.cnt && w->learner->campaigns.state[0].samples.cnt)
                    w->learner->campaigns.state[0].samples.sample[0].price_micros =
                        (double)odd_float(&w->r);
                break;
            case 5: /* a state restored from a damaged store */
                if (w->learner->campaigns.cnt) {
                    struct qbid_campaign_state *s = &w->learner->campaigns.state[0];
                    s->strategy.cap_price[rng_below(&w->r, QBID_CAP_CNT)] =
                        (double)odd_float(&w->r);
                    s->tracking.flight.promised[QBID_CAP_CPC] = (double)odd_float(&w->r);
                    s->tracking.memory.realised[QBID_CAP_CPA] = (double)odd_float(&w->r);
                    s->tracking.memory.convs.count[0][3] = (double)odd_float(&w->r);
                    s->tracking.fit[QBID_CAP_ROAS].sampled = (double)odd_float(&w->r);
                    s->market.table.worth[7] = odd_float(&w->r);
                    s->pacing.bias = (double)odd_float(&w->r);
                }
                break;
            case 6:
                world_plan(w);
                break;
            default:
                now_s += PERIOD_S;
            }
            w->spent_nanos = won.spend > 0 ? (int64_t)(won.spend * 1e9) : 0;
            float paced = world_pace(w, now_s > 0 ? now_s : 0);
            for (int i = 0; i < 20 && w->learner->planned; i++) {
                const struct auction *at = &w->auction[(k * 20 + i) % (AUCTIONS * DAYS)];
                double value =
                    qbid_values_impression(&w->learner->values, 0, w->place[at->place].context, 0);
                assert_true(value >= 0 && value <= (double)QBID_PRICE_MICROS_MAX);
                world_bid(w, at, paced, (uint64_t)now_s * QBID_NS_PER_S, &won);
                assert_true(w->spent_nanos <= c->budget_nanos);
            }
        }
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(caps_hold_in_first_price),
        cmocka_unit_test(off_hours_are_off_and_the_budget_is_spent_in_the_others),
        cmocka_unit_test(faults_never_make_a_pace_that_is_none_nor_pass_a_budget),
    };
    const struct CMUnitTest worth[] = {
        cmocka_unit_test(two_constraints_reach_the_programme_and_keep_the_cap),
        cmocka_unit_test(max_roas_spends_its_floor_for_the_most_value),
        cmocka_unit_test(max_profit_stops_where_cost_meets_value),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
#ifdef __SANITIZE_ADDRESS__ /* days of auctions for their value; each goal is in those above */
    (void)worth;
#else
    failed += cmocka_run_group_tests(worth, NULL, NULL);
#endif
    return failed;
}
