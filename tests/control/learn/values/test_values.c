/* SPDX-License-Identifier: Apache-2.0 */
/* The rates tree: priors without data, shrinkage with data, and values by goal. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/learn/values/values.h"
#include "shm/hash.h"
#include "tests/control/learn/fixture.h"

#define CELLS_MAX 100000

static uint64_t masks[QBID_LEVEL_MAX];

static void masks_init(void)
{
    uint64_t device = qbid_dim_mask(QBID_DIM_DEVICE), site = qbid_dim_mask(QBID_DIM_SITE);
    uint64_t exchange = qbid_dim_mask(QBID_DIM_EXCHANGE);
    masks[0] = device | site | exchange;
    masks[1] = device | site;
    masks[2] = device;
}

static struct qbid_values fit(const struct learn_fixture *f, const struct qbid_cells *cells)
{
    struct qbid_values values;
    struct qbid_values_in in = {.account = &f->account, .cells = cells};
    masks_init();
    qbid_values_init(&values, masks);
    assert_int_equal(qbid_values_fit(&values, &in), 0);
    return values;
}

static void without_data_a_line_item_goes_by_its_own_prior(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    f.line_item[1].prior_ctr = 0.002;
    struct qbid_cells cells;
    assert_int_equal(qbid_cells_init(&cells, CELLS_MAX), 0);
    struct qbid_values v = fit(&f, &cells);
    struct qbid_rate_pair a = qbid_values_rates(&v, 0, learn_context(1, 2, 3), 0);
    struct qbid_rate_pair b = qbid_values_rates(&v, 2, learn_context(1, 2, 3), 0);
    assert_true(fabs(a.ctr - 0.01) < 1e-8);
    assert_true(fabs(b.ctr - 0.002) < 1e-8);
    assert_true(fabs(a.cvr - 0.1) < 1e-8);
    qbid_values_done(&v);
    qbid_cells_done(&cells);
}

static void a_line_item_with_much_data_goes_by_the_data(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_cells cells;
    assert_int_equal(qbid_cells_init(&cells, CELLS_MAX), 0);
    struct qbid_cell *cell = qbid_cells_touch(&cells, 0, learn_context(1, 1, 1), 0);
    cell->imps = 1000000;
    cell->clicks = cell->clicked = 30000;
    cell->convs = 1500;
    cell->value_nanos = 1500 * 7e9;
    struct qbid_values v = fit(&f, &cells);
    struct qbid_rate_pair r = qbid_values_rates(&v, 0, learn_context(1, 1, 1), 0);
    assert_true(fabs(r.ctr / 0.03 - 1) < 0.01);
    assert_true(fabs(r.cvr / 0.05 - 1) < 0.03);
    /* 10 conversions at the stated 20.00 and 1500 seen at 7.00 */
    assert_true(fabs(v.order_value[0] - (10 * 20e6 + 1500 * 7e6) / 1510) < 1);
    qbid_values_done(&v);
    qbid_cells_done(&cells);
}

static void an_unseen_context_takes_the_coarser_ones_rate(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_cells cells;
    assert_int_equal(qbid_cells_init(&cells, CELLS_MAX), 0);
    for (uint32_t device = 1; device <= 8; device++) {
        for (uint32_t site = 1; site <= 8; site++) {
            struct qbid_cell *cell = qbid_cells_touch(&cells, 0, learn_context(1, device, site), 0);
            cell->imps = 20000;
            cell->clicks = device % 2 ? 100 : 400;
        }
    }
    struct qbid_values v = fit(&f, &cells);
    struct qbid_rate_pair odd = qbid_values_rates(&v, 0, learn_context(9, 1, 99), 0);
    struct qbid_rate_pair even = qbid_values_rates(&v, 0, learn_context(9, 2, 99), 0);
    struct qbid_rate_pair level = qbid_values_rates(&v, 0, learn_context(0, 2, 0), 2);
    assert_true(fabs(odd.ctr / 0.005 - 1) < 0.05);
    assert_true(fabs(even.ctr / 0.02 - 1) < 0.05);
    assert_true(level.ctr == even.ctr);
    qbid_values_done(&v);
    qbid_cells_done(&cells);
}

struct draws {
    uint64_t word;
};

static double draw(struct draws *d)
{
    d->word += UINT64_C(0x9e3779b97f4a7c15);
    return (double)(qbid_mix64(d->word) >> 11) * 0x1p-53;
}

