/* SPDX-License-Identifier: Apache-2.0 */
/* The price landscape of one market segment: probability that a bid wins, from censored feedback.
 */
#ifndef QBID_CONTROL_MODELS_LANDSCAPE_LANDSCAPE_H
#define QBID_CONTROL_MODELS_LANDSCAPE_LANDSCAPE_H

#include <stdint.h>

/* Bins are spaced by the bits of a float like the knots of shm/shade.h, four times finer: sixteen
 * to the octave from 2^12 micros (0.004 CPM) to 2^28 (268 CPM), 4.4 to 6.2 % wide. Prices outside
 * fall in the first or last bin. */
#define QBID_LANDSCAPE_BINS 256
#define QBID_LANDSCAPE_BASE_LG 12
#define QBID_LANDSCAPE_PSEUDO 30.0 /* samples that a parent is worth, ALGORITHMS 3.3: 20-50 */

struct qbid_landscape {
    double seen[QBID_LANDSCAPE_BINS]; /* by market price: it was told */
    double lost[QBID_LANDSCAPE_BINS]; /* by our bid: it was too low, price not told */
    double won[QBID_LANDSCAPE_BINS];  /* by our bid: it was enough, price not told */
};

struct qbid_landscape_curve {
    double win[QBID_LANDSCAPE_BINS]; /* P(price <= upper edge of the bin), not falling */
    double samples;                  /* auctions behind it, the parents' included */
};

/** Lower edge of bin i in micros; i = QBID_LANDSCAPE_BINS gives the upper edge of the last. */
double qbid_landscape_edge(uint32_t i);

/** Bin of a price or bid in micros; anything not above the first edge, NaN too, is bin 0. */
uint32_t qbid_landscape_bin(double micros);

/** Count a market price that was told: a second-price win, or a loss with its minimum to win. */
void qbid_landscape_see(struct qbid_landscape *ls, double price_micros, double weight);

/** Count a lost bid whose price was not told. */
void qbid_landscape_lose(struct qbid_landscape *ls, double bid_micros, double weight);

/** Count a won bid whose price was not told: a first-price win. */
void qbid_landscape_win(struct qbid_landscape *ls, double bid_micros, double weight);

/** dst = keep * dst + add * src: decay (src may be NULL), merging windows, building parents. */
void qbid_landscape_mix(struct qbid_landscape *dst, double keep, const struct qbid_landscape *src,
                        double add);

/** Auctions counted. */
double qbid_landscape_samples(const struct qbid_landscape *ls);

/**
 * Win curve of a segment, blended with its parent's.
 *
 * Shapes:  parent may be NULL; pseudo >= 0 samples are drawn from it, in proportion.
 * Returns: 1 and *ret_curve, with a number in [0, 1] in every bin; 0 if neither the segment nor the
 *          parent knows anything: then the curve is 0 and samples 0.
 * Threads: pure.
 * Cost:    a few microseconds; under 1 ms where all three kinds of feedback mix.
 * Source:  control/models/landscape/survival.h says which estimator answers which feedback.
 */
int qbid_landscape_fit(const struct qbid_landscape *ls, const struct qbid_landscape_curve *parent,
                       double pseudo, struct qbid_landscape_curve *ret_curve);

/**
 * Probability that a bid wins.
 *
 * Shapes:  any bid_micros; NaN and bids not above 0 give 0.
 * Returns: the curve, linear in the price inside a bin and from 0 to the first edge, flat above.
 * Threads: pure.
 */
double qbid_landscape_curve_at(const struct qbid_landscape_curve *curve, double bid_micros);

#endif
