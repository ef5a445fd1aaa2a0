/* SPDX-License-Identifier: Apache-2.0 */
/* Prices of budget and caps against a linear programme solved by GLPK, against the single
 * multiplier of one metric, and online. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glpk.h>

#include "control/models/pacing/duals.h"
#include "control/models/pacing/market.h"
#include "control/models/landscape/shading.h"
#include "control/models/value.h"
#include "shm/error.h"
#include "tests/control/models/market.h"

#define N 20000
#define POINTS_FEW 400

static struct qbid_duals_point points[N];

/* What a campaign wants, and what holds it back. */
struct wish {
    struct qbid_value_params params;
    uint32_t cap_cnt;
    enum qbid_cap cap[2];
    double budget_part; /* of what everything would cost */
};

/* Opportunities: click rates and prices go together, conversion rates and order values vary alone.
 */
static void points_draw(uint64_t seed, const struct wish *w, uint32_t cnt)
{
    struct rng r = rng_init(seed);
    for (uint32_t i = 0; i < cnt; i++) {
        double shared = rng_normal(&r);
        double ctr = fmin(0.002 * exp(0.4 * shared + 0.4 * rng_normal(&r)), 0.5);
        double cvr = fmin(0.02 * exp(0.5 * rng_normal(&r)), 0.5);
        int64_t order = (int64_t)(40e6 * exp(0.5 * rng_normal(&r)));
        points[i] = (struct qbid_duals_point){.weight = 1};
        points[i].price_micros = 1e6 * exp(0.3 * shared + 0.6 * rng_normal(&r));
        points[i].worth_micros = qbid_value_goal(&w->params, ctr, cvr, order);
        for (uint32_t j = 0; j < w->cap_cnt; j++)
            points[i].allow_micros[j] = qbid_value_allowed(&w->params, w->cap[j], ctr, cvr, order);
    }
}

static struct qbid_duals_market market_of(const struct wish *w, uint32_t cnt)
{
    double all = 0;
    for (uint32_t i = 0; i < cnt; i++)
        all += points[i].price_micros;
    return (struct qbid_duals_market){.points = points,
                                      .cnt = cnt,
                                      .cap_cnt = w->cap_cnt,
                                      .rho_micros = w->budget_part * all / cnt};
}

struct programme {
    double objective;
    struct qbid_duals duals;
    unsigned char part[N]; /* of each opportunity: 0 none, 1 some, 2 all */
};

/* GLPK, to optimality by the simplex method. */
static void programme_solve(const struct qbid_duals_market *m, struct programme *ret)
{
    glp_prob *lp = glp_create_prob();
    glp_smcp how;
    glp_term_out(GLP_OFF);
    glp_set_obj_dir(lp, GLP_MAX);
    glp_add_rows(lp, 1 + (int)m->cap_cnt);
    glp_add_cols(lp, (int)m->cnt);
    glp_set_row_bnds(lp, 1, GLP_UP, 0, m->rho_micros * m->cnt);
    for (uint32_t j = 0; j < m->cap_cnt; j++)
        glp_set_row_bnds(lp, 2 + (int)j, GLP_UP, 0, 0);
    for (uint32_t i = 0; i < m->cnt; i++) {
        const struct qbid_duals_point *p = &m->points[i];
        int row[2 + QBID_DUALS_CAPS_MAX] = {0, 1};
        double of[2 + QBID_DUALS_CAPS_MAX] = {0, p->price_micros};
        for (uint32_t j = 0; j < m->cap_cnt; j++) {
            row[2 + j] = 2 + (int)j;
            of[2 + j] = p->price_micros - p->allow_micros[j];
        }
        glp_set_obj_coef(lp, 1 + (int)i, p->worth_micros);
        glp_set_col_bnds(lp, 1 + (int)i, GLP_DB, 0, 1);
        glp_set_mat_col(lp, 1 + (int)i, 1 + (int)m->cap_cnt, row, of);
    }
    glp_init_smcp(&how);
    how.meth = GLP_DUALP;
    how.r_test = GLP_RT_FLIP; /* passes many bounds at once */
    how.tol_bnd = how.tol_dj = 1e-10;
    glp_scale_prob(lp, GLP_SF_AUTO);
    assert_int_equal(glp_simplex(lp, &how), 0);
    assert_int_equal(glp_get_status(lp), GLP_OPT);
    *ret = (struct programme){.objective = glp_get_obj_val(lp)};
    ret->duals.budget = glp_get_row_dual(lp, 1);
    for (uint32_t j = 0; j < m->cap_cnt; j++)
        ret->duals.cap[j] = glp_get_row_dual(lp, 2 + (int)j);
    for (uint32_t i = 0; i < m->cnt; i++) {
        double x = glp_get_col_prim(lp, 1 + (int)i);
        ret->part[i] = x < 1e-9 ? 0 : x > 1 - 1e-9 ? 2 : 1;
    }
    glp_delete_prob(lp);
}