/* Truth: base x device effect x site effect, 40 trials a cell: sparse. */
static void shrunk_rates_predict_better_than_raw_and_than_one_mean(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    unsigned better = 0, seeds = 20;
    for (unsigned seed = 0; seed < seeds; seed++) {
        struct draws d = {seed * 7919 + 1};
        struct qbid_cells cells;
        assert_int_equal(qbid_cells_init(&cells, CELLS_MAX), 0);
        double device_effect[7], site_effect[41], clicks = 0, trials = 0;
        for (unsigned i = 0; i < 7; i++)
            device_effect[i] = exp(1.6 * (draw(&d) - 0.5));
        for (unsigned i = 0; i < 41; i++)
            site_effect[i] = exp(1.6 * (draw(&d) - 0.5));
        for (uint32_t device = 1; device <= 6; device++) {
            for (uint32_t site = 1; site <= 40; site++) {
                struct qbid_cell *c =
                    qbid_cells_touch(&cells, 0, learn_context(1, device, site), 0);
                c->imps = 40;
                for (unsigned t = 0; t < 40; t++)
                    c->clicks += draw(&d) < 0.05 * device_effect[device] * site_effect[site];
                clicks += (double)c->clicks;
                trials += 40;
            }
        }
        struct qbid_values v = fit(&f, &cells);
        double ours = 0, raw = 0, mean = 0;
        for (uint32_t i = 0; i < cells.cnt; i++) {
            const struct qbid_cell *c = &cells.cell[i];
            double p = 0.05 * device_effect[qbid_dim_unpack(c->context, QBID_DIM_DEVICE)] *
                       site_effect[qbid_dim_unpack(c->context, QBID_DIM_SITE)];
            double q = qbid_values_rates(&v, 0, c->context, 0).ctr;
            double r = ((double)c->clicks + 1e-3) / 40.002, m = clicks / trials;
            ours -= p * log(q) + (1 - p) * log(1 - q);
            raw -= p * log(r) + (1 - p) * log(1 - r);
            mean -= p * log(m) + (1 - p) * log(1 - m);
        }
        better += ours < raw && ours < mean;
        qbid_values_done(&v);
        qbid_cells_done(&cells);
    }
    print_message("shrunk rates have the lower expected log-loss in %u of %u seeds\n", better,
                  seeds);
    assert_true(better >= seeds - 1);
}

static void values_follow_the_goal(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_cells cells;
    assert_int_equal(qbid_cells_init(&cells, CELLS_MAX), 0);
    struct qbid_values v = fit(&f, &cells);
    /* 1 % of 0.50 a click is 0.005 an impression, 5.00 CPM */
    assert_true(fabs(qbid_values_impression(&v, 1, 0, QBID_LEVEL_DEFAULT) - 5e6) < 1);
    /* without a target an impression of the prior rate is worth the ceiling */
    assert_true(fabs(qbid_values_impression(&v, 0, 0, QBID_LEVEL_DEFAULT) - 5e6) < 1);
    assert_true(qbid_values_impression(&v, 3, 0, QBID_LEVEL_DEFAULT) == 0);
    qbid_values_done(&v);
    qbid_cells_done(&cells);
}

static void a_full_table_counts_for_the_line_item_and_says_so(void **state)
{
    (void)state;
    struct learn_fixture f;
    learn_fixture_init(&f);
    struct qbid_cells cells;
    assert_int_equal(qbid_cells_init(&cells, 2), 0);
    for (uint32_t site = 1; site <= 10; site++) {
        struct qbid_cell *cell = qbid_cells_touch(&cells, 0, learn_context(1, 1, site), 0);
        cell->imps += 100000;
        cell->clicks += 5000;
    }
    assert_int_equal(cells.refused, 8);
    struct qbid_values v = fit(&f, &cells);
    struct qbid_rate_pair r = qbid_values_rates(&v, 0, 0, QBID_LEVEL_DEFAULT);
    /* eight in ten of the trials are one unlisted context to the tree, so the prior still shows */
    assert_true(fabs(r.ctr / 0.05 - 1) < 0.05);
    qbid_values_done(&v);
    qbid_cells_done(&cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_data_a_line_item_goes_by_its_own_prior),
        cmocka_unit_test(a_line_item_with_much_data_goes_by_the_data),
        cmocka_unit_test(an_unseen_context_takes_the_coarser_ones_rate),
        cmocka_unit_test(shrunk_rates_predict_better_than_raw_and_than_one_mean),
        cmocka_unit_test(values_follow_the_goal),
        cmocka_unit_test(a_full_table_counts_for_the_line_item_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
