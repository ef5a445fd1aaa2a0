/* SPDX-License-Identifier: Apache-2.0 */
/* The generated market is what its headers say: traffic by the hour, rates that multiply, prices
 * with the distribution in closed form, draws with the stated moments. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/error.h"
#include "shm/units.h"
#include "tools/sim/market/calendar.h"
#include "tools/sim/market/prices.h"
#include "tools/sim/market/traffic.h"

static struct qbid_sim_market market;
static struct qbid_sim_audience audience;

static int setup(void **state)
{
    (void)state;
    struct qbid_sim_market_params p = qbid_sim_market_defaults();
    p.seed = 7;
    p.auctions_a_day = 60000;
    p.users = 2000;
    p.noise = 0;
    return qbid_sim_market_init(&market, &p) || qbid_sim_audience_init(&audience, &p);
}

static int teardown(void **state)
{
    (void)state;
    qbid_sim_audience_done(&audience);
    return 0;
}

static void normal_draws_have_the_moments_and_quantiles_of_a_normal(void **state)
{
    enum { N = 400000 };
    struct qbid_sim_random r = qbid_sim_random_of(1, 1);
    double sum = 0, square = 0, fourth = 0, above_1 = 0, above_2 = 0;
    (void)state;
    for (int i = 0; i < N; i++) {
        double z = qbid_sim_normal(&r);
        sum += z;
        square += z * z;
        fourth += z * z * z * z;
        above_1 += z > 1;
        above_2 += z > 2;
    }
    assert_true(fabs(sum / N) < 0.008 && fabs(square / N - 1) < 0.01);
    assert_true(fabs(fourth / N - 3) < 0.08);
    assert_true(fabs(above_1 / N - 0.158655) < 0.003 && fabs(above_2 / N - 0.022750) < 0.0012);
}

static void traffic_is_the_same_from_seed_to_seed_and_follows_its_hours(void **state)
{
    struct qbid_sim_traffic one, two;
    struct qbid_sim_auction a = {0}, b = {0};
    double hour[24] = {0}, expected = 0, day = 0;
    (void)state;
    qbid_sim_traffic_init(&one, &market, &audience);
    qbid_sim_traffic_init(&two, &market, &audience);
    uint64_t last_ns = 0;
    for (;;) {
        qbid_sim_traffic_next(&one, &a);
        qbid_sim_traffic_next(&two, &b);
        assert_memory_equal(&a, &b, sizeof a);
        assert_true(a.time_ns >= last_ns);
        last_ns = a.time_ns;
        if (a.time_ns >= 86400 * QBID_NS_PER_S)
            break;
        assert_int_equal(a.value[QBID_DIM_HOUR], a.time_ns / (3600 * QBID_NS_PER_S));
        hour[a.value[QBID_DIM_HOUR]]++;
        day++;
    }
    for (unsigned h = 0; h < 24; h++) {
        expected = one.rate_a_s[h] * 3600;
        assert_true(fabs(hour[h] - expected) < 5 * sqrt(expected));
    }
    assert_true(day > 50000 && day < 70000);
}

/* Users by activity: the alias table gives each his share. */
static void users_come_by_their_activity(void **state)
{
    enum { N = 400000 };
    struct qbid_sim_random r = qbid_sim_random_of(3, 3);
    double *share = calloc(audience.cnt, sizeof *share), *seen = calloc(audience.cnt, sizeof *seen);
    double worst = 0;
    (void)state;
    for (uint32_t i = 0; i < audience.cnt; i++) {
        share[i] += (double)audience.alias_share[i] / audience.cnt;
        share[audience.alias[i]] += (1 - (double)audience.alias_share[i]) / audience.cnt;
    }
    for (int i = 0; i < N; i++)
        seen[qbid_sim_audience_draw(&audience, &r)]++;
    for (uint32_t i = 0; i < audience.cnt; i++)
        worst = fmax(worst, fabs(seen[i] - N * share[i]) / sqrt(N * share[i] + 1));
    assert_true(worst < 6);
    free(share);
    free(seen);
}

/* The oracle's closed form against what is drawn, by the Kolmogorov-Smirnov distance. */
static void prices_have_the_distribution_that_the_oracle_knows(void **state)
{
    struct qbid_sim_traffic t;
    struct qbid_sim_auction a;
    struct qbid_sim_competitors rivals;
    float bids[QBID_SIM_RIVALS];
    double won[8] = {0}, expected[8] = {0}, n = 0;
    (void)state;
    qbid_sim_traffic_init(&t, &market, &audience);
    qbid_sim_competitors_init(&rivals, &market);
    for (int i = 0; i < 60000; i++) {
        qbid_sim_traffic_next(&t, &a);
        a.floor_micros = 0; /* floors in requests are seen, not drawn from the landscape */
        float least = qbid_sim_competitors_bid(&rivals, &a, bids);
        double place_lg = (double)qbid_sim_market_price_lg(&market, a.value);
        n++;
        for (unsigned k = 0; k < 8; k++) {
            double bid = market.price_micros * exp2(0.5 * k - 0.99);
            won[k] += (double)least <= bid;
            expected[k] += qbid_sim_prices_win(&market, &rivals, place_lg, bid);
        }
    }
    for (unsigned k = 0; k < 8; k++)
        assert_true(fabs(won[k] - expected[k]) / n < 0.006);
    assert_true(won[0] / n < 0.3 && won[7] / n > 0.8);
}

