/* SPDX-License-Identifier: Apache-2.0 */
/* Re-solving on recorded auctions (iPinYou campaign 2997) beside the dynamic programme and its
 * published result. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/models/resolving.h"

#define DIR "../shared/data/ipinyou/rlb/2997/"
#define PRICES 301
#define EPISODE 1000
#define POINTS 20000
#define UNIT 50000 /* brings multipliers of about 1 / 10^5 into the table */

struct log_row {
    int click, price;
    double theta;
};

struct data {
    double pmf[PRICES]; /* of the training prices, Laplace-smoothed by 1 */
    double theta;       /* average of the training set */
    double cost;        /* mean training price */
    struct log_row *row;
    int cnt;
};

static double number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtod(strchr(at, ':') + 1, NULL) : NAN;
}

static int data_load(struct data *d)
{
    static char text[1 << 16];
    FILE *f = fopen(DIR "info.json", "r");
    if (!f)
        return 0;
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    double imps = number_after(text, "\"imp_train\""), sum = 0;
    d->theta = number_after(text, "\"clk_train\"") / imps;
    d->cost = number_after(text, "\"cost_train\"") / imps;
    char *at = strchr(strstr(text, "\"price_counter_train\""), '[') + 1;
    for (int m = 0; m < PRICES; m++, at++) {
        d->pmf[m] = 1 + strtod(at, &at);
        sum += d->pmf[m];
        at += strcspn(at, ",]");
    }
    for (int m = 0; m < PRICES; m++)
        d->pmf[m] /= sum;
    f = fopen(DIR "test.theta.txt", "r");
    if (!f)
        return 0;
    d->row = calloc(200000, sizeof *d->row);
    struct log_row *r = d->row;
    while (r && fscanf(f, "%d %d %lf", &r->click, &r->price, &r->theta) == 3)
        r++;
    fclose(f);
    d->cnt = (int)(r - d->row);
    return d->cnt > 0;
}

/* V(t, b) of Cai et al. (WSDM 2017): value of t more auctions with b left, average theta. */
static double *programme(const struct data *d, int budget)
{
    double *v = calloc((size_t)(EPISODE + 1) * (size_t)(budget + 1), sizeof *v);
    assert_non_null(v);
    for (int t = 1; t <= EPISODE; t++) {
        const double *last = v + (size_t)(t - 1) * (size_t)(budget + 1);
        double *now = v + (size_t)t * (size_t)(budget + 1);
        for (int b = 0; b <= budget; b++) {
            double win = 0, value = 0;
            for (int m = 0; m < PRICES && m <= b && d->theta + last[b - m] - last[b] >= 0; m++) {
                win += d->pmf[m];
                value += d->pmf[m] * (d->theta + last[b - m]);
            }
            now[b] = value + (1 - win) * last[b];
        }
    }
    return v;
}

static int programme_bid(const double *v, int budget, int t, int b, double theta)
{
    const double *last = v + (size_t)(t - 1) * (size_t)(budget + 1);
    int bid = 0;
    while (bid + 1 < PRICES && bid + 1 <= b && theta + last[b - bid - 1] - last[b] >= 0)
        bid++;
    return bid;
}

/* The training prices as equally likely auctions of average worth. */
static struct qbid_market market_of(const struct data *d, struct qbid_market_point *p)
{
    struct qbid_market m;
    uint32_t n = 0;
    double sum = 0;
    for (int price = 0; price < PRICES; price++) {
        sum += d->pmf[price];
        for (; n < POINTS && n + 0.5 < sum * POINTS; n++)
            p[n] = (struct qbid_market_point){d->theta * UNIT, price, QBID_MARKET_SEEN, 0, 0, 0, 0};
    }
    assert_int_equal(qbid_market_init(p, n, NULL, &m), 0);
    return m;
}

struct result {
    int imps, clicks, cost;
    double expected; /* clicks, by the model's theta */
};

