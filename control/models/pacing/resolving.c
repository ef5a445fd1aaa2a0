/* SPDX-License-Identifier: Apache-2.0 */
/* lambda(rho): spend and worth at fixed multipliers, and their inverses by interpolation. */
#include "control/models/pacing/resolving.h"

#include <math.h>

#define KNOTS QBID_RESOLVING_KNOTS
#define BEYOND                                                                                     \
    1.05 /* times the most spend: near enough that the market's reach does not cut it              \
          */
#define KNOTS_A_PASS 4 /* first price: the knots between are interpolated */

static double knot(double k)
{
    return exp2(QBID_RESOLVING_LG_MAX * (2 * k / (KNOTS - 1) - 1));
}

/* Place of a multiplier among the knots, in [0, KNOTS - 1]. */
static double place_of(double alpha)
{
    double k = (log2(alpha) / QBID_RESOLVING_LG_MAX + 1) * 0.5 * (KNOTS - 1);
    return fmin(fmax(k, 0), KNOTS - 1);
}

static void knots_fill(const struct qbid_market *market, uint32_t step,
                       struct qbid_resolving *table)
{
    for (uint32_t k = 0;; k += step) {
        k = k < KNOTS - 1 ? k : KNOTS - 1;
        double alpha = knot(k);
        table->spend[k] = (float)qbid_market_spend(market, alpha);
        table->worth[k] = (float)qbid_market_worth(market, alpha);
        table->won[k] = (float)qbid_market_won(market, alpha);
        if (k == KNOTS - 1)
            break;
    }
    for (uint32_t k = 0; k < KNOTS - 1 && step > 1; k += step) {
        uint32_t next = k + step < KNOTS - 1 ? k + step : KNOTS - 1;
        for (uint32_t i = k + 1; i < next; i++) {
            float part = (float)(i - k) / (float)(next - k);
            table->spend[i] = table->spend[k] + part * (table->spend[next] - table->spend[k]);
            table->worth[i] = table->worth[k] + part * (table->worth[next] - table->worth[k]);
            table->won[i] = table->won[k] + part * (table->won[next] - table->won[k]);
        }
    }
}

void qbid_resolving_build(const struct qbid_market *market, struct qbid_resolving *ret_table)
{
    *ret_table = (struct qbid_resolving){.top = qbid_market_alpha_budget(market, 1e30)};
    if (!(ret_table->top > 0))
        return;
    knots_fill(market, market->shade ? KNOTS_A_PASS : 1, ret_table);
    ret_table->most = qbid_market_spend(market, ret_table->top);
    ret_table->seen = qbid_market_alpha_budget(market, ret_table->most * (1 + 1e-12));
    double beyond = qbid_market_alpha_budget(market, ret_table->most * BEYOND);
    ret_table->power = log(BEYOND) / fmax(log(beyond / ret_table->seen), 1e-9);
}

/* What the knots say at a multiplier. */
static double between(const float *knots, double alpha)
{
    if (!(alpha > 0))
        return 0;
    double place = place_of(alpha);
    uint32_t k = (uint32_t)fmin(place, KNOTS - 2);
    double part = place - k;
    return (1 - part) * (double)knots[k] + part * (double)knots[k + 1];
}

double qbid_resolving_spend(const struct qbid_resolving *table, double alpha)
{
    return between(table->spend, alpha);
}

double qbid_resolving_worth(const struct qbid_resolving *table, double alpha)
{
    return between(table->worth, alpha);
}

double qbid_resolving_won(const struct qbid_resolving *table, double alpha)
{
    return between(table->won, alpha);
}

double qbid_resolving_alpha_budget(const struct qbid_resolving *table, double rho_nanos)
{
    if (!(rho_nanos > 0) || !(table->top > 0))
        return 0;
    if (rho_nanos >= table->most)
        return fmin(table->seen * pow(rho_nanos / table->most, 1 / table->power), table->top);
    uint32_t low = 0, high = KNOTS; /* knots below `low` spend at most rho, from `high` on more */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if ((double)table->spend[mid] <= rho_nanos)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return knot(0);
    if (low == KNOTS)
        return fmin(knot(KNOTS - 1), table->top);
    double below = (double)table->spend[low - 1], above = (double)table->spend[low];
    return fmin(knot(low - 1 + (rho_nanos - below) / (above - below)), table->seen);
}

double qbid_resolving_alpha_goal(const struct qbid_resolving *table, double scale)
{
    if (!(scale > 0) || !(table->top > 0))
        return 0;
    uint32_t k = KNOTS;
    while (k > 0 && !(scale * (double)table->worth[k - 1] >= (double)table->spend[k - 1]))
        k--;
    if (k == 0 || k == KNOTS)
        return k ? fmin(knot(KNOTS - 1), table->top) : knot(0);
    double below = scale * (double)table->worth[k - 1] - (double)table->spend[k - 1];
    double above = (double)table->spend[k] - scale * (double)table->worth[k];
    double part = below + above > 0 ? below / (below + above) : 0;
    return fmin(knot(k - 1 + part), table->top);
}
