/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation: hand oracles, optimality conditions, NLopt's SLSQP, exact sums, faults by name. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/allocate/allocation.h"
#include "shm/error.h"
#include "tests/control/models/allocate/notes.h"
#include "tests/control/models/allocate/slsqp.h"
#include "tests/control/models/rng.h"

#define ITEMS_MAX 20000
#define FEW 40
#define GROUPS_MAX 5
#define UNIT INT64_C(1000000)

static struct qbid_allocation_item items[ITEMS_MAX];
static struct qbid_allocation_group groups[GROUPS_MAX];
static char why[QBID_ALLOCATION_WHY_MAX];

static struct qbid_allocation powers(const double *a, const double *b, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++)
        items[i] = (struct qbid_allocation_item){.curve = {QBID_CURVE_POWER, a[i], b[i], 0},
                                                 .most_micros = INT64_MAX};
    return (struct qbid_allocation){.items = items, .item_cnt = cnt, .budget_micros = 100 * UNIT};
}

/* ALGORITHMS.md 4.1 states seven decimals. */
static void spends_are(const double *expected, uint32_t cnt, double value,
                       struct qbid_allocation *a)
{
    int64_t sum = 0;
    assert_int_equal(qbid_allocate(a, why), 0);
    for (uint32_t i = 0; i < cnt; i++) {
        assert_true(fabs(items[i].spend - expected[i]) < 1e-7);
        assert_true(fabs((double)items[i].spend_micros - 1e6 * items[i].spend) <= 1);
        sum += items[i].spend_micros;
    }
    assert_true(fabs(qbid_allocation_value(a) - value) < 1e-6);
    assert_int_equal(sum, a->budget_micros);
}

static void hand_oracles(void **state)
{
    (void)state;
    static const double a3[] = {1, 2, 3}, b3[] = {0.8, 0.8, 0.8};
    static const double own_a[] = {5, 3, 2}, own_b[] = {0.5, 0.7, 0.9};
    struct qbid_allocation a = powers(a3, b3, 3);
    spends_are((double[]){0.3623188, 11.5942029, 88.0434783}, 3, 122.512899, &a);
    items[2].most_micros = 60 * UNIT;
    spends_are((double[]){1.2121212, 38.7878788, 60}, 3, 117.857673, &a);
    a = powers(own_a, own_b, 3);
    spends_are((double[]){4.7215064, 7.4313078, 87.8471859}, 3, 135.380140, &a);
    assert_true(fabs(a.marginal - 1.15053470) < 1e-8);
}

static struct qbid_curve curve_draw(struct rng *r, int kind)
{
    struct qbid_curve curve = {.kind = (enum qbid_curve_kind)kind};
    curve.scale = rng_lognormal(r, 0, 0.5);
    curve.shape = 0.4 + 0.5 * rng_uniform(r);
    curve.half = kind == QBID_CURVE_POWER ? 0 : rng_lognormal(r, 4, 0.5);
    if (kind == QBID_CURVE_POWER && rng_below(r, 2))
        curve.half = 10 * rng_uniform(r);
    curve.scale *= kind == QBID_CURVE_POWER ? 1 : 60;
    return curve;
}

/* Bounds around an equal split of 100 each. */
static struct qbid_allocation instance_draw(struct rng *r, uint32_t cnt, uint32_t group_cnt)
{
    int kind = (int)rng_below(r, 4);
    struct qbid_allocation a = {.items = items,
                                .item_cnt = cnt,
                                .groups = group_cnt ? groups : NULL,
                                .group_cnt = group_cnt};
    a.budget_micros = 100 * UNIT * cnt;
    int64_t low[GROUPS_MAX] = {0}, high[GROUPS_MAX] = {0};
    uint32_t members[GROUPS_MAX] = {0};
    for (uint32_t i = 0; i < cnt; i++) {
        items[i] = (struct qbid_allocation_item){
            .curve = curve_draw(r, kind < 3 ? kind : (int)rng_below(r, 3)),
            .least_micros = 10 * UNIT + (int64_t)(30e6 * rng_uniform(r)),
            .most_micros = 120 * UNIT + (int64_t)(400e6 * rng_uniform(r)),
            .group = group_cnt ? i % group_cnt : 0};
        low[items[i].group] += items[i].least_micros;
        high[items[i].group] += items[i].most_micros;
        members[items[i].group]++;
    }
    for (uint32_t g = 0; g < group_cnt; g++) {
        int64_t equal = 100 * UNIT * members[g];
        groups[g] = (struct qbid_allocation_group){.least_micros = 0, .most_micros = INT64_MAX};
        if (rng_below(r, 3))
            groups[g].most_micros =
                equal + (int64_t)(rng_uniform(r) * (double)(high[g] - equal) / 2);
        if (rng_below(r, 2))
            groups[g].least_micros = low[g] + (int64_t)(rng_uniform(r) * (double)(equal - low[g]));
    }
    return a;
}