static struct result replay(const struct data *d, int budget, const double *v,
                            const struct qbid_market *market, const struct qbid_resolving *table)
{
    struct result res = {0};
    for (int i = 0, b = 0; i < d->cnt; i++) {
        int t = EPISODE - i % EPISODE, bid;
        if (t == EPISODE)
            b = budget;
        if (v) {
            bid = programme_bid(v, budget, t, b, d->row[i].theta);
        } else {
            double rho = (double)b / t;
            double e = d->row[i].theta * UNIT *
                       (table ? qbid_resolving_alpha_budget(table, rho)
                              : qbid_market_alpha_budget(market, rho));
            bid = (int)fmin(fmin(e, b), PRICES - 1);
        }
        if (bid < d->row[i].price)
            continue;
        b -= d->row[i].price;
        res.imps++;
        res.clicks += d->row[i].click;
        res.cost += d->row[i].price;
        res.expected += d->row[i].theta;
    }
    return res;
}

static int ratio_compare(const void *a, const void *b)
{
    const struct log_row *x = a, *y = b;
    double left = x->theta * y->price, right = y->theta * x->price;
    return (left < right) - (left > right);
}

/* The best that could have been bought of each episode, all known: the fractional knapsack. */
static double hindsight(const struct data *d, int budget)
{
    static struct log_row row[EPISODE];
    double sum = 0;
    for (int from = 0; from < d->cnt; from += EPISODE) {
        int n = d->cnt - from < EPISODE ? d->cnt - from : EPISODE, b = budget;
        memcpy(row, d->row + from, (size_t)n * sizeof *row);
        qsort(row, (size_t)n, sizeof *row, ratio_compare);
        for (int i = 0; i < n && b > 0; i++) {
            sum += row[i].theta * fmin(1, row[i].price ? (double)b / row[i].price : 1);
            b -= row[i].price;
        }
    }
    return sum;
}

static void resolving_comes_near_what_hindsight_buys(void **state)
{
    (void)state;
    static struct qbid_market_point points[POINTS];
    const double goal[] = {[1] = 0.985, [2] = 0.985, [3] = 0.97, [4] = 0.96, [5] = 0.95};
    struct data d = {0};
    if (!data_load(&d)) {
        print_message("SKIPPED: no recorded auctions in " DIR "\n");
        free(d.row);
        skip();
    }
    struct qbid_market market = market_of(&d, points);
    struct qbid_resolving table;
    qbid_resolving_build(&market, &table);
    for (int half = 5; half >= 1; half--) {
        int budget = (int)(d.cost * EPISODE / (1 << half));
        double best = hindsight(&d, budget), ours = replay(&d, budget, NULL, NULL, &table).expected;
        print_message("budget 1/%d: hindsight %.2f expected clicks, the table %.4f of it\n",
                      1 << half, best, ours / best);
        assert_true(ours >= goal[half] * best);
    }
    free(d.row);
}

static void the_published_result_is_met_and_resolving_is_as_good(void **state)
{
    (void)state;
    static struct qbid_market_point points[POINTS];
    struct data d = {0};
    if (!data_load(&d)) {
        print_message("SKIPPED: no recorded auctions in " DIR "\n");
        free(d.row);
        skip();
    }
    struct qbid_market market = market_of(&d, points);
    struct qbid_resolving table;
    qbid_resolving_build(&market, &table);
    for (int half = 5; half >= 3; half -= 2) {
        int budget = (int)(d.cost * EPISODE / (1 << half));
        double *v = programme(&d, budget);
        struct result dp = replay(&d, budget, v, NULL, NULL);
        struct result ours = replay(&d, budget, NULL, &market, NULL);
        print_message("budget 1/%d: programme %.2f expected clicks (%d impressions, %d clicks, "
                      "cost %d), re-solving %.2f (%d, %d, %d)\n",
                      1 << half, dp.expected, dp.imps, dp.clicks, dp.cost, ours.expected, ours.imps,
                      ours.clicks, ours.cost);
        if (half == 5) { /* the row that the paper prints */
            assert_int_equal(dp.imps, 39680);
            assert_int_equal(dp.clicks, 78);
            assert_int_equal(dp.cost, 304375);
        }
        struct result looked = replay(&d, budget, NULL, NULL, &table);
        print_message("by the table lambda(rho): %.2f\n", looked.expected);
        assert_true(ours.expected >= 0.998 * dp.expected);
        assert_true(looked.expected >= 0.998 * dp.expected);
        free(v);
    }
    free(d.row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_result_is_met_and_resolving_is_as_good),
        cmocka_unit_test(resolving_comes_near_what_hindsight_buys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
