/* SPDX-License-Identifier: Apache-2.0 */
/* Hierarchical rates: hand values, a generator with known truth, and input that must not hurt. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/rates/rates.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

#define LEVELS 4
#define CAMPAIGNS 12
#define LINES 10
#define CONTEXTS 10

struct tree {
    struct qbid_rates_cell cell[LEVELS][CAMPAIGNS * LINES * CONTEXTS];
    double truth[LEVELS][CAMPAIGNS * LINES * CONTEXTS];
    struct qbid_rates_level level[LEVELS];
};

static const uint32_t tree_cnt[LEVELS] = {1, CAMPAIGNS, CAMPAIGNS *LINES,
                                          CAMPAIGNS *LINES *CONTEXTS};
static const uint32_t tree_fan[LEVELS] = {0, CAMPAIGNS, LINES, CONTEXTS};
static const double tree_strength[LEVELS] = {0, 80, 120, 200};

/* Account -> campaigns -> line items -> contexts, rates beta around their parents, leaf trials
 * lognormal: many cells with fewer than one expected success. */
static void tree_draw(struct tree *t, struct rng *r)
{
    memset(t, 0, sizeof *t);
    t->truth[0][0] = 0.03;
    for (int l = 0; l < LEVELS; l++) {
        t->level[l] = (struct qbid_rates_level){t->cell[l], tree_cnt[l], 0, 0};
        for (uint32_t i = 0; l > 0 && i < tree_cnt[l]; i++) {
            uint32_t p = i / tree_fan[l];
            double s = tree_strength[l], m = t->truth[l - 1][p];
            t->cell[l][i].parent = p;
            t->truth[l][i] = fmin(fmax(rng_beta(r, m * s, (1 - m) * s), 1e-9), 1 - 1e-9);
        }
    }
    for (uint32_t i = 0; i < tree_cnt[3]; i++) {
        uint32_t n = (uint32_t)rng_lognormal(r, 4.5, 1.2), at = i;
        uint32_t c = rng_binomial(r, n, t->truth[3][i]);
        for (int l = LEVELS - 1; l >= 0; l--) {
            t->cell[l][at].trials += n;
            t->cell[l][at].successes += c;
            at = t->cell[l][at].parent;
        }
    }
}

/* Regularised incomplete beta function by its continued fraction (Lentz). */
static double beta_cdf(double a, double b, double x)
{
    if (x > (a + 1) / (a + b + 2))
        return 1 - beta_cdf(b, a, 1 - x);
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a;
    double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), f = d;
    for (int m = 1; m < 2000; m++) {
        double num = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / (1 + num * d);
        c = 1 + num / c;
        f *= d * c;
        num = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / (1 + num * d);
        c = 1 + num / c;
        f *= d * c;
        if (fabs(d * c - 1) < 1e-14)
            break;
    }
    return front * f;
}

static void three_of_fifty_under_beta_2_98_is_five_of_150(void **state)
{
    (void)state;
    struct qbid_rates_prior prior = {0.02, 100};
    struct qbid_rates_cell cell = {.key = 7, .trials = 50, .successes = 3};
    struct qbid_rates_level level = {&cell, 1, 0, 0};
    assert_true(fabs(qbid_rates_posterior(prior, 50, 3) - 5.0 / 150) < 1e-15);
    assert_int_equal(qbid_rates_fit(&level, 1, prior), 0);
    assert_true(fabs(cell.rate - 5.0 / 150) < 1e-15);
    assert_true(cell.strength == 150);
    assert_true(cell.key == 7);
}

/* One parent, one child of all its trials, a strength that is held: by hand, the child's message to
 * the parent is taken back, so its prior is the root's, widened by its own level. */
static void a_single_child_gets_the_prior_of_its_grandparent(void **state)
{
    (void)state;
    struct qbid_rates_cell root = {.trials = 50, .successes = 3};
    struct qbid_rates_cell leaf = {.trials = 50, .successes = 3};
    struct qbid_rates_level level[2] = {{&root, 1, 0, 0}, {&leaf, 1, 1, 60}};
    assert_int_equal(qbid_rates_fit(level, 2, (struct qbid_rates_prior){0.02, 100}), 0);
    double s = 60 * 100 / (60.0 + 100 + 1), up = 50 * 61 / 110.0;
    assert_true(fabs(leaf.rate - (0.02 * s + 3) / (s + 50)) < 1e-12);
    assert_true(fabs(leaf.strength - (s + 50)) < 1e-9);
    assert_true(fabs(root.rate - (2 + up * 0.06) / (100 + up)) < 1e-12);
    assert_true(level[1].strength == 60);
}

