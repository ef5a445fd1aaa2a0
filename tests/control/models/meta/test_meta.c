/* SPDX-License-Identifier: Apache-2.0 */
/* Meta-analysis against metafor, against brute force over mean and tau, and by what its intervals
 * cover; the robust prior against the integral that it stands for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/models/meta/meta.h"
#include "control/models/meta/robust.h"
#include "shm/error.h"
#include "tests/control/models/meta/meta_reference.h"
#include "tests/control/models/rng.h"

static int worlds = 60; /* the first argument */

static double apart_most; /* of near_to(), in parts */

static void near_to(double got, double want, double part)
{
    apart_most = fmax(apart_most, fabs(got - want) / fmax(fabs(want), 1e-12));
    if (!(fabs(got - want) <= part * fmax(fabs(want), 1e-12))) {
        print_error("got %.15g, want %.15g\n", got, want);
        fail();
    }
}

static void estimates_are_metafors(void **state)
{
    (void)state;
    apart_most = 0;
    for (size_t r = 0; r < sizeof reference / sizeof reference[0]; r++) {
        struct qbid_meta_study s[16];
        struct qbid_meta m;
        for (uint32_t i = 0; i < reference[r].cnt; i++)
            s[i] = (struct qbid_meta_study){reference[r].effect[i], reference[r].variance[i], 0, 0};
        assert_int_equal(qbid_meta_fit(s, reference[r].cnt, &m), 0);
        near_to(m.mean, reference[r].mean, 1e-9);
        near_to(m.se, reference[r].se, 1e-9);
        near_to(m.low, reference[r].low, 1e-8);
        near_to(m.high, reference[r].high, 1e-8);
        near_to(m.tau2, reference[r].tau2, 1e-9);
        near_to(m.i2, reference[r].i2, 1e-9);
        near_to(m.q, reference[r].q, 1e-10);
        near_to(m.q_p, reference[r].q_p, 1e-9);
        near_to(m.next_low, reference[r].next_low, 1e-8);
        near_to(m.next_high, reference[r].next_high, 1e-8);
    }
    print_message("meta: from metafor's figures at most %.1e\n", apart_most);
}

/* Everything by summing the joint density over a fine grid of mean and tau. */
struct brute {
    double mean, tau, next, next_sd, own, above;
};

static struct brute brute_of(const struct qbid_meta_study *s, uint32_t cnt, double scale)
{
    enum { TAUS = 500, MEANS = 400 };
    double all = 0, mean = 0, tau = 0, first = 0, second = 0, own = 0, above = 0;
    for (int t = 0; t < TAUS; t++) {
        double at = 5 * scale * (t + 0.5) / TAUS;
        for (int k = 0; k < MEANS; k++) {
            double mu = -4 + 8 * (k + 0.5) / MEANS, log_density = -0.5 * at * at / (scale * scale);
            double o = 0, up = 1;
            for (uint32_t i = 0; i < cnt; i++) {
                double v = s[i].variance + at * at, apart = s[i].effect - mu;
                log_density -= 0.5 * (log(v) + apart * apart / v);
                double m = (s[i].effect * at * at + mu * s[i].variance) / v;
                o = i == 0 ? m : o;
                up *= 0.5 * erfc(-m / sqrt(2 * at * at * s[i].variance / v));
            }
            double w = exp(log_density);
            all += w, mean += w * mu, tau += w * at, own += w * o, above += w * up;
            first += w * mu, second += w * (at * at + mu * mu);
        }
    }
    first /= all;
    return (struct brute){mean / all, tau / all,  first, sqrt(second / all - first * first),
                          own / all,  above / all};
}

