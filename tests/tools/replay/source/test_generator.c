/* SPDX-License-Identifier: Apache-2.0 */
/* Generated traffic against the published statistics and its own stated rates. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/error.h"
#include "tools/replay/auction/device.h"
#include "tools/replay/source/generator.h"

enum { ROWS = 100000 };

static struct qbid_replay_generator *new_generator(const char *campaign, uint64_t seed, double ctr)
{
    struct qbid_replay_generator_terms terms = {
        .seed = seed, .campaign = qbid_replay_ipinyou_find(campaign), .ctr = ctr};
    struct qbid_replay_generator *generator;
    assert_int_equal(qbid_replay_generator_new(&terms, &generator), 0);
    return generator;
}

static void mean_price_and_click_rate_are_the_published_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < QBID_REPLAY_IPINYOU_CNT; i++) {
        const struct qbid_replay_ipinyou_campaign *campaign = &qbid_replay_ipinyou_campaigns[i];
        struct qbid_replay_generator *generator = new_generator(campaign->id, 11 + i, 0);
        double price = 0, price_square = 0, rate = 0, clicks = 0, variance = 0;
        for (uint64_t n = 0; n < ROWS; n++) {
            struct qbid_replay_row row;
            qbid_replay_generator_load(generator, n, &row);
            double fen = (double)row.market_micros / 1e4;
            price += fen;
            price_square += fen * fen;
            rate += row.true_ctr;
            variance += row.true_ctr * (1 - row.true_ctr);
            clicks += row.click;
        }
        double published_price = (double)campaign->cost_fen / (double)campaign->impressions;
        double published_rate = (double)campaign->clicks / (double)campaign->impressions;
        double deviation = sqrt(price_square / ROWS - price / ROWS * price / ROWS);
        print_message("%s: price %.2f (published %.2f) fen, click rate %.6f (published %.6f), "
                      "%.0f clicks\n",
                      campaign->id, price / ROWS, published_price, rate / ROWS, published_rate,
                      clicks);
        /* The draw's own error, and 1.5 % because a few busy slots carry much of the traffic. */
        assert_true(fabs(price / ROWS - published_price) <
                    4 * deviation / sqrt(ROWS) + 0.015 * published_price);
        assert_true(fabs(rate / ROWS - published_rate) < 0.03 * published_rate);
        assert_true(fabs(clicks - rate) < 4 * sqrt(variance));
        qbid_replay_generator_free(generator);
    }
}

/* The published histograms are not part of the project. */
static void fitted_prices_are_near_the_published_histograms(void **state)
{
    char path[128];
    size_t found = 0;
    (void)state;
    for (size_t i = 0; i < QBID_REPLAY_IPINYOU_CNT; i++) {
        double cdf[QBID_REPLAY_PRICE_FEN_MAX + 1], total = 0, seen = 0, distance = 0, mean = 0;
        snprintf(path, sizeof path, "../shared/data/ipinyou/rlb/%s/info.json",
                 qbid_replay_ipinyou_campaigns[i].id);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        char *text = calloc(1, 1 << 16);
        assert_non_null(text);
        size_t len = fread(text, 1, (1 << 16) - 1, file);
        fclose(file);
        cJSON *json = cJSON_ParseWithLength(text, len), *count;
        const cJSON *counts = cJSON_GetObjectItem(json, "price_counter_train");
        cJSON_ArrayForEach(count, counts) total += count->valuedouble;
        qbid_replay_ipinyou_prices(&qbid_replay_ipinyou_campaigns[i], cdf);
        int price = 0;
        cJSON_ArrayForEach(count, counts)
        {
            seen += count->valuedouble;
            if (price > 0) /* prices of 0 are lifted to 1 fen */
                distance = fmax(distance, fabs(seen / total - cdf[price]));
            mean += price > 0 ? price * (cdf[price] - cdf[price - 1]) : 0;
            price++;
        }
        assert_int_equal(price, QBID_REPLAY_PRICE_FEN_MAX + 1);
        print_message("%s: Kolmogorov distance %.4f, mean %.2f fen\n",
                      qbid_replay_ipinyou_campaigns[i].id, distance, mean);
        assert_true(distance < 0.023);
        assert_true(fabs(mean - (double)qbid_replay_ipinyou_campaigns[i].cost_fen /
                                    (double)qbid_replay_ipinyou_campaigns[i].impressions) < 0.1);
        cJSON_Delete(json);
        free(text);
        found++;
    }
    if (found == 0) {
        print_message("SKIPPED: ../shared/data/ipinyou/rlb is not there\n");
        skip();
    }
}

