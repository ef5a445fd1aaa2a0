/* SPDX-License-Identifier: Apache-2.0 */
/* The wager against exact enumeration, and over streams in which nothing is wrong. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/models/watch/wager.h"
#include "tests/control/models/rng.h"

static double binomial(int n, int k, double p)
{
    return exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) + k * log(p) +
               (n - k) * log1p(-p));
}

/* Mean of what one stretch makes of a stake of 1, over every outcome. */
static double mean_of_pair(enum qbid_wager_side side, double ratio, int n1, double p1, int n0,
                           double p0)
{
    double mean = 0;
    for (int i = 0; i <= n1; i++)
        for (int j = 0; j <= n0; j++) {
            struct qbid_wager wager = qbid_wager_init(side);
            qbid_wager_pair(&wager, ratio, i, n1, j, n0);
            mean += binomial(n1, i, p1) * binomial(n0, j, p0) * exp(qbid_wager_won(&wager));
        }
    return mean;
}

static void no_stake_grows_while_the_claim_holds(void **state)
{
    static const double ratios[] = {0.5, 0.8, 1, 1.25, 2}, rates[] = {0.01, 0.1, 0.3, 0.45};
    static const int sizes[][2] = {{5, 40}, {30, 30}, {60, 10}};
    double closest = 0;
    (void)state;
    for (unsigned k = 0; k < 5; k++)
        for (unsigned p = 0; p < 4; p++)
            for (unsigned n = 0; n < 3; n++) {
                int n1 = sizes[n][0], n0 = sizes[n][1];
                double p0 = rates[p], p1 = ratios[k] * p0;
                double at = mean_of_pair(QBID_WAGER_FEWER, ratios[k], n1, p1, n0, p0);
                closest = fmax(closest, at);
                assert_true(at <= 1 + 1e-9);
                assert_true(mean_of_pair(QBID_WAGER_FEWER, ratios[k], n1, fmin(1.1 * p1, 0.99), n0,
                                         p0) <= at);
                at = mean_of_pair(QBID_WAGER_MORE, ratios[k], n1, p1, n0, p0);
                assert_true(at <= 1 + 1e-9);
                assert_true(mean_of_pair(QBID_WAGER_MORE, ratios[k], n1, 0.9 * p1, n0, p0) <= at);
            }
    assert_true(closest > 0.9);            /* no looser than it must be where events are rare */
    for (int more = 0; more < 2; more++) { /* a known mean: Poisson, where it is exact */
        double mean = 0;
        for (int i = 0; i < 80; i++) {
            struct qbid_wager wager = qbid_wager_init(more ? QBID_WAGER_MORE : QBID_WAGER_FEWER);
            qbid_wager_mean(&wager, i, 3);
            mean += exp(i * log(3) - 3 - lgamma(i + 1.0) + qbid_wager_won(&wager));
        }
        assert_true(fabs(mean - 1) < (more ? 0.05 : 1e-9)); /* the sum is cut where r = 16 */
    }
}

#define STREAMS 2000
#define HOURS 24
#define ERROR 0.05

struct world {
    double ratio, now, high; /* k; rate now as a part of the usual; rate at its highest */
    int trials;              /* an hour */
    enum qbid_wager_side side;
};

/* Share of days in which the wager is ever won, and in which a bare threshold on hourly rates ever
 * says so; rates and trials go up and down with the hour. */