/* Opportunities that the prices decide otherwise than the programme; fractional ones apart. */
static uint32_t wins_unlike(const struct qbid_duals_market *m, const struct programme *lp,
                            const struct qbid_duals *duals, uint32_t *ret_fractional,
                            double *ret_worth)
{
    uint32_t unlike = 0;
    *ret_fractional = 0;
    *ret_worth = 0;
    for (uint32_t i = 0; i < m->cnt; i++) {
        const struct qbid_duals_point *p = &m->points[i];
        int won = qbid_duals_effective(duals, m->cap_cnt, p) >= p->price_micros;
        *ret_worth += won ? p->worth_micros : 0;
        *ret_fractional += lp->part[i] == 1;
        unlike += lp->part[i] != 1 && won != (lp->part[i] == 2);
    }
    return unlike;
}

#define MICROS(x) ((int64_t)((x)*1e6))

static const struct wish wishes[] = {
    /* conversions at a price a click */
    {{.goal = QBID_GOAL_MAX_CONVERSIONS, .unit_micros = MICROS(20), .cap_micros = {MICROS(0.34)}},
     1,
     {QBID_CAP_CPC},
     0.4},
    /* value at a price a conversion */
    {{.goal = QBID_GOAL_MAX_VALUE, .cap_micros = {0, MICROS(14)}}, 1, {QBID_CAP_CPA}, 0.35},
    /* clicks at a return */
    {{.goal = QBID_GOAL_MAX_CLICKS, .unit_micros = MICROS(0.5), .cap_micros = {0, 0, MICROS(3.57)}},
     1,
     {QBID_CAP_ROAS},
     0.4},
    /* conversions, a price a click and a return at once */
    {{.goal = QBID_GOAL_MAX_CONVERSIONS,
      .unit_micros = MICROS(20),
      .cap_micros = {MICROS(0.3), 0, MICROS(4.4)}},
     2,
     {QBID_CAP_CPC, QBID_CAP_ROAS},
     0.25},
    /* a cap that does not bind, and the budget alone */
    {{.goal = QBID_GOAL_MAX_CONVERSIONS, .unit_micros = MICROS(20), .cap_micros = {MICROS(50)}},
     1,
     {QBID_CAP_CPC},
     0.1},
    {{.goal = QBID_GOAL_MAX_CLICKS, .unit_micros = MICROS(0.5)}, 0, {QBID_CAP_CPC}, 0.3},
};
#define WISH_CNT (sizeof wishes / sizeof wishes[0])

static void prices_are_those_of_the_linear_programme(void **state)
{
    (void)state;
    static struct programme lp;
    double off = 0, short_by = 0, price_off = 0;
    uint32_t fractional_most = 0, unlike_all = 0;
    for (size_t w = 0; w < WISH_CNT; w++) {
        struct qbid_duals ours;
        uint32_t fractional;
        double worth;
        points_draw(70 + w, &wishes[w], N);
        struct qbid_duals_market m = market_of(&wishes[w], N);
        programme_solve(&m, &lp);
        /* theirs in our formula */
        unlike_all += wins_unlike(&m, &lp, &lp.duals, &fractional, &worth);
        fractional_most = fractional > fractional_most ? fractional : fractional_most;
        short_by = fmax(short_by, fabs(worth / lp.objective - 1));
        assert_true(fractional <= 1 + wishes[w].cap_cnt);
        /* ours */
        assert_int_equal(qbid_duals_solve(&m, &ours), 0);
        double bound = qbid_duals_buy(&m, &ours).bound * N;
        off = fmax(off, fabs(bound / lp.objective - 1));
        unlike_all += wins_unlike(&m, &lp, &ours, &fractional, &worth);
        short_by = fmax(short_by, fabs(worth / lp.objective - 1));
        double p = lp.duals.budget + lp.duals.cap[0] + lp.duals.cap[1];
        price_off = fmax(price_off, fabs(ours.budget - lp.duals.budget) / p);
        for (uint32_t j = 0; j < m.cap_cnt; j++)
            price_off = fmax(price_off, fabs(ours.cap[j] - lp.duals.cap[j]) / p);
    }
    print_message(
        "linear programme: objective off by %.1e, prices by %.1e, worth of the formula by "
        "%.1e, wins unlike %u, fractional at most %u\n",
        off, price_off, short_by, unlike_all, fractional_most);
    assert_true(off <= 1e-9 && price_off <= 1e-9);
    assert_true(short_by <= 2e-4);
    assert_int_equal(unlike_all, 0);
}

