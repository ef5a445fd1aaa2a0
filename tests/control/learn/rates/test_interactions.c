/* SPDX-License-Identifier: Apache-2.0 */
/* What campaigns and line items have of their own, and what orders are worth in a context: against
 * the worlds that they were drawn from. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/learn/values/values.h"
#include "tests/control/learn/fixture.h"
#include "tests/control/models/rng.h"

#define EXCHANGES 4
#define DEVICES 6
#define SITES 30
#define BASE 0.02

struct world {
    struct learn_fixture f;
    struct qbid_cells cells;
    struct qbid_values values;
    double campaign[2][DEVICES + 1][SITES + 1]; /* log of the rate: a campaign's own */
    double item[3][SITES + 1];                  /* and a line item's */
    struct rng r;
};

static void world_init(struct world *w, uint64_t seed, double campaign_sd, double item_sd)
{
    uint64_t masks[QBID_LEVEL_MAX] = {0};
    masks[1] = qbid_dim_mask(QBID_DIM_DEVICE) | qbid_dim_mask(QBID_DIM_SITE);
    masks[0] = masks[1] | qbid_dim_mask(QBID_DIM_EXCHANGE);
    learn_fixture_init(&w->f);
    assert_int_equal(qbid_cells_init(&w->cells, 100000), 0);
    qbid_values_init(&w->values, masks);
    w->r = rng_init(seed);
    for (int c = 0; c < 2; c++) {
        double device[DEVICES + 1], site[SITES + 1];
        for (int d = 0; d <= DEVICES; d++)
            device[d] = campaign_sd * rng_normal(&w->r);
        for (int s = 0; s <= SITES; s++)
            site[s] = campaign_sd * rng_normal(&w->r);
        for (int d = 0; d <= DEVICES; d++)
            for (int s = 0; s <= SITES; s++)
                w->campaign[c][d][s] = device[d] + site[s] + 0.5 * campaign_sd * rng_normal(&w->r);
    }
    for (int li = 0; li < 3; li++)
        for (int s = 0; s <= SITES; s++)
            w->item[li][s] = item_sd * rng_normal(&w->r);
}

static void world_done(struct world *w)
{
    qbid_values_done(&w->values);
    qbid_cells_done(&w->cells);
}

/* Line item indices 0 and 2 are of the first campaign, 1 of the second. */
static double truth(const struct world *w, uint32_t li, uint32_t d, uint32_t s)
{
    return fmin(BASE * exp(w->campaign[li == 1][d][s] + w->item[li][s]), 0.9);
}

static void world_fill(struct world *w, int draws, int trials)
{
    struct qbid_values_in in = {.account = &w->f.account, .cells = &w->cells};
    for (int i = 0; i < draws; i++) {
        uint32_t li = rng_below(&w->r, 3), e = 1 + rng_below(&w->r, EXCHANGES);
        uint32_t d = 1 + rng_below(&w->r, DEVICES), s = 1 + rng_below(&w->r, SITES);
        struct qbid_cell *cell = qbid_cells_touch(&w->cells, li, learn_context(e, d, s), 0);
        cell->imps += trials;
        cell->clicks += rng_binomial(&w->r, (uint32_t)trials, truth(w, li, d, s));
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(qbid_values_fit(&w->values, &in), 0);
}

/* Mean square of the error of log rates, over all contexts: of the dimensions' effects on
 * everybody alone, and with the interactions. The level of each line item is taken out. */
static void errors(const struct world *w, double *ret_without, double *ret_with)
{
    const struct qbid_estimate *e = &w->values.rate[QBID_VALUES_CTR];
    const struct qbid_tree *tree = &w->values.tree;
    double square[2] = {0}, cnt = 0;
    for (uint32_t li = 0; li < 3; li++) {
        double sum[2] = {0}, of_item[2] = {0}, n = 0;
        for (uint32_t d = 1; d <= DEVICES; d++)
            for (uint32_t s = 1; s <= SITES; s++) {
                uint64_t context = learn_context(1, d, s);
                double lg = log(truth(w, li, d, s));
                double without = qbid_estimate_ratios(e, tree, context, tree->level_mask[0]);
                double interactions =
                    qbid_estimate_interactions(e, tree, li, context, tree->level_mask[0]);
                const double error[2] = {log(without) - lg, log(without * interactions) - lg};
                for (int k = 0; k < 2; k++) {
                    sum[k] += error[k];
                    of_item[k] += error[k] * error[k];
                }
                n++;
            }
        for (int k = 0; k < 2; k++)
            square[k] += of_item[k] - sum[k] * sum[k] / n;
        cnt += n;
    }
    *ret_without = square[0] / cnt;
    *ret_with = square[1] / cnt;
}

static void campaigns_and_line_items_have_effects_of_their_own(void **state)
{
    (void)state;
    static struct world w;
    double without = 0, with = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        double a, b;
        world_init(&w, seed, 0.4, 0.2);
        world_fill(&w, 6000, 50);
        errors(&w, &a, &b);
        without += a / 4;
        with += b / 4;
        world_done(&w);
    }
    print_message("log rates where campaigns differ: rms error %.3f by effects on everybody, %.3f "
                  "with the campaigns' and line items' own\n",
                  sqrt(without), sqrt(with));
    assert_true(with < 0.35 * without);
}