/* Interior marginals equal the price of their platform, those at bounds are on the right side. */
static void conditions_hold(const struct qbid_allocation *a)
{
    for (uint32_t i = 0; i < a->item_cnt; i++) {
        const struct qbid_allocation_item *item = &a->items[i];
        double price = a->groups ? a->groups[item->group].marginal : a->marginal;
        double own = qbid_curve_marginal(&item->curve, item->spend) / price - 1;
        double least = (double)item->least_micros / 1e6;
        double most = fmin((double)item->most_micros, (double)a->budget_micros) / 1e6;
        assert_true(item->spend >= least && item->spend <= most);
        if (item->spend == least)
            assert_true(own < 1e-10);
        else if (item->spend == most)
            assert_true(own > -1e-10);
        else
            assert_true(fabs(own) < 1e-10);
    }
}

static void sums_are_exact(const struct qbid_allocation *a)
{
    int64_t all = 0, parts[GROUPS_MAX] = {0};
    double sum = 0;
    for (uint32_t i = 0; i < a->item_cnt; i++) {
        assert_in_range(items[i].spend_micros, items[i].least_micros, items[i].most_micros);
        assert_true(fabs((double)items[i].spend_micros - 1e6 * items[i].spend) < 2);
        all += items[i].spend_micros;
        parts[items[i].group] += items[i].spend_micros;
        sum += items[i].spend;
    }
    assert_true(all == a->budget_micros);
    assert_true(fabs(1e6 * sum / (double)a->budget_micros - 1) < 1e-9);
    for (uint32_t g = 0; g < a->group_cnt; g++) {
        assert_true(parts[g] == groups[g].spend_micros);
        assert_in_range(parts[g], groups[g].least_micros, groups[g].most_micros);
    }
}

static void never_below_slsqp(void **state)
{
    (void)state;
    struct rng r = rng_init(5);
    double worst = INFINITY, best = -INFINITY;
    for (int round = 0; round < 100; round++) {
        struct qbid_allocation a = instance_draw(&r, 5 + rng_below(&r, 36), 0);
        double x[FEW];
        for (uint32_t i = 0; i < a.item_cnt; i++)
            x[i] = 100;
        assert_int_equal(qbid_allocate(&a, why), 0);
        conditions_hold(&a);
        sums_are_exact(&a);
        double ours = qbid_allocation_value(&a), gain = ours / slsqp_solve(&a, x) - 1;
        worst = fmin(worst, gain);
        best = fmax(best, gain);
        assert_true(gain >= -1e-9);
    }
    print_message("allocation: value against NLopt's SLSQP, 100 instances: %.2g to %.2g\n", worst,
                  best);
}

/* Enough for the price to be looked for among a sample first. */
static void many_campaigns(void **state)
{
    (void)state;
    struct rng r = rng_init(7);
    for (int round = 0; round < 4; round++) {
        struct qbid_allocation a = instance_draw(&r, ITEMS_MAX, round % 2 ? 5 : 0);
        assert_int_equal(qbid_allocate(&a, why), 0);
        conditions_hold(&a);
        sums_are_exact(&a);
    }
}