static void price_distributions_rise_from_0_to_1(void **state)
{
    (void)state;
    for (size_t i = 0; i < QBID_REPLAY_IPINYOU_CNT; i++) {
        double cdf[QBID_REPLAY_PRICE_FEN_MAX + 1];
        qbid_replay_ipinyou_prices(&qbid_replay_ipinyou_campaigns[i], cdf);
        assert_true(cdf[0] == 0 && cdf[QBID_REPLAY_PRICE_FEN_MAX] == 1);
        for (size_t p = 1; p <= QBID_REPLAY_PRICE_FEN_MAX; p++)
            assert_true(cdf[p] >= cdf[p - 1]);
    }
}

static bool same(struct qbid_replay_span a, struct qbid_replay_span b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static void a_row_is_the_same_in_every_order_and_another_with_another_seed(void **state)
{
    struct qbid_replay_generator *one = new_generator("2997", 5, 0.01);
    struct qbid_replay_generator *two = new_generator("2997", 5, 0.01);
    struct qbid_replay_generator *other = new_generator("2997", 6, 0.01);
    (void)state;
    for (uint64_t i = 0; i < 1000; i++) {
        struct qbid_replay_row a, b, c;
        uint64_t number = (i * 7919) % 1000;
        qbid_replay_generator_load(one, number, &a);
        qbid_replay_generator_load(two, number + 1, &b); /* what came before must not matter */
        qbid_replay_generator_load(two, number, &b);
        qbid_replay_generator_load(other, number, &c);
        assert_true(same(a.bidid, b.bidid) && same(a.user, b.user) && same(a.ua, b.ua));
        assert_true(same(a.domain, b.domain) && same(a.slot, b.slot) && same(a.tags, b.tags));
        assert_true(same(a.city, b.city) && same(a.ip, b.ip) && same(a.url, b.url));
        assert_true(a.market_micros == b.market_micros && a.floor_micros == b.floor_micros);
        assert_true(a.click == b.click && a.true_ctr == b.true_ctr);
        assert_false(same(a.bidid, c.bidid));
    }
    qbid_replay_generator_free(one);
    qbid_replay_generator_free(two);
    qbid_replay_generator_free(other);
}

static void the_rate_and_seed_of_the_terms_are_kept(void **state)
{
    struct qbid_replay_generator_terms bad = {.ctr = 0.6};
    struct qbid_replay_generator *generator;
    (void)state;
    assert_int_equal(qbid_replay_generator_new(&bad, &generator), QBID_ERR_INVAL);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        double rate = 0;
        generator = new_generator("2997", seed, 0.01);
        for (uint64_t n = 0; n < ROWS / 2; n++) {
            struct qbid_replay_row row;
            qbid_replay_generator_load(generator, n, &row);
            rate += row.true_ctr;
        }
        assert_true(fabs(rate / (ROWS / 2) - 0.01) < 0.0005);
        qbid_replay_generator_free(generator);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* What a learner could gain: the tenth of the traffic with the highest true rate holds far more
 * than a tenth of the clicks. */
static void contexts_differ_enough_to_be_worth_learning(void **state)
{
    static double rates[ROWS];
    struct qbid_replay_generator *generator = new_generator("1458", 3, 0);
    double all = 0, top = 0;
    (void)state;
    for (uint64_t n = 0; n < ROWS; n++) {
        struct qbid_replay_row row;
        qbid_replay_generator_load(generator, n, &row);
        rates[n] = row.true_ctr;
        all += row.true_ctr;
    }
    qsort(rates, ROWS, sizeof rates[0], compare_doubles);
    for (size_t n = ROWS - ROWS / 10; n < ROWS; n++)
        top += rates[n];
    print_message("the best tenth has %.1f %% of the clicks\n", 100 * top / all);
    assert_true(top / all > 0.3 && top / all < 0.8);
    qbid_replay_generator_free(generator);
}

/* Prices must not tell the click rate: else a learner would be paid for reading prices. */
static void prices_and_click_rates_are_nearly_uncorrelated(void **state)
{
    struct qbid_replay_generator *generator = new_generator("3386", 9, 0);
    double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    (void)state;
    for (uint64_t n = 0; n < ROWS; n++) {
        struct qbid_replay_row row;
        qbid_replay_generator_load(generator, n, &row);
        double price = (double)row.market_micros, rate = log(row.true_ctr);
        x += price, y += rate, xx += price * price, yy += rate * rate, xy += price * rate;
    }
    double r = (ROWS * xy - x * y) / sqrt((ROWS * xx - x * x) * (ROWS * yy - y * y));
    print_message("correlation %.3f\n", r);
    assert_true(fabs(r) < 0.2);
    qbid_replay_generator_free(generator);
}

static void rows_are_well_formed(void **state)
{
    struct qbid_replay_generator *generator = new_generator("2997", 1, 0);
    unsigned mobile = 0, tagged = 0, exchanges[5] = {0};
    (void)state;
    for (uint64_t n = 0; n < ROWS / 4; n++) {
        struct qbid_replay_row row;
        qbid_replay_generator_load(generator, n, &row);
        assert_int_equal(row.bidid.len, 32);
        assert_int_equal(row.domain.len, 32);
        assert_true(row.width >= 100 && row.height >= 50);
        assert_in_range(row.exchange, 1, 4);
        assert_true(row.market_micros >= 10000 && row.market_micros <= 3000000);
        assert_true(row.floor_micros >= 0 && row.floor_micros <= row.market_micros);
        assert_true(row.true_ctr > 0 && row.true_ctr <= QBID_REPLAY_GENERATOR_CTR_MAX);
        exchanges[row.exchange]++;
        mobile += qbid_replay_device_query(row.ua).type != QBID_REPLAY_DEVICE_PC;
        tagged += row.tags.len != 0;
    }
    for (int i = 1; i <= 4; i++)
        assert_true(exchanges[i] > ROWS / 4 / 100);
    assert_in_range(mobile, ROWS / 4 * 57 / 100, ROWS / 4 * 63 / 100);
    assert_in_range(tagged, ROWS / 4 * 66 / 100, ROWS / 4 * 72 / 100);
    qbid_replay_generator_free(generator);
}

static void all_campaigns_are_mixed_by_their_impressions(void **state)
{
    struct qbid_replay_generator_terms terms = {.seed = 2};
    struct qbid_replay_generator *generator;
    double rate = 0, clicks = 0, impressions = 0;
    (void)state;
    for (size_t i = 0; i < QBID_REPLAY_IPINYOU_CNT; i++) {
        clicks += (double)qbid_replay_ipinyou_campaigns[i].clicks;
        impressions += (double)qbid_replay_ipinyou_campaigns[i].impressions;
    }
    assert_int_equal(qbid_replay_generator_new(&terms, &generator), 0);
    for (uint64_t n = 0; n < ROWS; n++) {
        struct qbid_replay_row row;
        qbid_replay_generator_load(generator, n, &row);
        rate += row.true_ctr;
    }
    assert_true(fabs(rate / ROWS - clicks / impressions) < 0.04 * clicks / impressions);
    qbid_replay_generator_free(generator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_price_and_click_rate_are_the_published_ones),
        cmocka_unit_test(fitted_prices_are_near_the_published_histograms),
        cmocka_unit_test(price_distributions_rise_from_0_to_1),
        cmocka_unit_test(a_row_is_the_same_in_every_order_and_another_with_another_seed),
        cmocka_unit_test(the_rate_and_seed_of_the_terms_are_kept),
        cmocka_unit_test(contexts_differ_enough_to_be_worth_learning),
        cmocka_unit_test(prices_and_click_rates_are_nearly_uncorrelated),
        cmocka_unit_test(rows_are_well_formed),
        cmocka_unit_test(all_campaigns_are_mixed_by_their_impressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