static void shading_is_the_best_bid_of_the_landscape(void **state)
{
    static struct qbid_sim_prices prices;
    struct qbid_sim_competitors rivals;
    (void)state;
    qbid_sim_competitors_init(&rivals, &market);
    qbid_sim_prices_make(&market, &rivals, &prices);
    for (unsigned k = 0; k < 6; k++) {
        double e = market.price_micros * exp2(0.7 * k - 0.5), best = 0;
        for (double b = e / 64; b < e; b *= 1.002)
            best = fmax(best, (e - b) * qbid_sim_prices_win(&market, &rivals, 0, b));
        double bid = qbid_sim_prices_shade(&prices, 0, e);
        double got = (e - bid) * qbid_sim_prices_win(&market, &rivals, 0, bid);
        if (got < 0.985 * best)
            fail_msg("value %.3f: bid %.3f has %.4f of the best surplus", e / market.price_micros,
                     bid / market.price_micros, got / best);
    }
}

/* A rate is the product of what is stated: changed in one dimension it changes by that effect. */
static void rates_are_products_of_effects(void **state)
{
    struct qbid_sim_auction a = {.value = {1, 2, 1, 2, 9, 3, 4, 30}}, b = a;
    const struct qbid_sim_line_item *li = &market.line_item[3];
    (void)state;
    struct qbid_sim_rates x = qbid_sim_market_rates(&market, 3, 0, &a, 0, 0);
    b.value[QBID_DIM_HOUR] = 31;
    struct qbid_sim_rates y = qbid_sim_market_rates(&market, 3, 0, &b, 0, 0);
    double ctr_lg =
        (double)(li->ctr.effect_lg[QBID_DIM_HOUR][31] - li->ctr.effect_lg[QBID_DIM_HOUR][30]);
    assert_true(fabs(log2(y.ctr / x.ctr) - ctr_lg) < 1e-4);
    struct qbid_sim_rates tired = qbid_sim_market_rates(&market, 3, 0, &a, 0, 2);
    assert_true(fabs(tired.ctr / x.ctr - exp(-2 * market.params.fatigue)) < 1e-4);
    assert_true(tired.cvr == x.cvr);
    struct qbid_sim_rates user = qbid_sim_market_rates(&market, 3, 0, &a, 1, 0);
    assert_true(fabs(user.cvr / x.cvr - 2) < 1e-4);
    assert_true(fabs(x.value_nanos - x.ctr * x.cvr * x.order_micros * 1000) < 1e-3);
}

static void exposures_are_forgotten_by_half_in_a_day(void **state)
{
    struct qbid_sim_exposures e;
    uint64_t day = 86400 * QBID_NS_PER_S;
    (void)state;
    assert_int_equal(qbid_sim_exposures_init(&e, 10, 2), 0);
    qbid_sim_exposures_add(&e, 3, 1, 0);
    qbid_sim_exposures_add(&e, 3, 1, day);
    assert_true(fabsf(qbid_sim_exposures_load(&e, 3, 1, day) - 1.5f) < 1e-5f);
    assert_true(fabsf(qbid_sim_exposures_load(&e, 3, 1, 3 * day) - 0.375f) < 1e-5f);
    assert_true(qbid_sim_exposures_load(&e, 3, 0, day) == 0);
    qbid_sim_exposures_done(&e);
}

static void the_calendar_gives_back_in_order_of_time_and_then_of_arrival(void **state)
{
    struct qbid_sim_calendar c = {0};
    struct qbid_sim_random r = qbid_sim_random_of(5, 5);
    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        struct qbid_sim_notice n = {.due_ns = qbid_sim_below(&r, 600), .price_nanos = i};
        assert_int_equal(qbid_sim_calendar_add(&c, &n), 0);
    }
    struct qbid_sim_notice last = qbid_sim_calendar_take(&c);
    for (uint32_t i = 1; i < 5000; i++) {
        assert_int_equal(qbid_sim_calendar_next(&c), c.notice[0].due_ns);
        struct qbid_sim_notice n = qbid_sim_calendar_take(&c);
        assert_true(n.due_ns > last.due_ns ||
                    (n.due_ns == last.due_ns && n.price_nanos > last.price_nanos));
        last = n;
    }
    assert_int_equal(qbid_sim_calendar_next(&c), UINT64_MAX);
    qbid_sim_calendar_done(&c);
}

static void a_profile_is_read_and_a_broken_one_refused(void **state)
{
    char path[] = "/tmp/qbid_sim_profile_XXXXXX";
    double profile[QBID_SIM_HOURS];
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    (void)state;
    assert_non_null(f);
    fputs("region_id,dow,hour,traffic_share\n", f);
    for (unsigned region = 0; region < 2; region++)
        for (unsigned h = 0; h < QBID_SIM_HOURS; h++)
            fprintf(f, "%u,%u,%u,%.3f\n", region, 1 + h / 24, h % 24, 0.001 * (1 + h));
    fflush(f);
    assert_int_equal(qbid_sim_profile_load(path, profile), 0);
    assert_true(fabs(profile[100] - 0.202) < 1e-9);
    fputs("3,8,1,0.5\n", f);
    fclose(f);
    assert_int_equal(qbid_sim_profile_load(path, profile), QBID_ERR_PARSE);
    unlink(path);
    assert_int_equal(qbid_sim_profile_load(path, profile), QBID_ERR_SYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_draws_have_the_moments_and_quantiles_of_a_normal),
        cmocka_unit_test(traffic_is_the_same_from_seed_to_seed_and_follows_its_hours),
        cmocka_unit_test(users_come_by_their_activity),
        cmocka_unit_test(prices_have_the_distribution_that_the_oracle_knows),
        cmocka_unit_test(shading_is_the_best_bid_of_the_landscape),
        cmocka_unit_test(rates_are_products_of_effects),
        cmocka_unit_test(exposures_are_forgotten_by_half_in_a_day),
        cmocka_unit_test(the_calendar_gives_back_in_order_of_time_and_then_of_arrival),
        cmocka_unit_test(a_profile_is_read_and_a_broken_one_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