static void where_all_are_alike_parts_end_near_one(void **state)
{
    (void)state;
    static struct world w;
    world_init(&w, 9, 0, 0);
    world_fill(&w, 6000, 50);
    double most = 0;
    for (uint32_t li = 0; li < 3; li++)
        for (uint32_t d = 1; d <= DEVICES; d++)
            for (uint32_t s = 1; s <= SITES; s++)
                most = fmax(most, fabs(log(qbid_estimate_interactions(
                                      &w.values.rate[QBID_VALUES_CTR], &w.values.tree, li,
                                      learn_context(1, d, s), w.values.tree.level_mask[0]))));
    print_message("log of interactions where all are alike: %.4f at most\n", most);
    assert_true(most < 0.08);
    world_done(&w);
}

/* Orders of one device are worth twice, of another half of those of the rest. */
static void orders_are_worth_what_they_are_in_their_context(void **state)
{
    (void)state;
    static struct world w;
    static const double worth[DEVICES + 1] = {1, 2, 0.5, 1, 1, 1, 1};
    for (int equal = 0; equal < 2; equal++) {
        double most = 0;
        world_init(&w, 5, 0.2, 0.1);
        for (int i = 0; i < 6000; i++) {
            uint32_t li = rng_below(&w.r, 3), d = 1 + rng_below(&w.r, DEVICES);
            struct qbid_cell *cell =
                qbid_cells_touch(&w.cells, li, learn_context(1, d, 1 + rng_below(&w.r, SITES)), 0);
            cell->imps += 50;
            cell->clicks += 5;
            cell->clicked += 5;
            cell->convs++;
            cell->value_nanos += 2e10 * (equal ? 1 : worth[d]) * rng_lognormal(&w.r, -0.18, 0.6);
        }
        struct qbid_values_in in = {.account = &w.f.account, .cells = &w.cells};
        assert_int_equal(qbid_values_fit(&w.values, &in), 0);
        for (uint32_t d = 1; d <= DEVICES; d++) {
            double exact = 2e7 * (equal ? 1 : worth[d]);
            double got = qbid_values_order(&w.values, 0, learn_context(1, d, 2));
            most = fmax(most, fabs(got / exact - 1));
        }
        print_message("order values, %s: largest relative error %.4f\n",
                      equal ? "all alike" : "by device", most);
        assert_true(most < 0.08);
        world_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(campaigns_and_line_items_have_effects_of_their_own),
        cmocka_unit_test(where_all_are_alike_parts_end_near_one),
        cmocka_unit_test(orders_are_worth_what_they_are_in_their_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