static double tree_loss(const struct tree *t, int by)
{
    double loss = 0;
    for (uint32_t i = 0; i < tree_cnt[3]; i++) {
        double p = t->truth[3][i], n = fmax(t->cell[3][i].trials, 1), q = t->cell[3][i].rate;
        if (by >= 0) { /* the plain estimate of one level, half a success added to stay finite */
            uint32_t at = i;
            for (int l = LEVELS - 1; l > by; l--)
                at = t->cell[l][at].parent;
            const struct qbid_rates_cell *cell = &t->cell[by][at];
            q = (cell->successes + 0.5) / (cell->trials + 1);
        }
        loss -= n * (p * log(q) + (1 - p) * log1p(-q));
    }
    return loss;
}

static void held_out_log_loss_beats_every_single_level(void **state)
{
    (void)state;
    static struct tree t;
    int wins = 0, beaten[LEVELS] = {0};
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct rng r = rng_init(seed);
        tree_draw(&t, &r);
        assert_int_equal(qbid_rates_fit(t.level, LEVELS, (struct qbid_rates_prior){0.02, 10}), 0);
        double ours = tree_loss(&t, -1);
        int all = 1;
        for (int l = 0; l < LEVELS; l++) {
            beaten[l] += ours < tree_loss(&t, l);
            all &= ours < tree_loss(&t, l);
        }
        wins += all;
    }
    print_message("better than every level in %d of 100 (each: %d %d %d %d)\n", wins, beaten[0],
                  beaten[1], beaten[2], beaten[3]);
    assert_true(wins >= 95);
}

static void posterior_intervals_of_ninety_percent_cover_ninety_percent(void **state)
{
    (void)state;
    static struct tree t;
    int covered[LEVELS] = {0}, cells[LEVELS] = {0};
    double strength[LEVELS] = {0};
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct rng r = rng_init(seed);
        tree_draw(&t, &r);
        assert_int_equal(qbid_rates_fit(t.level, LEVELS, (struct qbid_rates_prior){0.02, 10}), 0);
        for (int l = 0; l < LEVELS; l++) {
            strength[l] += t.level[l].strength / 100;
            for (uint32_t i = 0; i < tree_cnt[l]; i++) {
                const struct qbid_rates_cell *c = &t.cell[l][i];
                double at =
                    beta_cdf(c->rate * c->strength, (1 - c->rate) * c->strength, t.truth[l][i]);
                covered[l] += at > 0.05 && at < 0.95;
                cells[l]++;
            }
        }
    }
    for (int l = 1; l < LEVELS; l++)
        print_message("level %d: coverage %.4f, mean strength %.0f (truth %.0f)\n", l,
                      (double)covered[l] / cells[l], strength[l], tree_strength[l]);
    assert_true(covered[3] >= 0.88 * cells[3] && covered[3] <= 0.92 * cells[3]);
    assert_true(covered[2] >= 0.86 * cells[2] && covered[2] <= 0.94 * cells[2]);
    assert_true(covered[1] >= 0.86 * cells[1] && covered[1] <= 0.94 * cells[1]);
}

/* Contexts that add nothing: the strength must grow, and the fit must not lose to the parent. */
static void a_level_without_differences_is_shrunk_away(void **state)
{
    (void)state;
    static struct qbid_rates_cell root, leaf[400];
    struct rng r = rng_init(9);
    root = (struct qbid_rates_cell){0};
    for (int i = 0; i < 400; i++) {
        leaf[i] = (struct qbid_rates_cell){.trials = 500};
        leaf[i].successes = rng_binomial(&r, 500, 0.05);
        root.trials += leaf[i].trials;
        root.successes += leaf[i].successes;
    }
    struct qbid_rates_level level[2] = {{&root, 1, 0, 0}, {leaf, 400, 0, 0}};
    assert_int_equal(qbid_rates_fit(level, 2, (struct qbid_rates_prior){0.02, 10}), 0);
    print_message("strength of a level without differences: %.0f\n", level[1].strength);
    assert_true(level[1].strength > 4 * 500 && level[1].strength <= QBID_RATES_STRENGTH_MAX);
    for (int i = 0; i < 400; i++)
        assert_true(fabs(leaf[i].rate - 0.05) < 0.005);
}