/* The design notes' ascent on the instances of ALGORITHMS.md 4.1: 100 campaigns, one exponent. */
static void the_notes_ascent_stays_below(void **state)
{
    (void)state;
    struct rng r = rng_init(8);
    double mean = 0, worst = 1, off_most = 0;
    for (int round = 0; round < 200; round++) {
        struct qbid_curve curves[100];
        double least[100], most[100], spend[100], value = 0, off = -1e4;
        struct qbid_allocation a = {.items = items, .item_cnt = 100, .budget_micros = 10000 * UNIT};
        for (uint32_t i = 0; i < 100; i++) {
            curves[i] = (struct qbid_curve){QBID_CURVE_POWER, rng_lognormal(&r, 0, 0.5), 0.8, 0};
            items[i] = (struct qbid_allocation_item){
                .curve = curves[i], .least_micros = 20 * UNIT, .most_micros = 500 * UNIT};
            least[i] = 20, most[i] = 500;
        }
        assert_int_equal(qbid_allocate(&a, why), 0);
        notes_ascent(curves, least, most, 100, 1e4, spend);
        for (uint32_t i = 0; i < 100; i++) {
            value += qbid_curve_value(&curves[i], spend[i]);
            off += spend[i];
        }
        double part = value / qbid_allocation_value(&a);
        mean += part / 200;
        worst = fmin(worst, part);
        off_most = fmax(off_most, fabs(off));
    }
    print_message(
        "allocation: the notes' ascent, 200 instances: %.4f of the optimum, worst %.4f, sum "
        "off by up to %.2f of 10000\n",
        mean, worst, off_most);
    assert_true(worst < 0.999);
}

/* Platforms whose quotas bind have prices of their own, on the right side of the others'. */
static uint32_t quotas_bind(const struct qbid_allocation *a)
{
    uint32_t bound = 0;
    for (uint32_t g = 0; g < a->group_cnt; g++) {
        double own = groups[g].marginal / a->marginal - 1;
        if (groups[g].spend_micros > groups[g].least_micros + 1)
            assert_true(own > -1e-10);
        if (groups[g].spend_micros < groups[g].most_micros - 1)
            assert_true(own < 1e-10);
        bound += fabs(own) > 1e-9;
    }
    return bound;
}

static void platforms_equal_their_oracle(void **state)
{
    (void)state;
    struct rng r = rng_init(6);
    double worst = 0;
    uint32_t bound = 0;
    for (int round = 0; round < 200; round++) {
        struct qbid_allocation a = instance_draw(&r, 8 + rng_below(&r, 8), 2 + rng_below(&r, 3));
        double x[FEW];
        for (uint32_t i = 0; i < a.item_cnt; i++)
            x[i] = 100;
        assert_int_equal(qbid_allocate(&a, why), 0);
        conditions_hold(&a);
        sums_are_exact(&a);
        bound += quotas_bind(&a);
        double apart = qbid_allocation_value(&a) / slsqp_solve(&a, x) - 1;
        worst = fmax(worst, fabs(apart));
        assert_true(fabs(apart) < 1e-8);
    }
    assert_true(bound > 100);
    print_message(
        "allocation: platforms against NLopt's SLSQP, 200 instances: %.2g apart, %u quotas "
        "bind\n",
        worst, bound);
}

/* Without bounds inside, a platform of power laws is a power law of scale (sum a^k)^(1/k). */
static void a_platform_is_a_power_law(void **state)
{
    (void)state;
    static const double a6[] = {1, 2, 3, 4, 5, 6}, b6[] = {0.8, 0.8, 0.8, 0.8, 0.8, 0.8};
    struct qbid_allocation a = powers(a6, b6, 6);
    double both[2], half[2] = {0.8, 0.8}, sums[2] = {0, 0};
    for (uint32_t i = 0; i < 6; i++) {
        items[i].group = i % 2;
        sums[i % 2] += pow(a6[i], 5);
    }
    groups[0] = groups[1] = (struct qbid_allocation_group){.most_micros = INT64_MAX};
    a.groups = groups;
    a.group_cnt = 2;
    assert_int_equal(qbid_allocate(&a, why), 0);
    int64_t joint[2] = {groups[0].spend_micros, groups[1].spend_micros};
    both[0] = pow(sums[0], 0.2), both[1] = pow(sums[1], 0.2);
    struct qbid_allocation two = powers(both, half, 2);
    assert_int_equal(qbid_allocate(&two, why), 0);
    for (int g = 0; g < 2; g++)
        assert_true(llabs(items[g].spend_micros - joint[g]) <= 1);
}

