/* SPDX-License-Identifier: Apache-2.0 */
/* Conditional maximum likelihood of r(k), smoothed, made monotone. */
#include "control/models/rates/fatigue.h"

#include <math.h>

#define K QBID_FATIGUE_MAX
#define ROUNDS 200
#define ENOUGH 1e-10 /* relative change at which the rounds end */
#define SEEN_MIN 50  /* clicks of an exposure below which it is left as it is */
#define SMOOTH_MIN 4 /* exposures that have so many: fewer have no shape */
#define BENDS 46     /* variances of the bends that are tried, half an e-fold apart */
#define BEND_LEAST 1e-7
#define NOTHING 1e-9 /* clicks */

void qbid_fatigue_see(struct qbid_fatigue *fatigue, uint32_t exposures, uint32_t clicked)
{
    if (exposures == 0)
        return;
    uint32_t group = (exposures < K ? exposures : K) - 1;
    fatigue->users[group]++;
    for (uint32_t k = 0; k <= group; k++)
        fatigue->clicks[group][k] += clicked >> k & 1;
}

void qbid_fatigue_add(struct qbid_fatigue *dst, const struct qbid_fatigue *src)
{
    for (uint32_t g = 0; g < K; g++) {
        dst->users[g] += src->users[g];
        for (uint32_t k = 0; k <= g; k++)
            dst->clicks[g][k] += src->clicks[g][k];
    }
}

double qbid_fatigue_clicks(const struct qbid_fatigue *fatigue)
{
    double sum = 0;
    for (uint32_t g = 0; g < K; g++)
        for (uint32_t k = 0; k <= g; k++)
            sum += fatigue->clicks[g][k];
    return sum;
}

/* Clicks by exposure, and by group. A group of one exposure compares nothing. */
struct totals {
    double exposure[K], group[K];
};

static struct totals totals_of(const struct qbid_fatigue *f)
{
    struct totals t = {{0}, {0}};
    for (uint32_t g = 1; g < K; g++)
        for (uint32_t k = 0; k <= g; k++) {
            t.exposure[k] += f->clicks[g][k];
            t.group[g] += f->clicks[g][k];
        }
    return t;
}

static double prior_at(const double *prior, uint32_t k)
{
    return !prior ? 1 : prior[k] > 1e-3 ? prior[k] : 1e-3;
}

/* One round; returns the largest relative change. */
static double round_of(const struct totals *t, const double *prior, double strength, double r[K])
{
    double expected[K] = {0}, sum = 0, most = 0, load = 0;
    double rate[K];
    for (uint32_t g = 0; g < K; g++) {
        sum += r[g];
        rate[g] = t->group[g] / sum;
    }
    for (uint32_t k = K; k-- > 0;) { /* groups that have exposure k: those from k on */
        load += rate[k];
        expected[k] = load;
    }
    for (uint32_t k = 0; k < K; k++) {
        double next = (t->exposure[k] + strength) / (expected[k] + strength / prior_at(prior, k));
        most = fmax(most, fabs(next / r[k] - 1));
        r[k] = next;
    }
    return most;
}

/* Bends of log r over log(1 + k): second divided differences, one a row, three columns from it. */
struct bends {
    uint32_t cnt;
    double of[K][3];
    double now[K]; /* of what was fitted */
};

static struct bends bends_of(const double *y, uint32_t n)
{
    struct bends b = {.cnt = n - 2};
    for (uint32_t i = 0; i < b.cnt; i++) {
        double left = log((i + 2.0) / (i + 1.0)), right = log((i + 3.0) / (i + 2.0));
        double half = (left + right) / 2;
        b.of[i][0] = 1 / left / half;
        b.of[i][1] = -(1 / left + 1 / right) / half;
        b.of[i][2] = 1 / right / half;
        b.now[i] = b.of[i][0] * y[i] + b.of[i][1] * y[i + 1] + b.of[i][2] * y[i + 2];
    }
    return b;
}

/* With bends of that variance and y of variance 1 / weight: half the log-likelihood of the bends,
 * and in ret_pull what each weighs (their covariance inverted, times them). */
