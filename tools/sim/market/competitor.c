/* SPDX-License-Identifier: Apache-2.0 */
/* Three ways to spend a budget. */
#include "tools/sim/market/competitor.h"

#include <math.h>

#include "shm/units.h"

#define STEP_NS (300 * QBID_NS_PER_S)
#define KP 0.25
#define KI 0.03
#define KD 0.05
#define ALPHA_MIN 0.02
#define ALPHA_MAX 2.0
#define LP_STEP 0.002 /* of the dual, in units of 1 / rho */
#define WANTED 0.25   /* spend an auction, against the median price */
#define SHADE 0.75    /* first price: part of its value that a rival bids */

void qbid_sim_competitors_init(struct qbid_sim_competitors *competitors,
                               const struct qbid_sim_market *market)
{
    double rho = WANTED * market->price_micros * market->params.rival_share;
    *competitors = (struct qbid_sim_competitors){
        .shade = market->params.auction == QBID_AUCTION_FIRST_PRICE ? SHADE : 1};
    for (unsigned i = 0; i < QBID_SIM_RIVALS; i++)
        competitors->rival[i] = (struct qbid_sim_rival){
            .kind = (enum qbid_sim_rival_kind)i, .alpha = rho > 0 ? 0.5 : 0, .rho_nanos = rho};
}

float qbid_sim_competitors_bid(const struct qbid_sim_competitors *competitors,
                               const struct qbid_sim_auction *a, float bid[QBID_SIM_RIVALS])
{
    float most = fmaxf(a->background_micros, a->floor_micros);
    for (unsigned i = 0; i < QBID_SIM_RIVALS; i++) {
        bid[i] = (float)(competitors->rival[i].alpha * competitors->shade) * a->rival_micros[i];
        most = fmaxf(most, bid[i]);
    }
    return most;
}

/* Who has won if not we, and what he pays. */
static int winner(const struct qbid_sim_auction *a, enum qbid_auction auction,
                  const float bid[QBID_SIM_RIVALS], float ours, float *ret_price)
{
    float best = fmaxf(a->background_micros, fmaxf(a->floor_micros, ours)), next = 0;
    int who = -1;
    for (int i = 0; i < QBID_SIM_RIVALS; i++) {
        if (bid[i] > best) {
            next = best;
            best = bid[i];
            who = i;
        } else {
            next = fmaxf(next, bid[i]);
        }
    }
    *ret_price = auction == QBID_AUCTION_FIRST_PRICE ? best : next;
    return who;
}

static void pid_step(struct qbid_sim_rival *r)
{
    double wanted = r->rho_nanos * (double)r->auctions;
    double error = wanted > 0 ? fmin(fmax(1 - r->spent_nanos / wanted, -1), 1) : 0;
    r->integral = fmin(fmax(r->integral + error, -10), 10);
    double move = KP * error + KI * r->integral + KD * (error - r->error);
    r->error = error;
    r->alpha = fmin(fmax(r->alpha * exp(move), ALPHA_MIN), ALPHA_MAX);
    r->spent_nanos = 0;
    r->auctions = 0;
}

static void rival_learn(struct qbid_sim_rival *r, uint64_t now_ns, double paid_nanos)
{
    if (r->rho_nanos <= 0)
        return;
    if (r->kind == QBID_SIM_RIVAL_LP) {
        double dual = 1 / r->alpha - (r->rho_nanos - paid_nanos) * LP_STEP / r->rho_nanos;
        r->alpha = fmin(fmax(1 / fmax(dual, 1e-9), ALPHA_MIN), ALPHA_MAX);
    } else if (r->kind == QBID_SIM_RIVAL_PID) {
        r->spent_nanos += paid_nanos;
        r->auctions++;
        if (now_ns >= r->step_ns) {
            pid_step(r);
            r->step_ns = now_ns + STEP_NS;
        }
    }
}

void qbid_sim_competitors_learn(struct qbid_sim_competitors *competitors,
                                const struct qbid_sim_auction *a, enum qbid_auction auction,
                                const float bid[QBID_SIM_RIVALS], float ours_micros)
{
    float price = 0;
    int who = winner(a, auction, bid, ours_micros, &price);
    for (int i = 0; i < QBID_SIM_RIVALS; i++)
        rival_learn(&competitors->rival[i], a->time_ns, who == i ? (double)price : 0);
}