static void days_play(const struct world *w, uint64_t seed, double *ret_won, double *ret_bare)
{
    struct rng rng = rng_init(seed);
    int won = 0, bare = 0;
    for (int s = 0; s < STREAMS; s++) {
        struct qbid_wager wager = qbid_wager_init(w->side);
        bool fired = false, crossed = false;
        for (int hour = 0; hour < HOURS; hour++) {
            double shape = 0.6 + 0.4 * sin(hour * 6.283185307 / 24), rate = w->high * shape;
            int n = (int)(w->trials * (0.55 + 0.45 * cos(hour * 6.283185307 / 24)));
            int then = 0, now = 0;
            for (int i = 0; i < n; i++) {
                then += rng_uniform(&rng) < rate;
                now += rng_uniform(&rng) < w->now * rate;
            }
            qbid_wager_pair(&wager, w->ratio, now, n, then, n);
            fired |= qbid_wager_won(&wager) >= log(1 / ERROR);
            crossed |= w->side == QBID_WAGER_FEWER ? now < w->ratio * then : now > w->ratio * then;
        }
        won += fired, bare += crossed;
    }
    *ret_won = (double)won / STREAMS;
    *ret_bare = (double)bare / STREAMS;
}

static void false_alarms_keep_to_their_bound(void **state)
{
    static const struct world worlds[] = {
        {0.8, 1, 0.02, 400, QBID_WAGER_FEWER},   /* A/A */
        {0.8, 0.8, 0.02, 400, QBID_WAGER_FEWER}, /* as low as the claim allows */
        {0.5, 1, 0.5, 60, QBID_WAGER_FEWER},     /* a win rate */
        {0.5, 0.5, 0.5, 60, QBID_WAGER_FEWER},   {1.2, 1, 0.02, 400, QBID_WAGER_MORE},
        {1.2, 1.2, 0.02, 400, QBID_WAGER_MORE},
    };
    double sd = sqrt(ERROR * (1 - ERROR) / STREAMS);
    (void)state;
    for (unsigned i = 0; i < sizeof worlds / sizeof worlds[0]; i++) {
        double won, bare;
        days_play(&worlds[i], 11 + i, &won, &bare);
        print_message("rate at %.1f of the usual, threshold %.1f: days with an alarm %.4f (bound "
                      "%.2f), by the bare threshold %.3f\n",
                      worlds[i].now, worlds[i].ratio, won, ERROR, bare);
        assert_true(won <= ERROR + 3 * sd);
    }
}

static void what_is_wrong_is_found_within_the_day(void **state)
{
    static const struct world worlds[] = {{0.8, 0.4, 0.02, 1600, QBID_WAGER_FEWER},
                                          {0.5, 0.25, 0.5, 60, QBID_WAGER_FEWER},
                                          {1.2, 2.2, 0.02, 1600, QBID_WAGER_MORE}};
    (void)state;
    for (unsigned i = 0; i < sizeof worlds / sizeof worlds[0]; i++) {
        double won, bare;
        days_play(&worlds[i], 71 + i, &won, &bare);
        print_message("rate at %.2f of the usual, threshold %.1f: found on %.3f of the days\n",
                      worlds[i].now, worlds[i].ratio, won);
        assert_true(won >= 0.9);
    }
}

static void nothing_is_learned_from_nothing(void **state)
{
    struct qbid_wager wager = qbid_wager_init(QBID_WAGER_FEWER);
    (void)state;
    qbid_wager_pair(&wager, 0.8, 0, 0, 5, 100);
    qbid_wager_pair(&wager, 0.8, 5, 100, 0, 0);
    qbid_wager_pair(&wager, 0.8, 5, NAN, 0, 10);
    qbid_wager_pair(&wager, NAN, 5, 100, 5, 100);
    qbid_wager_mean(&wager, 5, NAN);
    assert_true(qbid_wager_won(&wager) == 0);
    for (int i = 0; i < 1000; i++) /* and no sum overflows */
        qbid_wager_pair(&wager, 0.8, 0, 1e9, 1e7, 1e9);
    assert_true(isfinite(qbid_wager_won(&wager)) && qbid_wager_won(&wager) > 1e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_stake_grows_while_the_claim_holds),
        cmocka_unit_test(false_alarms_keep_to_their_bound),
        cmocka_unit_test(what_is_wrong_is_found_within_the_day),
        cmocka_unit_test(nothing_is_learned_from_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