/* --- one metric: the single multiplier of ALGORITHMS 3.1 */

static void a_budget_and_a_cap_on_the_same_metric_are_one_multiplier(void **state)
{
    (void)state;
    static struct qbid_market_point sample[N];
    double worst = 0;
    for (int run = 0; run < 8; run++) {
        struct wish w = {{.goal = QBID_GOAL_TARGET_ROAS,
                          .target_micros = MICROS(run & 1 ? 3 : 9),
                          .cap_micros = {0, 0, MICROS(run & 1 ? 3 : 9)}},
                         1,
                         {QBID_CAP_ROAS},
                         run & 2 ? 0.05 : 0.5};
        struct qbid_duals duals;
        struct qbid_market single;
        points_draw(90 + (uint64_t)run, &w, N);
        struct qbid_duals_market m = market_of(&w, N);
        for (uint32_t i = 0; i < N; i++)
            sample[i] = (struct qbid_market_point){.value_micros = points[i].worth_micros,
                                                   .price_micros = points[i].price_micros};
        assert_int_equal(qbid_market_init(sample, N, NULL, &single), 0);
        double budget = qbid_market_alpha_budget(&single, m.rho_micros);
        double goal = qbid_market_alpha_goal(&single, 1);
        assert_int_equal(qbid_duals_solve(&m, &duals), 0);
        worst = fmax(worst, fabs(qbid_duals_alpha(&duals, 1) / fmin(budget, goal) - 1));
        /* what the value model and the pacer make of the prices is the same effective value */
        w.params.cap_price[QBID_CAP_ROAS] = duals.cap[0];
        for (int i = 0; i < 50; i++) {
            double mixed = qbid_value_impression(&w.params, 0.001 * (1 + i), 0.01, 30000000);
            double g = qbid_value_goal(&w.params, 0.001 * (1 + i), 0.01, 30000000);
            struct qbid_duals_point p = {.weight = 1, .worth_micros = g, .allow_micros = {g}};
            double e = qbid_duals_effective(&duals, 1, &p);
            assert_true(fabs(qbid_duals_alpha(&duals, 1) * mixed - e) <= 1e-12 * e);
        }
    }
    print_message("one metric: multiplier off by %.1e\n", worst);
    assert_true(worst <= 1e-9);
}

static void a_static_market_is_solved_to_the_bisected_multiplier(void **state)
{
    (void)state;
    static struct qbid_market_point sample[N];
    struct wish w = wishes[WISH_CNT - 1];
    double worst = 0, least = 2;
    for (int run = 0; run < 6; run++) {
        struct qbid_market single;
        w.budget_part = 0.05 + 0.12 * run;
        points_draw(200 + (uint64_t)run, &w, N);
        struct qbid_duals_market m = market_of(&w, N);
        /* bisection on the opportunities themselves, nothing sorted */
        double low = 0, high = 1e3;
        for (int i = 0; i < 100; i++) {
            double mid = 0.5 * (low + high), spend = 0;
            for (uint32_t k = 0; k < N; k++)
                spend += mid * points[k].worth_micros >= points[k].price_micros
                             ? points[k].price_micros
                             : 0;
            *(spend <= m.rho_micros * N ? &low : &high) = mid;
        }
        for (uint32_t i = 0; i < N; i++)
            sample[i] = (struct qbid_market_point){.value_micros = points[i].worth_micros,
                                                   .price_micros = points[i].price_micros};
        assert_int_equal(qbid_market_init(sample, N, NULL, &single), 0);
        double alpha = qbid_market_alpha_budget(&single, m.rho_micros);
        worst = fmax(worst, fabs(alpha / low - 1));
        /* against every multiplier of a grid of 1e-4 that keeps to the budget */
        double best = 0;
        for (double a = 0.5 * low; a < 1.5 * low; a += 1e-4 * low)
            if (qbid_market_spend(&single, a) <= m.rho_micros)
                best = fmax(best, qbid_market_worth(&single, a));
        least = fmin(least, qbid_market_worth(&single, alpha * (1 - 1e-12)) / best);
    }
    print_message("static market: multiplier off by %.1e, worth %.5f of the grid's\n", worst,
                  least);
    assert_true(worst <= 1e-9);
    assert_true(least >= 0.999);
}