static void belief_is_the_integral(void **state)
{
    (void)state;
    static const struct {
        uint32_t cnt;
        double scale;
        struct qbid_meta_study s[4];
    } cases[] = {
        {1, 0.3, {{0.4, 0.02, 0, 0}}},
        {2, 0.3, {{0.12, 0.02, 0, 0}, {0.55, 0.03, 0, 0}}},
        {3, 0.2, {{0.30, 0.01, 0, 0}, {0.28, 0.02, 0, 0}, {0.33, 0.01, 0, 0}}},
        {4, 0.5, {{0.9, 0.01, 0, 0}, {-0.5, 0.04, 0, 0}, {0.2, 0.3, 0, 0}, {0.1, 0.02, 0, 0}}}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct qbid_meta_study s[4];
        struct qbid_meta_belief b;
        double above, below;
        for (uint32_t i = 0; i < cases[c].cnt; i++)
            s[i] = cases[c].s[i];
        struct brute want = brute_of(s, cases[c].cnt, cases[c].scale);
        assert_int_equal(qbid_meta_believe(s, cases[c].cnt, cases[c].scale, &b), 0);
        assert_int_equal(qbid_meta_together(s, cases[c].cnt, cases[c].scale, &above, &below), 0);
        near_to(b.mean, want.mean, 2e-3);
        near_to(b.tau, want.tau, 2e-3);
        near_to(b.next_sd, want.next_sd, 2e-3);
        near_to(s[0].own, want.own, 2e-3);
        assert_true(b.next == b.mean);
        assert_true(fabs(above - want.above) <= 0.002 && above + below <= 1 + 1e-12);
    }
}

/* With variances far above or below tau the belief has closed forms. */
static void belief_has_its_limits(void **state)
{
    (void)state;
    struct qbid_meta_study exact[3] = {{1, 1e-12, 0, 0}, {2, 1e-12, 0, 0}, {4, 1e-12, 0, 0}};
    struct qbid_meta_study one[1] = {{0.7, 0.04, 0, 0}};
    struct qbid_meta_belief b;
    double above, below;
    assert_int_equal(qbid_meta_believe(exact, 3, 1, &b), 0);
    assert_true(fabs(exact[2].own - 4) < 1e-6 && exact[2].own_sd < 2e-6);
    assert_int_equal(qbid_meta_together(exact, 3, 1, &above, &below), 0);
    assert_true(above > 0.9999 && below < 1e-6);
    /* one study: its own effect, tau as its prior has it: E tau^2 = scale^2 */
    assert_int_equal(qbid_meta_believe(one, 1, 0.3, &b), 0);
    near_to(b.mean, 0.7, 1e-9);
    near_to(b.tau, 0.3 * sqrt(2 / M_PI), 1e-3);
    near_to(b.next_sd, sqrt(0.04 + 2 * 0.09), 2e-3);
}

static void intervals_cover(void **state)
{
    (void)state;
    static const uint32_t cnts[] = {2, 3, 5, 10};
    static const double taus[] = {0, 0.15, 0.4};
    struct rng rng = rng_init(11);
    for (size_t c = 0; c < 4; c++)
        for (size_t t = 0; t < 3; t++) {
            uint32_t n = cnts[c];
            int mean = 0, next = 0, own = 0, believed = 0;
            for (int w = 0; w < worlds; w++) {
                struct qbid_meta_study s[10];
                struct qbid_meta m;
                struct qbid_meta_belief b;
                double truth[11];
                for (uint32_t i = 0; i <= n; i++)
                    truth[i] = 0.2 + taus[t] * rng_normal(&rng);
                for (uint32_t i = 0; i < n; i++) {
                    double v = 0.02 * rng_lognormal(&rng, 0, 0.7);
                    s[i] = (struct qbid_meta_study){truth[i] + sqrt(v) * rng_normal(&rng), v, 0, 0};
                }
                assert_int_equal(qbid_meta_fit(s, n, &m), 0);
                assert_int_equal(qbid_meta_believe(s, n, 0.5, &b), 0);
                mean += m.low <= 0.2 && 0.2 <= m.high;
                next += m.next_low <= truth[n] && truth[n] <= m.next_high;
                believed += fabs(truth[n] - b.next) <= 1.645 * b.next_sd;
                own += fabs(truth[0] - s[0].own) <= 1.645 * s[0].own_sd;
            }
            double part = 100.0 / worlds, slack = 4 * 100 * sqrt(0.09 / worlds);
            print_message("meta: %u studies, tau %.2f: 90 %% intervals cover: mean %.1f, one more "
                          "%.1f; believed: one more %.1f, own %.1f\n",
                          n, taus[t], mean * part, next * part, believed * part, own * part);
            assert_true(mean * part > 90 - slack);
            /* a half-normal prior is right on average over tau, not at each */
            assert_true(believed * part > (t == 2 ? 82 : 86) - slack);
            assert_true(own * part > 85 - slack);
            assert_true(n < 5 || next * part > 85 - slack);
        }
}

