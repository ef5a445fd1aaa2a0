/* SPDX-License-Identifier: Apache-2.0 */
/* Counting what auctions reveal of the market price, and the win curve that follows. */
#include "control/models/landscape/landscape.h"

#include <math.h>
#include <string.h>

#include "control/models/landscape/survival.h"

#define BIN_BITS 19 /* of a float's mantissa that lie inside a bin */
#define BASE_BITS ((uint32_t)(127 + QBID_LANDSCAPE_BASE_LG) << 23)
#define EM_ROUNDS 400

_Static_assert(QBID_LANDSCAPE_BINS <= QBID_SURVIVAL_BINS_MAX, "estimators hold a landscape");

double qbid_landscape_edge(uint32_t i)
{
    return ldexp(1 + (i % 16) / 16.0, QBID_LANDSCAPE_BASE_LG + (int)(i / 16));
}

uint32_t qbid_landscape_bin(double micros)
{
    if (!(micros > qbid_landscape_edge(0)))
        return 0;
    if (micros >= qbid_landscape_edge(QBID_LANDSCAPE_BINS))
        return QBID_LANDSCAPE_BINS - 1;
    float price = (float)micros;
    uint32_t bits;
    memcpy(&bits, &price, sizeof bits);
    uint32_t bin = (bits - BASE_BITS) >> BIN_BITS;
    return bin < QBID_LANDSCAPE_BINS ? bin : QBID_LANDSCAPE_BINS - 1;
}

static void count_add(double *bins, double micros, double weight)
{
    if (weight > 0 && isfinite(weight) && micros >= 0)
        bins[qbid_landscape_bin(micros)] += weight;
}

void qbid_landscape_see(struct qbid_landscape *ls, double price_micros, double weight)
{
    count_add(ls->seen, price_micros, weight);
}

void qbid_landscape_lose(struct qbid_landscape *ls, double bid_micros, double weight)
{
    count_add(ls->lost, bid_micros, weight);
}

void qbid_landscape_win(struct qbid_landscape *ls, double bid_micros, double weight)
{
    count_add(ls->won, bid_micros, weight);
}

void qbid_landscape_mix(struct qbid_landscape *dst, double keep, const struct qbid_landscape *src,
                        double add)
{
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++) {
        dst->seen[i] = keep * dst->seen[i] + (src ? add * src->seen[i] : 0);
        dst->lost[i] = keep * dst->lost[i] + (src ? add * src->lost[i] : 0);
        dst->won[i] = keep * dst->won[i] + (src ? add * src->won[i] : 0);
    }
}

static double bins_sum(const double *bins)
{
    double sum = 0;
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        sum += bins[i];
    return sum;
}

double qbid_landscape_samples(const struct qbid_landscape *ls)
{
    return bins_sum(ls->seen) + bins_sum(ls->lost) + bins_sum(ls->won);
}

/* P(price in bin i) of a curve; what lies beyond its last bin belongs to nobody. */
static double curve_mass(const struct qbid_landscape_curve *curve, uint32_t i)
{
    return curve->win[i] - (i > 0 ? curve->win[i - 1] : 0);
}

/* The parent's pseudo-samples as prices seen, the part above its last known price as losses. */
static void blend_prices(struct qbid_landscape *ls, const struct qbid_landscape_curve *parent,
                         double pseudo)
{
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        ls->seen[i] += pseudo * curve_mass(parent, i);
    ls->lost[QBID_LANDSCAPE_BINS - 1] += pseudo * (1 - parent->win[QBID_LANDSCAPE_BINS - 1]);
}

/* The same for win-or-lose feedback: bids of every level, evenly, with the parent's win rate. */
static void blend_outcomes(struct qbid_landscape *ls, const struct qbid_landscape_curve *parent,
                           double pseudo)
{
    double each = pseudo / QBID_LANDSCAPE_BINS;
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++) {
        double rate = 0.5 * (parent->win[i] + (i > 0 ? parent->win[i - 1] : 0));
        ls->won[i] += each * rate;
        ls->lost[i] += each * (1 - rate);
    }
}

/* Win rates belong to the middle of their bins; the curve is read at the edges. */
static void curve_from_rates(const double *rate, double *ret_win)
{
    double known = 0; /* F at position `at`, in bins; 0 at the lower end */
    double at = -0.5;
    uint32_t filled = 0;
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++) {
        if (isnan(rate[i]))
            continue;
        for (; filled < i; filled++) {
            double edge = (double)filled + 0.5;
            ret_win[filled] = known + (rate[i] - known) * (edge - at) / ((double)i - at);
        }
        known = rate[i];
        at = (double)i;
    }
    for (; filled < QBID_LANDSCAPE_BINS; filled++)
        ret_win[filled] = known;
}

static void curve_start(double *win)
{
    for (uint32_t i = 0; i < QBID_LANDSCAPE_BINS; i++)
        win[i] = (i + 1.0) / QBID_LANDSCAPE_BINS;
}

int qbid_landscape_fit(const struct qbid_landscape *ls, const struct qbid_landscape_curve *parent,
                       double pseudo, struct qbid_landscape_curve *ret_curve)
{
    struct qbid_landscape all = *ls;
    double rate[QBID_LANDSCAPE_BINS];
    int outcomes_only = bins_sum(ls->won) > 0 && !(bins_sum(ls->seen) > 0);
    double own = qbid_landscape_samples(ls);
    int has_parent = parent && parent->samples > 0;
    memset(ret_curve, 0, sizeof *ret_curve);
    ret_curve->samples = own + (has_parent ? parent->samples : 0);
    if (!(ret_curve->samples > 0))
        return 0;
    if (!(own > 0)) {
        *ret_curve = *parent;
        return 1;
    }
    if (has_parent && pseudo > 0 && outcomes_only)
        blend_outcomes(&all, parent, pseudo);
    else if (has_parent && pseudo > 0)
        blend_prices(&all, parent, pseudo);
    if (outcomes_only) {
        qbid_survival_isotonic(all.won, all.lost, QBID_LANDSCAPE_BINS, rate);
        curve_from_rates(rate, ret_curve->win);
    } else if (bins_sum(ls->won) > 0) {
        curve_start(ret_curve->win);
        qbid_survival_em(all.seen, all.lost, all.won, QBID_LANDSCAPE_BINS, EM_ROUNDS,
                         ret_curve->win);
    } else {
        qbid_survival_km(all.seen, all.lost, QBID_LANDSCAPE_BINS, 0.5, ret_curve->win);
    }
    return 1;
}

double qbid_landscape_curve_at(const struct qbid_landscape_curve *curve, double bid_micros)
{
    if (!(bid_micros > 0))
        return 0;
    if (bid_micros >= qbid_landscape_edge(QBID_LANDSCAPE_BINS))
        return curve->win[QBID_LANDSCAPE_BINS - 1];
    uint32_t i = qbid_landscape_bin(bid_micros);
    double low = i > 0 ? qbid_landscape_edge(i) : 0;
    double high = qbid_landscape_edge(i + 1);
    double below = i > 0 ? curve->win[i - 1] : 0;
    return below + (curve->win[i] - below) * fmin(fmax((bid_micros - low) / (high - low), 0), 1);
}