/* --- online */

struct online {
    double spend, worth, allow[QBID_DUALS_CAPS_MAX];
};

/* Prices know nothing at first; opportunities come one by one, a period is `period` of them. */
static struct online online_run(const struct qbid_duals_market *m, uint32_t period)
{
    struct qbid_duals_params params = qbid_duals_defaults();
    struct qbid_duals duals = {.budget = 1};
    struct online all = {0}, last = {0};
    double budget = m->rho_micros * m->cnt;
    for (uint32_t i = 0; i < m->cnt; i++) {
        const struct qbid_duals_point *p = &m->points[i];
        double e = qbid_duals_effective(&duals, m->cap_cnt, p);
        if (e >= p->price_micros && all.spend + e <= budget) { /* reserved at the bid */
            all.spend += p->price_micros;
            all.worth += p->worth_micros;
            for (uint32_t j = 0; j < m->cap_cnt; j++)
                all.allow[j] += p->allow_micros[j];
        }
        if ((i + 1) % period)
            continue;
        struct qbid_duals_seen seen = {.spend = all.spend - last.spend,
                                       .spend_all = all.spend,
                                       .budget_left = budget - all.spend};
        seen.required = fmax(seen.budget_left, 1) / (m->cnt - i) * period;
        for (uint32_t j = 0; j < m->cap_cnt; j++) {
            seen.allow[j] = all.allow[j] - last.allow[j];
            seen.allow_all[j] = all.allow[j];
        }
        duals = qbid_duals_follow(&params, &seen, m->cap_cnt, duals);
        last = all;
    }
    return all;
}

static void prices_followed_online_keep_the_worth_and_the_caps(void **state)
{
    (void)state;
    static struct programme lp;
    double least = 2, over = 0;
    for (size_t w = 0; w < WISH_CNT; w++) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            points_draw(300 + 10 * w + seed, &wishes[w], N);
            struct qbid_duals_market m = market_of(&wishes[w], N);
            programme_solve(&m, &lp);
            struct online got = online_run(&m, 20);
            assert_true(got.spend <= m.rho_micros * N);
            least = fmin(least, got.worth / lp.objective);
            for (uint32_t j = 0; j < m.cap_cnt; j++)
                over = fmax(over, got.spend / got.allow[j] - 1);
        }
    }
    print_message("online: worth at least %.4f of the programme's, caps passed by %.4f at most\n",
                  least, over);
    assert_true(least >= 0.95);
    assert_true(over <= 0.01);
}

/* --- first price */

static struct qbid_shade market_shade(void)
{
    static struct qbid_landscape none;
    struct qbid_landscape_curve curve = {.samples = 1e6};
    struct qbid_shade shade;
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        curve.win[i] = market_win(qbid_landscape_edge(i + 1) / MARKET_UNIT);
    qbid_shading_build(&none, &curve, 0, 0, &shade);
    return shade;
}

/* Against a grid over both prices: nothing on it that keeps budget and cap is worth more. */
static void first_price_is_within_half_a_percent_of_a_grid(void **state)
{
    (void)state;
    struct qbid_shade shade = market_shade();
    struct qbid_duals duals;
    struct wish w = wishes[0];
    w.params.cap_micros[QBID_CAP_CPC] = MICROS(0.3);
    points_draw(400, &w, POINTS_FEW);
    struct qbid_duals_market m = market_of(&w, POINTS_FEW);
    m.shade = &shade;
    assert_int_equal(qbid_duals_solve(&m, &duals), 0);
    struct qbid_duals_means got = qbid_duals_buy(&m, &duals);
    double best = 0;
    for (int a = 0; a <= 120; a++) {
        for (int b = 0; b <= 120; b++) {
            struct qbid_duals at = {.budget = 0.05 * exp(0.05 * a), .cap = {0.002 * exp(0.07 * b)}};
            struct qbid_duals_means means = qbid_duals_buy(&m, &at);
            if (means.spend <= m.rho_micros && means.spend <= means.allow[0])
                best = fmax(best, means.worth);
        }
    }
    print_message(
        "first price: worth %.5f of the grid's, spend %.5f of the budget, %.5f of the cap\n",
        got.worth / best, got.spend / m.rho_micros, got.spend / got.allow[0]);
    assert_true(got.worth >= 0.995 * best);
    assert_true(got.spend <= 1.000001 * m.rho_micros && got.spend <= 1.000001 * got.allow[0]);
}