static void a_universal_winner_is_one(void **state)
{
    (void)state;
    struct rng rng = rng_init(12);
    int said = 0, wrong = 0, found = 0, there = 0;
    for (int w = 0; w < 4 * worlds; w++) {
        uint32_t n = 2 + (uint32_t)(4 * rng_uniform(&rng));
        struct qbid_meta_study s[6];
        double above, below, tau = fabs(0.3 * rng_normal(&rng)), mean = 0.3 * rng_normal(&rng);
        bool all = true;
        for (uint32_t i = 0; i < n; i++) {
            double truth = mean + tau * rng_normal(&rng), v = 0.004 * rng_lognormal(&rng, 0, 0.7);
            all = all && truth > 0;
            s[i] = (struct qbid_meta_study){truth + sqrt(v) * rng_normal(&rng), v, 0, 0};
        }
        assert_int_equal(qbid_meta_together(s, n, 0.3, &above, &below), 0);
        said += above >= 0.95;
        wrong += above >= 0.95 && !all;
        there += all;
        found += all && above >= 0.95;
    }
    print_message("meta: of %d universal winners stated at 0.95, %.2f %% are not; of %d that are, "
                  "%.1f %% found\n",
                  said, 100.0 * wrong / said, there, 100.0 * found / there);
    assert_true(said > 10 && wrong <= 0.05 * said && found > 0.3 * there);
}

static void bad_studies_are_refused(void **state)
{
    (void)state;
    struct qbid_meta m;
    struct qbid_meta_belief b;
    double above, below;
    struct qbid_meta_study bad[5] = {
        {NAN, 1, 0, 0}, {1, 0, 0, 0}, {1, -1, 0, 0}, {1, INFINITY, 0, 0}, {INFINITY, 1, 0, 0}};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(qbid_meta_fit(&bad[i], 1, &m), QBID_ERR_INVAL);
        assert_int_equal(qbid_meta_believe(&bad[i], 1, 1, &b), QBID_ERR_INVAL);
    }
    struct qbid_meta_study good = {0.3, 0.04, 0, 0};
    assert_int_equal(qbid_meta_fit(&good, 0, &m), QBID_ERR_INVAL);
    assert_int_equal(qbid_meta_fit(&good, QBID_META_STUDIES_MAX + 1, &m), QBID_ERR_INVAL);
    assert_int_equal(qbid_meta_believe(&good, 1, 0, &b), QBID_ERR_INVAL);
    assert_int_equal(qbid_meta_together(&good, 1, NAN, &above, &below), QBID_ERR_INVAL);
    assert_int_equal(qbid_meta_fit(&good, 1, &m), 0);
    assert_true(m.tau2 == 0 && m.q_p == 1 && isinf(m.next_low) && isinf(m.next_high));
    near_to(m.high - m.mean, 1.6448536269514722 * 0.2, 1e-12);
}

