/* SPDX-License-Identifier: Apache-2.0 */
/* Re-solving beside the dynamic programme: on recorded auctions (iPinYou campaign 2997) with its
 * published result and the knapsack of hindsight, and exactly, as a Markov chain, on price
 * histograms. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/pacing/resolving.h"
#include "tests/rounds.h"
#include "tools/sim/recorded/logs/text.h"
#include "tools/sim/recorded/players/hindsight.h"
#include "tools/sim/recorded/players/rlb.h"

#define DIR "../shared/data/ipinyou/rlb/"
#define EPISODE 1000
#define POINTS 20000
#define UNIT 50000 /* brings multipliers of about 1 / 10^5 into the table */
#define LEVELS 5   /* of value, in the exact model */

#define MODEL_AUCTIONS rounds(1000, 500, 200)

static int log_open(const char *name, struct qbid_recorded_log *ret_log)
{
    char path[256], message[QBID_RECORDED_MESSAGE_BYTES];
    snprintf(path, sizeof path, "%s", name);
    struct qbid_recorded_source source = {QBID_RECORDED_THETA, path};
    return qbid_recorded_log_init(ret_log, &source, 0.5, message) == 0;
}

/* Equally likely auctions of average worth, with the smoothed prices of the train part. */
static struct qbid_market market_of(const double *pmf, uint32_t price_cnt, double value,
                                    struct qbid_market_point *p)
{
    struct qbid_market m;
    uint32_t n = 0;
    double sum = 0;
    for (uint32_t price = 0; price < price_cnt; price++) {
        sum += pmf[price];
        for (; n < POINTS && n + 0.5 < sum * POINTS; n++)
            p[n] = (struct qbid_market_point){value, price, QBID_MARKET_SEEN, 0, 0, 0, 0, 0};
    }
    assert_int_equal(qbid_market_init(p, n, NULL, &m), 0);
    return m;
}

/* --- on the recorded auctions: every episode begins with the whole budget, as published */

struct result {
    int imps, clicks, cost;
    double expected; /* clicks, by the model's theta */
};

static struct result replay(const struct qbid_recorded_log *log, uint32_t budget,
                            const struct qbid_recorded_rlb *rlb, const struct qbid_resolving *table)
{
    struct result res = {0};
    uint32_t b = 0;
    for (uint32_t i = log->train_cnt; i < log->cnt; i++) {
        const struct qbid_recorded_auction *a = &log->auction[i];
        uint32_t t = EPISODE - (i - log->train_cnt) % EPISODE;
        if (t == EPISODE)
            b = budget;
        uint32_t bid = rlb ? qbid_recorded_rlb_bid(rlb, t, b, a->value)
                           : (uint32_t)fmin(a->value * UNIT *
                                                qbid_resolving_alpha_budget(table, (double)b / t),
                                            fmin(b, log->price_cnt - 1));
        if (bid < (uint32_t)a->price)
            continue;
        b -= (uint32_t)a->price;
        res.imps++;
        res.clicks += a->click;
        res.cost += a->price;
        res.expected += a->value;
    }
    return res;
}

/* The knapsack of every episode; its bound where it is too large to be solved exactly. */
static double hindsight(const struct qbid_recorded_log *log, uint32_t budget)
{
    static struct qbid_recorded_item item[EPISODE];
    double sum = 0;
    for (uint32_t i = log->train_cnt; i < log->cnt;) {
        uint32_t cnt = 0;
        double value, bound;
        for (; cnt < EPISODE && i < log->cnt; cnt++, i++)
            item[cnt] = (struct qbid_recorded_item){log->auction[i].value,
                                                    (uint32_t)log->auction[i].price, 0};
        assert_int_equal(qbid_recorded_knapsack(item, cnt, budget, &value, &bound), 0);
        sum += (double)cnt * budget < QBID_RECORDED_KNAPSACK_EXACT ? value : bound;
    }
    return sum;
}