static double bends_weigh(const struct bends *b, const double *weight, double variance,
                          double ret_pull[K])
{
    double l[K][K] = {{0}}, score = 0;
    for (uint32_t i = 0; i < b->cnt; i++) {
        for (uint32_t j = i < 2 ? 0 : i - 2; j <= i; j++) {
            double v = i == j ? variance : 0;
            for (uint32_t k = i; k <= j + 2; k++)
                v += b->of[i][k - i] * b->of[j][k - j] / weight[k];
            for (uint32_t m = 0; m < j; m++)
                v -= l[i][m] * l[j][m];
            l[i][j] = i == j ? sqrt(v) : v / l[j][j];
        }
        double z = b->now[i];
        for (uint32_t m = 0; m < i; m++)
            z -= l[i][m] * ret_pull[m];
        ret_pull[i] = z / l[i][i];
        score -= log(l[i][i]) + ret_pull[i] * ret_pull[i] / 2;
    }
    for (uint32_t i = b->cnt; i-- > 0;) {
        for (uint32_t m = i + 1; m < b->cnt; m++)
            ret_pull[i] -= l[m][i] * ret_pull[m];
        ret_pull[i] /= l[i][i];
    }
    return score;
}

/* Draw r towards a line in log(1 + k), as far as its bends look like noise. */
static void smooth(const struct totals *t, const double *prior, double r[K])
{
    double y[K], pull[K], best[K] = {0}, best_score = -INFINITY;
    uint32_t n = 0;
    for (; n < K && t->exposure[n] >= SEEN_MIN; n++)
        y[n] = log(r[n] / prior_at(prior, n));
    if (n < SMOOTH_MIN)
        return;
    struct bends b = bends_of(y, n);
    for (int i = 0; i < BENDS; i++) {
        double score = bends_weigh(&b, t->exposure, BEND_LEAST * exp(0.5 * i), pull);
        if (score > best_score) {
            best_score = score;
            for (uint32_t k = 0; k < b.cnt; k++)
                best[k] = pull[k];
        }
    }
    for (uint32_t i = 0; i < b.cnt; i++)
        for (uint32_t k = 0; k < 3; k++)
            y[i + k] -= b.of[i][k] * best[i] / t->exposure[i + k];
    for (uint32_t k = 0; k < n; k++)
        r[k] = prior_at(prior, k) * exp(y[k]);
}

/* Pool neighbours that rise, weighted. */
static void decreasing(const double weight[K], double r[K])
{
    double mean[K], mass[K];
    uint32_t size[K], blocks = 0;
    for (uint32_t k = 0; k < K; k++) {
        mean[blocks] = r[k];
        mass[blocks] = weight[k];
        size[blocks++] = 1;
        while (blocks > 1 && mean[blocks - 2] < mean[blocks - 1]) {
            double whole = mass[blocks - 2] + mass[blocks - 1];
            mean[blocks - 2] =
                (mean[blocks - 2] * mass[blocks - 2] + mean[blocks - 1] * mass[blocks - 1]) / whole;
            mass[blocks - 2] = whole;
            size[blocks - 2] += size[blocks - 1];
            blocks--;
        }
    }
    for (uint32_t b = 0, k = 0; b < blocks; b++)
        for (uint32_t i = 0; i < size[b]; i++)
            r[k++] = mean[b];
}

static void likeliest(const struct totals *t, const double *prior, double strength, double r[K])
{
    for (uint32_t k = 0; k < K; k++)
        r[k] = prior_at(prior, k);
    for (int i = 0; i < ROUNDS && round_of(t, prior, strength, r) > ENOUGH; i++)
        ;
}

void qbid_fatigue_likeliest(const struct qbid_fatigue *fatigue, double ret_value[QBID_FATIGUE_MAX])
{
    struct totals t = totals_of(fatigue);
    likeliest(&t, NULL, NOTHING, ret_value);
    for (uint32_t k = K; k-- > 0;)
        ret_value[k] /= ret_value[0];
}

void qbid_fatigue_fit(const struct qbid_fatigue *fatigue, const double prior[QBID_FATIGUE_MAX],
                      double strength, double ret_value[QBID_FATIGUE_MAX])
{
    struct totals t = totals_of(fatigue);
    double r[K], weight[K];
    likeliest(&t, prior, strength, r);
    smooth(&t, prior, r);
    for (uint32_t k = 0; k < K; k++) /* what nobody saw must not lift what was seen */
        weight[k] = t.exposure[k] + NOTHING;
    decreasing(weight, r);
    for (uint32_t k = 0; k < K; k++)
        ret_value[k] = r[k] / r[0];
}