static void a_parent_larger_than_its_children_keeps_its_own_evidence(void **state)
{
    (void)state;
    struct qbid_rates_cell root = {.trials = 1e6, .successes = 5e4};
    struct qbid_rates_cell leaf[2] = {{.trials = 10, .successes = 0}, {.trials = 0}};
    struct qbid_rates_level level[2] = {{&root, 1, 0, 0}, {leaf, 2, 0, 500}};
    assert_int_equal(qbid_rates_fit(level, 2, (struct qbid_rates_prior){0.01, 10}), 0);
    assert_true(level[1].strength == 500); /* no spread to be seen in one cell of ten trials */
    assert_true(fabs(root.rate - 0.05) < 0.002);
    assert_true(fabs(leaf[1].rate - root.rate) < 0.002 && leaf[0].rate < leaf[1].rate);
}

static void assert_tree_is_sane(const struct tree *t)
{
    for (int l = 0; l < LEVELS; l++) {
        assert_true(t->level[l].strength >= QBID_RATES_STRENGTH_MIN);
        assert_true(t->level[l].strength <= QBID_RATES_STRENGTH_MAX);
        for (uint32_t i = 0; i < tree_cnt[l]; i++) {
            assert_true(t->cell[l][i].rate > 0 && t->cell[l][i].rate < 1);
            assert_true(t->cell[l][i].strength > 0 && isfinite(t->cell[l][i].strength));
        }
    }
}

static void degenerate_counts_give_rates_inside_the_unit_interval(void **state)
{
    (void)state;
    static struct tree t;
    const double odd[] = {NAN, -1, INFINITY, 0, 1, 1e300, 1e-300, 50};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct rng r = rng_init(seed);
        tree_draw(&t, &r);
        for (int l = 0; l < LEVELS; l++) {
            for (uint32_t i = 0; i < tree_cnt[l]; i++) {
                struct qbid_rates_cell *c = &t.cell[l][i];
                c->successes = seed % 3 == 0 ? 0 : seed % 3 == 1 ? c->trials : c->successes;
                if (seed % 5 == 0)
                    c->trials = 0;
                if (seed % 4 == 3 && rng_below(&r, 3) == 0)
                    c->trials = odd[rng_below(&r, 8)];
                if (seed % 4 == 3 && rng_below(&r, 3) == 0)
                    c->successes = odd[rng_below(&r, 8)];
            }
            t.level[l].strength = odd[rng_below(&r, 8)];
        }
        assert_int_equal(qbid_rates_fit(t.level, LEVELS, (struct qbid_rates_prior){0.02, 10}), 0);
        assert_tree_is_sane(&t);
    }
}

static void arguments_out_of_range_are_refused(void **state)
{
    (void)state;
    struct qbid_rates_cell root = {.trials = 9}, leaf = {.parent = 1, .trials = 9};
    struct qbid_rates_level level[2] = {{&root, 1, 0, 0}, {&leaf, 1, 0, 0}};
    const struct qbid_rates_prior good = {0.5, 1};
    assert_int_equal(qbid_rates_fit(level, 2, good), QBID_ERR_INVAL);
    assert_int_equal(qbid_rates_fit(level, 0, good), QBID_ERR_INVAL);
    assert_int_equal(qbid_rates_fit(level, QBID_RATES_LEVELS_MAX + 1, good), QBID_ERR_INVAL);
    leaf.parent = 0;
    assert_int_equal(qbid_rates_fit(level, 2, (struct qbid_rates_prior){0, 1}), QBID_ERR_INVAL);
    assert_int_equal(qbid_rates_fit(level, 2, (struct qbid_rates_prior){1, 1}), QBID_ERR_INVAL);
    assert_int_equal(qbid_rates_fit(level, 2, (struct qbid_rates_prior){NAN, 1}), QBID_ERR_INVAL);
    assert_int_equal(qbid_rates_fit(level, 2, (struct qbid_rates_prior){.5, 0}), QBID_ERR_INVAL);
    assert_int_equal(qbid_rates_fit(level, 2, good), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_of_fifty_under_beta_2_98_is_five_of_150),
        cmocka_unit_test(a_single_child_gets_the_prior_of_its_grandparent),
        cmocka_unit_test(held_out_log_loss_beats_every_single_level),
        cmocka_unit_test(posterior_intervals_of_ninety_percent_cover_ninety_percent),
        cmocka_unit_test(a_level_without_differences_is_shrunk_away),
        cmocka_unit_test(a_parent_larger_than_its_children_keeps_its_own_evidence),
        cmocka_unit_test(degenerate_counts_give_rates_inside_the_unit_interval),
        cmocka_unit_test(arguments_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
