/* SPDX-License-Identifier: Apache-2.0 */
/* The price of the budget and of every cap on spend, solved on a sample of auctions or followed
 * online. */
#ifndef QBID_CONTROL_MODELS_PACING_DUALS_H
#define QBID_CONTROL_MODELS_PACING_DUALS_H

#include <stdint.h>

#include "shm/shade.h"

#define QBID_DUALS_CAPS_MAX 4

/* Choose x_i in [0, 1], the part that is won of auction i (ALGORITHMS 3.5):
 *
 *     maximise  sum x_i g_i          worth under the goal
 *     with      sum x_i m_i <= B                          price p of the budget
 *               sum x_i m_i <= sum x_i u_ij   each cap j  price q_j
 *
 * Whatever is worth its price at the effective value is bought:
 *
 *     e = (g + sum q_j u_j) / (p + sum q_j) >= m
 *
 * The dual, p B + sum max(0, g_i + sum q_j u_ij - (p + sum q_j) m_i), is convex and its least value
 * is that of the linear programme. In first price max(0, e - m) is the expected surplus of the
 * shaded bid. Where spend itself counts against the goal, p is at least 1 and (p - 1) B stands
 * there.
 */
struct qbid_duals_point {
    double weight;                            /* auctions that it stands for, > 0 */
    double price_micros;                      /* m; in first price not read */
    double worth_micros;                      /* g, >= 0 */
    double allow_micros[QBID_DUALS_CAPS_MAX]; /* u_j, >= 0 */
};

struct qbid_duals_market {
    const struct qbid_duals_point *points;
    uint32_t cnt;
    uint32_t cap_cnt;               /* <= QBID_DUALS_CAPS_MAX */
    const struct qbid_shade *shade; /* NULL = second price */
    double rho_micros;              /* B / auctions, > 0 */
    double cost;                    /* least price of the budget: 1 where the goal is worth less
                                       spend (profit), else 0 */
};

struct qbid_duals {
    double budget;                   /* p, >= 0 */
    double cap[QBID_DUALS_CAPS_MAX]; /* q_j, >= 0 */
};

/* Means over the auctions of a market. */
struct qbid_duals_means {
    double spend;
    double worth;
    double allow[QBID_DUALS_CAPS_MAX];
    double bound; /* value of the dual: no policy is worth more */
};

/** Effective value of one auction; 0 where nothing has a price (p and all q are 0). */
double qbid_duals_effective(const struct qbid_duals *duals, uint32_t cap_cnt,
                            const struct qbid_duals_point *point);

/** Multiplier of the mixed worth (g + sum q u) / (1 + sum q) that gives the effective value;
 *  HUGE_VAL where nothing has a price. */
double qbid_duals_alpha(const struct qbid_duals *duals, uint32_t cap_cnt);

/** What the prices buy, and the dual's value there. Cost: a pass over the points. */
struct qbid_duals_means qbid_duals_buy(const struct qbid_duals_market *market,
                                       const struct qbid_duals *duals);

/**
 * Solve for the prices.
 *
 * Shapes:  points with a number out of range count as auctions in which nothing can be bought.
 * Returns: 0; in second price the dual's value is within 1e-12 of its least one (a vertex). In
 *          first price budget and caps are kept, and the worth is as good as the shade table. Where
 *          no auction meets a cap its price is large, and nothing is bought.
 * Errors:  QBID_ERR_INVAL for a count, budget or sample out of range.
 * Threads: pure; no allocation.
 * Cost:    some hundred passes over the points: 1,000 points and one cap take about a millisecond.
 * Source:  the ellipsoid method with deep cuts (Shor; Yudin and Nemirovski), then the nearest
 *          vertex: with up to five prices it needs no linear programme.
 */
int qbid_duals_solve(const struct qbid_duals_market *market, struct qbid_duals *ret_duals);

/* What a period of an online run saw and still has before it. Any unit of money, the same for all.
 */
struct qbid_duals_seen {
    double spend;                      /* of this period */
    double allow[QBID_DUALS_CAPS_MAX]; /* what the caps allow for it */
    double required;                   /* what the budget's plan wants spent in it, > 0 */
    double spend_all;                  /* since the beginning, this period included */
    double allow_all[QBID_DUALS_CAPS_MAX];
    double budget_left;
};

struct qbid_duals_params {
    double gain;    /* of one period, default 0.2 */
    double step_lg; /* largest change of a log2 price a period, default 0.3 */
    double least;   /* of the budget's price, default 1e-3; of a cap's: 0 */
    double most;    /* default 1e3 */
    double shift;   /* added to a cap's price while it moves: 0 can be reached and left; 0.1 */
    double margin;  /* part of what a cap allows that is kept back, default 0.005 */
};
struct qbid_duals_params qbid_duals_defaults(void);

/**
 * Follow the prices by one period: each grows with what its constraint lacks.
 *
 * Shapes:  anything: a period with a number that is none, or negative, changes nothing.
 * Returns: the new prices, at most `most`.
 * Threads: pure.
 * Source:  dual mirror descent with the (shifted) entropy as its distance, one price a constraint
 * (Balseiro, Lu and Mirrokni, arXiv 2011.10124; return on spend: Feng, Padmanabhan and Wang, arXiv
 *          2208.13713). We add what earlier periods owe, spread over the budget that is left.
 */
struct qbid_duals qbid_duals_follow(const struct qbid_duals_params *params,
                                    const struct qbid_duals_seen *seen, uint32_t cap_cnt,
                                    struct qbid_duals before);

#endif