static void corners(void **state)
{
    (void)state;
    static const double a3[] = {1, 2, 3}, b3[] = {0.3, 0.5, 0.999};
    struct qbid_allocation a = powers(a3, b3, 3);
    a.budget_micros = 0;
    assert_int_equal(qbid_allocate(&a, why), 0);
    assert_int_equal(items[0].spend_micros + items[1].spend_micros + items[2].spend_micros, 0);
    for (int i = 0; i < 3; i++)
        items[i].least_micros = items[i].most_micros = 10 * UNIT;
    a.budget_micros = 30 * UNIT;
    assert_int_equal(qbid_allocate(&a, why), 0);
    assert_int_equal(items[1].spend_micros, 10 * UNIT);
    items[2].most_micros = INT64_MAX; /* no bound: the nearly straight one gets the rest */
    a.budget_micros = QBID_ALLOCATION_MICROS_MAX;
    assert_int_equal(qbid_allocate(&a, why), 0);
    assert_true(items[2].spend_micros == QBID_ALLOCATION_MICROS_MAX - 20 * UNIT);
    a.item_cnt = 1;
    items[0].most_micros = INT64_MAX;
    a.budget_micros = 11 * UNIT;
    assert_int_equal(qbid_allocate(&a, why), 0);
    assert_int_equal(items[0].spend_micros, 11 * UNIT);
}

static void refused(struct qbid_allocation a, int err, const char *expected)
{
    struct qbid_allocation_item before[3];
    memcpy(before, items, sizeof before);
    assert_int_equal(qbid_allocate(&a, why), err);
    assert_string_equal(why, expected);
    assert_memory_equal(before, items, sizeof before);
}

static struct qbid_allocation named(void)
{
    static const double a3[] = {1, 2, 3}, b3[] = {0.8, 0.8, 0.8};
    struct qbid_allocation a = powers(a3, b3, 3);
    items[0].name = "north";
    items[1].group = items[2].group = 1;
    groups[0] = (struct qbid_allocation_group){.name = "meta", .most_micros = INT64_MAX};
    groups[1] = (struct qbid_allocation_group){.name = "search", .most_micros = INT64_MAX};
    a.groups = groups;
    a.group_cnt = 2;
    return a;
}

static void faults_are_named(void **state)
{
    (void)state;
    struct qbid_allocation a = named();
    items[0].least_micros = 5 * UNIT, items[0].most_micros = 3 * UNIT;
    refused(a, QBID_ERR_LIMIT, "campaign 'north': its least 5.000000 is above its most 3.000000");
    a = named();
    items[1].least_micros = -1;
    refused(a, QBID_ERR_INVAL, "campaign 1: least_micros is negative");
    a = named();
    items[2].curve.shape = 1.5;
    refused(a, QBID_ERR_INVAL, "campaign 2: its curve has a shape that is not concave");
    a = named();
    items[2].group = 2;
    refused(a, QBID_ERR_INVAL, "campaign 2: platform 2 is not there");
    a = named();
    items[1].least_micros = items[2].least_micros = 30 * UNIT, groups[1].most_micros = 50 * UNIT;
    refused(a, QBID_ERR_LIMIT,
            "platform 'search': the least spends of its campaigns come to 60.000000 or more, its "
            "most is 50.000000");
    a = named();
    items[0].most_micros = 10 * UNIT, groups[0].least_micros = 20 * UNIT;
    refused(a, QBID_ERR_LIMIT,
            "platform 'meta': the most spends of its campaigns come to 10.000000, its least is "
            "20.000000");
    a = named();
    groups[0].least_micros = 60 * UNIT, groups[1].least_micros = 50 * UNIT;
    refused(a, QBID_ERR_LIMIT, "budget: the least spends come to more than its 100.000000");
    a = named();
    groups[0].most_micros = 30 * UNIT, groups[1].most_micros = 50 * UNIT;
    refused(a, QBID_ERR_LIMIT, "budget: the most spends come to 80.000000 of its 100.000000");
    a = named();
    a.budget_micros = -1;
    refused(a, QBID_ERR_INVAL, "budget_micros: -1 is out of range");
    a = named();
    a.item_cnt = 0;
    refused(a, QBID_ERR_INVAL, "item_cnt: 0 campaigns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_oracles),
        cmocka_unit_test(never_below_slsqp),
        cmocka_unit_test(many_campaigns),
        cmocka_unit_test(the_notes_ascent_stays_below),
        cmocka_unit_test(platforms_equal_their_oracle),
        cmocka_unit_test(a_platform_is_a_power_law),
        cmocka_unit_test(corners),
        cmocka_unit_test(faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