static void the_published_result_is_met_and_resolving_is_as_good(void **state)
{
    (void)state;
    static struct qbid_market_point points[POINTS];
    struct qbid_recorded_log log;
    if (!log_open(DIR "2997/test.theta.txt", &log)) {
        print_message("SKIPPED: no recorded auctions in " DIR "2997\n");
        skip();
    }
    double *pmf = calloc(log.price_cnt, sizeof *pmf);
    assert_non_null(pmf);
    qbid_recorded_rlb_smooth(log.prices, log.price_cnt, pmf);
    static struct qbid_resolving table;
    struct qbid_market market = market_of(pmf, log.price_cnt, log.value_mean * UNIT, points);
    qbid_resolving_build(&market, &table);
    int least = rounds(1, 2, 5); /* the larger the budget, the larger the tables */
    for (int half = 5; half >= least; half--) {
        uint32_t budget = (uint32_t)(log.train_cost / log.train_all * EPISODE / (1 << half));
        struct qbid_recorded_rlb rlb;
        assert_int_equal(
            qbid_recorded_rlb_init(&rlb, pmf, log.price_cnt, log.value_mean, EPISODE, budget), 0);
        struct result dp = replay(&log, budget, &rlb, NULL);
        struct result ours = replay(&log, budget, NULL, &table);
        double best = hindsight(&log, budget);
        print_message("budget 1/%d: programme %.2f expected clicks (%d impressions, %d clicks, "
                      "cost %d), re-solving %.2f (%d, %d, %d), hindsight %.2f\n",
                      1 << half, dp.expected, dp.imps, dp.clicks, dp.cost, ours.expected, ours.imps,
                      ours.clicks, ours.cost, best);
        if (half == 5) { /* the row that the paper prints */
            assert_int_equal(dp.imps, 39680);
            assert_int_equal(dp.clicks, 78);
            assert_int_equal(dp.cost, 304375);
        }
        assert_true(ours.expected >= 0.998 * dp.expected);
        assert_true(ours.expected >= (half <= 2 ? 0.985 : 0.95) * best);
        qbid_recorded_rlb_done(&rlb);
    }
    free(pmf);
    qbid_recorded_log_done(&log);
}

/* --- the exact model: five values of log-sd 1, independent of the price, known before the bid */

struct model {
    const double *pmf;
    uint32_t price_cnt;
    double value[LEVELS]; /* equally likely */
};

static void model_values(struct model *model, double mean)
{
    static const double normal_mid[LEVELS] = {-1.2815515655446004, -0.5244005127080407, 0,
                                              0.5244005127080407, 1.2815515655446004};
    double sum = 0;
    for (int i = 0; i < LEVELS; i++)
        sum += exp(normal_mid[i]);
    for (int i = 0; i < LEVELS; i++)
        model->value[i] = mean * LEVELS * exp(normal_mid[i]) / sum;
}

/* Value of t auctions with budget b: without alpha the best bid, else alpha[b] * value. last is
 * the row of t - 1. */
static double state_value(const struct model *m, const double *last, uint32_t b,
                          const double *alpha)
{
    double sum = 0;
    for (int i = 0; i < LEVELS; i++) {
        double win = 0;
        for (uint32_t d = 0; d < m->price_cnt && d <= b; d++) {
            if (alpha ? m->value[i] * alpha[b] < d : m->value[i] + last[b - d] < last[b])
                break;
            win += m->pmf[d];
            sum += m->pmf[d] * (m->value[i] + last[b - d]) / LEVELS;
        }
        sum += (1 - win) * last[b] / LEVELS;
    }
    return sum;
}

/* Value of re-solving by the table, as a part of the optimum's. */
static double resolving_part(const struct model *m, const struct qbid_resolving *table,
                             uint32_t auctions, uint32_t budget)
{
    size_t width = (size_t)budget + 1;
    double *best[2], *ours[2], *alpha = calloc(width, sizeof *alpha);
    for (int i = 0; i < 2; i++) {
        best[i] = calloc(width, sizeof(double));
        ours[i] = calloc(width, sizeof(double));
        assert_true(alpha && best[i] && ours[i]);
    }
    for (uint32_t t = 1; t <= auctions; t++) {
        for (uint32_t b = 0; b <= budget; b++)
            alpha[b] = qbid_resolving_alpha_budget(table, (double)b / t);
        for (uint32_t b = 0; b <= budget; b++) {
            best[t & 1][b] = state_value(m, best[~t & 1], b, NULL);
            ours[t & 1][b] = state_value(m, ours[~t & 1], b, alpha);
        }
    }
    double part = ours[auctions & 1][budget] / best[auctions & 1][budget];
    for (int i = 0; i < 2; i++) {
        free(best[i]);
        free(ours[i]);
    }
    free(alpha);
    return part;
}