/* --- faults */

static void impossible_input_is_refused_or_changes_nothing(void **state)
{
    (void)state;
    static const double bad[] = {NAN, INFINITY, -INFINITY, -1};
    struct qbid_duals_params params = qbid_duals_defaults();
    struct qbid_duals duals = {.budget = 1, .cap = {1}}, next;
    struct wish w = wishes[0];
    points_draw(500, &w, POINTS_FEW);
    struct qbid_duals_market m = market_of(&w, POINTS_FEW);
    struct qbid_duals_market broken = m;
    broken.cnt = 0;
    assert_int_equal(qbid_duals_solve(&broken, &next), QBID_ERR_INVAL);
    broken = m;
    broken.cap_cnt = QBID_DUALS_CAPS_MAX + 1;
    assert_int_equal(qbid_duals_solve(&broken, &next), QBID_ERR_INVAL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        broken = m;
        broken.rho_micros = bad[i];
        assert_int_equal(qbid_duals_solve(&broken, &next), QBID_ERR_INVAL);
        struct qbid_duals_seen seen = {1, {1}, 1, 1, {1}, 1};
        double *of[] = {&seen.spend,     &seen.allow[0],     &seen.required,
                        &seen.spend_all, &seen.allow_all[0], &seen.budget_left};
        for (size_t k = 0; k < sizeof of / sizeof of[0]; k++) {
            double was = *of[k];
            *of[k] = bad[i];
            next = qbid_duals_follow(&params, &seen, 1, duals);
            assert_memory_equal(&next, &duals, sizeof next);
            *of[k] = was;
        }
        /* damaged points are not bought, the others go on */
        struct qbid_duals_point kept = points[7];
        points[7].worth_micros = bad[i];
        assert_int_equal(qbid_duals_solve(&m, &next), 0);
        assert_true(isfinite(qbid_duals_buy(&m, &next).spend));
        points[7] = kept;
        struct qbid_duals odd = {.budget = bad[i], .cap = {bad[i]}};
        struct qbid_duals_seen fine = {1, {1}, 1, 1, {1}, 1};
        next = qbid_duals_follow(&params, &fine, 1, odd);
        assert_true(next.budget >= params.least && next.budget <= params.most);
        assert_true(next.cap[0] >= 0 && next.cap[0] <= params.most);
    }
    /* nobody meets the cap: nothing is bought */
    w.params.cap_micros[QBID_CAP_CPC] = 1;
    points_draw(501, &w, POINTS_FEW);
    assert_int_equal(qbid_duals_solve(&m, &next), 0);
    next.cap[0] *= 1 + 1e-9; /* the last one stands at its price */
    assert_true(qbid_duals_buy(&m, &next).spend == 0);
    /* no price moves further than a step */
    struct qbid_duals_seen wild = {1e9, {0}, 1e-3, 1e9, {0}, 1};
    next = qbid_duals_follow(&params, &wild, 1, duals);
    assert_true(fabs(log2(next.budget)) <= params.step_lg + 1e-12);
    assert_true(fabs(log2((next.cap[0] + params.shift) / (duals.cap[0] + params.shift))) <=
                params.step_lg + 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prices_are_those_of_the_linear_programme),
        cmocka_unit_test(a_budget_and_a_cap_on_the_same_metric_are_one_multiplier),
        cmocka_unit_test(a_static_market_is_solved_to_the_bisected_multiplier),
        cmocka_unit_test(prices_followed_online_keep_the_worth_and_the_caps),
        cmocka_unit_test(first_price_is_within_half_a_percent_of_a_grid),
        cmocka_unit_test(impossible_input_is_refused_or_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