/* Posterior mean and sd of a mixture prior by summing prior x likelihood. */
static void robust_brute(const struct qbid_robust *p, double y, double v, double *mean, double *sd)
{
    double all = 0, first = 0, second = 0;
    for (int i = 0; i < 40000; i++) {
        double x = -10 + 20 * (i + 0.5) / 40000, apart = y - x;
        double z = (x - p->like.mean) / p->like.sd, u = (x - p->vague.mean) / p->vague.sd;
        double prior = p->like.weight / p->like.sd * exp(-z * z / 2) +
                       p->vague.weight / p->vague.sd * exp(-u * u / 2);
        double w = prior * exp(-apart * apart / (2 * v));
        all += w, first += w * x, second += w * x * x;
    }
    *mean = first / all;
    *sd = sqrt(second / all - *mean * *mean);
}

static void the_robust_prior_gives_way(void **state)
{
    (void)state;
    struct qbid_robust prior = qbid_robust_of(0.3, 0.1, 0, 1);
    for (double y = -3; y <= 3; y += 0.5)
        for (double v = 0.01; v < 1; v *= 4) {
            double mean, sd;
            struct qbid_robust post = qbid_robust_learn(prior, y, v);
            robust_brute(&prior, y, v, &mean, &sd);
            near_to(qbid_robust_mean(&post), mean, 1e-6);
            near_to(qbid_robust_sd(&post), sd, 1e-6);
        }
    /* in agreement it is surer than the vague part alone, in conflict it follows the data */
    struct qbid_robust same = qbid_robust_learn(prior, 0.32, 0.04);
    struct qbid_robust other = qbid_robust_learn(prior, -1.5, 0.04);
    assert_true(same.vague.weight < 0.2 && qbid_robust_sd(&same) < 0.15);
    assert_true(other.vague.weight > 0.99 && qbid_robust_mean(&other) < -1.4);
    /* in two steps as in one */
    struct qbid_robust twice = qbid_robust_learn(qbid_robust_learn(prior, 0.5, 0.08), 0.5, 0.08);
    struct qbid_robust once = qbid_robust_learn(prior, 0.5, 0.04);
    near_to(qbid_robust_mean(&twice), qbid_robust_mean(&once), 1e-9);
    /* what says nothing changes nothing; without others only the vague part counts */
    struct qbid_robust none = qbid_robust_learn(prior, NAN, 1);
    near_to(qbid_robust_mean(&none), qbid_robust_mean(&prior), 1e-12);
    none = qbid_robust_learn(prior, 1, 0);
    near_to(qbid_robust_sd(&none), qbid_robust_sd(&prior), 1e-12);
    struct qbid_robust alone = qbid_robust_of(0.3, INFINITY, 0.1, 0.5);
    near_to(qbid_robust_mean(&alone), 0.1, 1e-12);
    near_to(qbid_robust_sd(&alone), 0.5, 1e-12);
    alone = qbid_robust_learn(alone, 0.6, 0.25);
    near_to(qbid_robust_mean(&alone), 0.35, 1e-12);
    near_to(qbid_robust_sd(&alone), sqrt(0.125), 1e-12);
    near_to(alone.vague.weight, QBID_ROBUST_VAGUE, 1e-12);
    /* draws are of the mixture */
    struct qbid_random random = qbid_random_init(3);
    double sum = 0, sum2 = 0;
    for (int i = 0; i < 20000; i++) {
        double x = qbid_robust_draw(&prior, &random);
        sum += x / 20000, sum2 += x * x / 20000;
    }
    assert_true(fabs(sum - qbid_robust_mean(&prior)) < 0.02);
    assert_true(fabs(sqrt(sum2 - sum * sum) - qbid_robust_sd(&prior)) < 0.02);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_are_metafors),     cmocka_unit_test(belief_is_the_integral),
        cmocka_unit_test(belief_has_its_limits),      cmocka_unit_test(intervals_cover),
        cmocka_unit_test(a_universal_winner_is_one),  cmocka_unit_test(bad_studies_are_refused),
        cmocka_unit_test(the_robust_prior_gives_way),
    };
    worlds = argc > 1 ? atoi(argv[1]) : worlds;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
