/* SPDX-License-Identifier: Apache-2.0 */
/* Conditional maximum likelihood of r(k), made monotone. */
#include "control/models/fatigue.h"

#include <math.h>

#define K QBID_FATIGUE_MAX
#define ROUNDS 200
#define ENOUGH 1e-10 /* relative change at which the rounds end */

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
        double p = prior && prior[k] > 1e-3 ? prior[k] : prior ? 1e-3 : 1;
        double next = (t->exposure[k] + strength) / (expected[k] + strength / p);
        most = fmax(most, fabs(next / r[k] - 1));
        r[k] = next;
    }
    return most;
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

void qbid_fatigue_fit(const struct qbid_fatigue *fatigue, const double prior[QBID_FATIGUE_MAX],
                      double strength, double ret_value[QBID_FATIGUE_MAX])
{
    struct totals t = totals_of(fatigue);
    double r[K], weight[K];
    for (uint32_t k = 0; k < K; k++) {
        r[k] = prior && prior[k] > 1e-3 ? prior[k] : prior ? 1e-3 : 1;
        weight[k] = t.exposure[k] + strength;
    }
    for (int i = 0; i < ROUNDS && round_of(&t, prior, strength, r) > ENOUGH; i++)
        ;
    decreasing(weight, r);
    for (uint32_t k = 0; k < K; k++)
        ret_value[k] = r[k] / r[0];
}