/* Prices and values of the model as a sample: each value with the same quantiles of price. */
static struct qbid_market model_market(const struct model *m, struct qbid_market_point *p)
{
    struct qbid_market market;
    uint32_t n = 0;
    for (int i = 0; i < LEVELS; i++) {
        double sum = 0;
        uint32_t each = 0;
        for (uint32_t d = 0; d < m->price_cnt; d++) {
            sum += m->pmf[d];
            for (; each < POINTS / LEVELS && each + 0.5 < sum * POINTS / LEVELS; each++)
                p[n++] =
                    (struct qbid_market_point){m->value[i], d, QBID_MARKET_SEEN, 0, 0, 0, 0, 0};
        }
    }
    assert_int_equal(qbid_market_init(p, n, NULL, &market), 0);
    return market;
}

/* QBID_FULL=1 checks all campaigns at full length. */
static void model_check(const char *name, const double *pmf, uint32_t price_cnt, int is_long)
{
    static struct qbid_market_point points[POINTS];
    struct model m = {.pmf = pmf, .price_cnt = price_cnt};
    double mean = 0;
    for (uint32_t d = 0; d < price_cnt; d++)
        mean += pmf[d] * d;
    model_values(&m, mean);
    static struct qbid_resolving table;
    struct qbid_market market = model_market(&m, points);
    qbid_resolving_build(&market, &table);
    double small = resolving_part(&m, &table, 100, (uint32_t)(mean * 100 / 32));
    print_message("%s: re-solving reaches %.5f of the optimum over 100 auctions\n", name, small);
    assert_true(small >= 0.99 && small <= 1 + 1e-9);
    if (!is_long)
        return;
    const int auctions = MODEL_AUCTIONS;
    double large = resolving_part(&m, &table, (uint32_t)auctions, (uint32_t)(mean * auctions / 32));
    print_message("%s: %.5f over %d\n", name, large, auctions);
    assert_true(large >= (auctions < 500    ? 0.99
                          : auctions < 1000 ? 0.996
                                            : 0.998) &&
                large <= 1 + 1e-9);
}

static void resolving_is_near_the_optimum_on_a_made_histogram(void **state)
{
    (void)state;
    double pmf[301], sum = 0;
    for (int d = 0; d <= 300; d++) { /* two humps and a spike */
        pmf[d] = exp(-pow((log(d + 1.0) - 3) / 0.7, 2) / 2) / (d + 1) +
                 0.3 * exp(-pow((log(d + 1.0) - 4.8) / 0.3, 2) / 2) / (d + 1) + (d == 70) * 0.02;
        sum += pmf[d];
    }
    for (int d = 0; d <= 300; d++)
        pmf[d] /= sum;
    model_check("made", pmf, 301, 1);
}

static void resolving_is_near_the_optimum_on_recorded_histograms(void **state)
{
    (void)state;
    static const char *const campaign[] = {"2997", "1458", "3358", "2259"};
    for (int i = 0; i < 4; i++) {
        char path[256], message[QBID_RECORDED_MESSAGE_BYTES];
        snprintf(path, sizeof path, DIR "%s/test.theta.txt", campaign[i]);
        struct qbid_recorded_log log = {.path = path};
        if (qbid_recorded_read_info(&log, message) != 0) {
            print_message("SKIPPED: no price histogram in " DIR "%s\n", campaign[i]);
            skip();
        }
        double *pmf = calloc(log.price_cnt, sizeof *pmf);
        assert_non_null(pmf);
        qbid_recorded_rlb_smooth(log.prices, log.price_cnt, pmf);
        model_check(campaign[i], pmf, log.price_cnt, getenv("QBID_FULL") != NULL);
        free(pmf);
        free(log.prices);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_result_is_met_and_resolving_is_as_good),
        cmocka_unit_test(resolving_is_near_the_optimum_on_a_made_histogram),
        cmocka_unit_test(resolving_is_near_the_optimum_on_recorded_histograms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
