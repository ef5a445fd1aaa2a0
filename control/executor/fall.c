/* SPDX-License-Identifier: Apache-2.0 */
/* The wager against a rate that holds. */
#include "control/executor/fall.h"

#include <math.h>

#define RATES 8 /* of the mixture: the claim's rate times 1/16, 3/16 ... 15/16 */
#define HALVINGS 60

/* ln of the probability of at least k successes in n trials at rate p, by its dominant terms: the
 * summands fall geometrically from the first on, as p is below k / n here. */
static double tail_log(uint64_t n, uint64_t k, double p)
{
    double nn = (double)n, kk = (double)k;
    double first =
        lgamma(nn + 1) - lgamma(kk + 1) - lgamma(nn - kk + 1) + kk * log(p) + (nn - kk) * log1p(-p);
    double sum = 1, term = 1, odds = p / (1 - p);
    for (double i = kk; i < nn && term > 1e-15 * sum; i++) {
        term *= (nn - i) / (i + 1) * odds;
        sum += term;
    }
    return first + log(sum);
}

double qbid_fall_lower(uint64_t trials, uint64_t successes, double error)
{
    double low = 0, high = trials ? (double)successes / (double)trials : 0;
    if (successes == 0)
        return 0;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = (low + high) / 2;
        if (middle < 1 && tail_log(trials, successes, middle) < log(error))
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Logarithm of the wager against a rate of `claim`; more, the higher the claim. */
static double evidence_against(const struct qbid_fall *f, double claim)
{
    double won = (double)f->successes, lost = (double)(f->trials - f->successes);
    double most = -INFINITY, sum = 0, term[RATES];
    if (!(claim > 0) || f->trials == 0 || f->successes > f->trials)
        return 0;
    for (int i = 0; i < RATES; i++) {
        double rate = claim * (2 * i + 1) / (2.0 * RATES);
        term[i] = won * log(rate / claim) + lost * (log1p(-rate) - log1p(-claim));
        most = fmax(most, term[i]);
    }
    for (int i = 0; i < RATES; i++)
        sum += exp(term[i] - most) / RATES;
    return most + log(sum);
}

double qbid_fall_evidence(const struct qbid_fall *f)
{
    double lower = qbid_fall_lower(f->base_trials, f->base_successes, f->error / 2);
    return evidence_against(f, (1 - f->fall) * lower);
}

bool qbid_fall_found(const struct qbid_fall *f)
{
    double needed = log(2 / f->error);
    /* most rates have not fallen even if the one before was what was seen: no interval is needed */
    double seen = f->base_trials ? (double)f->base_successes / (double)f->base_trials : 0;
    if (seen < 1 && evidence_against(f, (1 - f->fall) * seen) < needed)
        return false;
    return qbid_fall_evidence(f) >= needed;
}
