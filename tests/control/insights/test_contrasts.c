/* SPDX-License-Identifier: Apache-2.0 */
/* Contrasts on generated siblings whose true rates are known: stated confidence against what is
 * true, silence where all are alike; the rule of Benjamini and Hochberg against its definition. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/insights/contrasts.h"
#include "control/models/meta/discoveries.h"
#include "shm/error.h"
#include "tests/control/models/rng.h"

#define SIBLINGS_MAX 40
#define RATE 0.02
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SETS 150
#else
#define SETS 500
#endif

static uint32_t sets = SETS; /* the first argument, for figures */

struct siblings {
    uint32_t cnt;
    double truth[SIBLINGS_MAX], mean; /* true rates, and their mean by trials */
    struct qbid_contrast c[SIBLINGS_MAX];
};

/* Rates scatter around RATE by a gamma of relative deviation `sd`, trials by a lognormal. */
static void draw(struct rng *r, uint32_t cnt, double sd, struct siblings *ret)
{
    double trials = 0, expected = 0;
    ret->cnt = cnt;
    for (uint32_t i = 0; i < cnt; i++) {
        double shape = 1 / (sd * sd);
        ret->truth[i] = sd > 0 ? RATE * rng_gamma(r, shape) / shape : RATE;
        ret->c[i] = (struct qbid_contrast){.trials = floor(rng_lognormal(r, 7, 1.2))};
        ret->c[i].successes = rng_binomial(r, (uint32_t)ret->c[i].trials, ret->truth[i]);
        trials += ret->c[i].trials;
        expected += ret->c[i].trials * ret->truth[i];
    }
    ret->mean = expected / trials;
    assert_int_equal(qbid_contrasts_fit(ret->c, cnt), 0);
}

static uint32_t reported(const struct siblings *s, double *ret_limit)
{
    double p[SIBLINGS_MAX];
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < s->cnt; i++)
        p[i] = s->c[i].p_value;
    *ret_limit = qbid_discoveries_limit(p, s->cnt, QBID_DISCOVERIES_FALSE);
    for (uint32_t i = 0; i < s->cnt; i++)
        cnt += s->c[i].p_value <= *ret_limit;
    return cnt;
}

static void stated_confidence_is_what_is_true(void **state)
{
    (void)state;
    static const struct {
        uint32_t siblings;
        double sd;
    } kinds[] = {{12, 0.2}, {12, 0.3}, {12, 0.6}, {40, 0.3}};
    struct rng r = rng_init(77);
    double stated = 0, right = 0, found = 0, wrong = 0, all = 0, covered = 0;
    for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (uint32_t set = 0; set < sets; set++) {
            struct siblings s;
            double limit;
            draw(&r, kinds[k].siblings, kinds[k].sd, &s);
            found += reported(&s, &limit);
            for (uint32_t i = 0; i < s.cnt; i++) {
                double sure = fmax(s.c[i].above, 1 - s.c[i].above);
                int good = (s.c[i].above >= 0.5) == (s.truth[i] > s.mean);
                stated += fabs(sure - 0.9) < 0.02;
                right += fabs(sure - 0.9) < 0.02 && good;
                wrong += s.c[i].p_value <= limit && !good;
                covered += s.truth[i] >= s.c[i].low && s.truth[i] <= s.c[i].high;
                all++;
            }
        }
    }
    print_message("insights stated at 0.9: %.0f, %.2f %% true; 90 %% intervals cover %.2f %%; of "
                  "%.0f reported %.2f %% of the wrong sign\n",
                  stated, 100 * right / stated, 100 * covered / all, found, 100 * wrong / found);
    assert_true(right / stated >= 0.87 && right / stated <= 0.93);
    assert_true(covered / all >= 0.87 && covered / all <= 0.93);
    assert_true(wrong / found <= 0.05);
}

static void alike_siblings_stay_quiet(void **state)
{
    (void)state;
    struct rng r = rng_init(78);
    double any = 0;
    for (uint32_t set = 0; set < 2 * sets; set++) {
        struct siblings s;
        double limit;
        draw(&r, 2 + set % 20, 0, &s);
        any += reported(&s, &limit) > 0;
    }
    print_message("A/A: %.2f %% of %u cycles report anything\n", 100 * any / (2 * sets), 2 * sets);
    assert_true(any / (2 * sets) <= 0.10);
}

/* By the definition: the most tests such that the largest p of them is within rate * most / cnt. */
static void what_is_reported_is_by_the_definition(void **state)
{
    (void)state;
    struct rng r = rng_init(9);
    for (int k = 0; k < 2000; k++) {
        double p[12], sorted[12];
        uint32_t cnt = 1 + rng_below(&r, 12), most = 0;
        for (uint32_t i = 0; i < cnt; i++)
            sorted[i] = p[i] = pow(rng_uniform(&r), 3);
        double limit = qbid_discoveries_limit(sorted, cnt, 0.1);
        for (uint32_t want = 1; want <= cnt; want++) {
            uint32_t within = 0;
            for (uint32_t i = 0; i < cnt; i++)
                within += p[i] <= 0.1 * want / cnt;
            if (within >= want)
                most = want;
        }
        uint32_t got = 0;
        for (uint32_t i = 0; i < cnt; i++)
            got += p[i] <= limit;
        assert_int_equal(got, most);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct qbid_contrast c[3] = {{.trials = 10, .successes = 2}, {.trials = 10}, {.trials = 0}};
    assert_int_equal(qbid_contrasts_fit(c, 1), QBID_ERR_INVAL);
    assert_int_equal(qbid_contrasts_fit(c, 3), 0);
    assert_true(c[2].p_value == 1 && fabs(c[2].rate - c[2].mean) < 0.05);
    c[1].successes = 11;
    assert_int_equal(qbid_contrasts_fit(c, 3), QBID_ERR_INVAL);
    c[1].successes = NAN;
    assert_int_equal(qbid_contrasts_fit(c, 3), QBID_ERR_INVAL);
    c[1] = (struct qbid_contrast){.trials = INFINITY};
    assert_int_equal(qbid_contrasts_fit(c, 3), QBID_ERR_INVAL);
    struct qbid_contrast none[2] = {0};
    assert_int_equal(qbid_contrasts_fit(none, 2), 0);
    assert_true(none[0].p_value == 1);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        sets = (uint32_t)strtoul(argv[1], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stated_confidence_is_what_is_true),
        cmocka_unit_test(alike_siblings_stay_quiet),
        cmocka_unit_test(what_is_reported_is_by_the_definition),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
