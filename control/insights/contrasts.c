/* SPDX-License-Identifier: Apache-2.0 */
#include "control/insights/contrasts.h"

#include <math.h>
#include <stdlib.h>

#include "control/models/beta.h"
#include "control/models/rates/rates.h"
#include "shm/error.h"

#define PRIOR_STRENGTH 2.0 /* trials that the mean of all siblings is worth beforehand */
#define TAIL 0.05          /* outside the interval, on each side */

/* P(X >= k) of k successes of n at p. */
static double binomial_above(double k, double n, double p, double q)
{
    return k <= 0 ? 1 : k > n ? 0 : qbid_beta_share(p, q, k, n - k + 1);
}

/* This sibling's part of all successes, were its rate that of the others. */
static double p_value(const struct qbid_contrast *c, double trials, double successes)
{
    double part = c->trials / trials, rest = (trials - c->trials) / trials;
    double above = binomial_above(c->successes, successes, part, rest);
    double below = 1 - binomial_above(c->successes + 1, successes, part, rest);
    return fmin(1, 2 * fmin(above, below));
}

static int shrink(struct qbid_contrast *contrasts, uint32_t cnt, double mean, double trials,
                  double successes)
{
    struct qbid_rates_cell root = {.trials = trials, .successes = successes};
    struct qbid_rates_cell *cells = calloc(cnt, sizeof *cells);
    if (!cells)
        return QBID_ERR_NOMEM;
    for (uint32_t i = 0; i < cnt; i++) {
        cells[i].trials = contrasts[i].trials;
        cells[i].successes = contrasts[i].successes;
    }
    struct qbid_rates_level levels[] = {{.cells = &root, .cell_cnt = 1},
                                        {.cells = cells, .cell_cnt = cnt}};
    int r = qbid_rates_fit(levels, 2, (struct qbid_rates_prior){mean, PRIOR_STRENGTH});
    for (uint32_t i = 0; r == 0 && i < cnt; i++) {
        double a = cells[i].rate * cells[i].strength, b = cells[i].strength - a;
        contrasts[i].rate = cells[i].rate;
        contrasts[i].low = qbid_beta_quantile(TAIL, a, b);
        contrasts[i].high = qbid_beta_quantile(1 - TAIL, a, b);
        contrasts[i].above = 1 - qbid_beta_share(mean, 1 - mean, a, b);
    }
    free(cells);
    return r;
}

int qbid_contrasts_fit(struct qbid_contrast *contrasts, uint32_t cnt)
{
    double trials = 0, successes = 0;
    if (cnt < 2 || cnt > QBID_CONTRASTS_MAX)
        return QBID_ERR_INVAL;
    for (uint32_t i = 0; i < cnt; i++) {
        const struct qbid_contrast *c = &contrasts[i];
        if (!(c->successes >= 0 && c->successes <= c->trials && isfinite(c->trials)))
            return QBID_ERR_INVAL;
        trials += c->trials;
        successes += c->successes;
    }
    double mean = (successes + 0.5) / (trials + 1);
    for (uint32_t i = 0; i < cnt; i++) {
        contrasts[i].mean = mean;
        contrasts[i].p_value = trials > 0 ? p_value(&contrasts[i], trials, successes) : 1;
    }
    return shrink(contrasts, cnt, mean, trials, successes);
}
