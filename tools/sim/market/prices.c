/* SPDX-License-Identifier: Apache-2.0 */
/* The distribution that tools/sim/market/traffic.c draws prices from. */
#include "tools/sim/market/prices.h"

#include <math.h>

#include "tools/sim/market/traffic.h"

#define BIDS 257
#define BID_LG_MIN (-4.0)
#define BID_LG_STEP (9.0 / (BIDS - 1))
#define LEVEL_MIN (-3.0)
#define LEVEL_STEP 0.125
#define VALUE_MIN (-3.0)
#define VALUE_STEP 0.0625

static double normal_cdf(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

double qbid_sim_prices_win(const struct qbid_sim_market *market,
                           const struct qbid_sim_competitors *competitors, double place_lg,
                           double bid_micros)
{
    double lg = log2(bid_micros / market->price_micros), upper = QBID_SIM_UPPER_SHARE;
    double p = (1 - upper) * normal_cdf((lg - place_lg) / QBID_SIM_LOWER_SD_LG) +
               upper * normal_cdf((lg - place_lg - QBID_SIM_UPPER_LG) / QBID_SIM_UPPER_SD_LG);
    double hidden = 0; /* the hidden floors that the bid reaches, a third each */
    for (unsigned i = 0; i < QBID_SIM_SPIKES; i++)
        hidden += lg >= qbid_sim_spike_lg(i) ? 1.0 / QBID_SIM_SPIKES : 0;
    p *= 1 - QBID_SIM_SPIKE_SHARE + QBID_SIM_SPIKE_SHARE * hidden;
    for (unsigned i = 0; i < QBID_SIM_RIVALS; i++) {
        double alpha = competitors->rival[i].alpha * competitors->shade;
        double mean_lg = QBID_SIM_RIVAL_LG + QBID_SIM_RIVAL_FOLLOWS * place_lg;
        if (alpha > 0)
            p *= normal_cdf((lg - mean_lg - log2(alpha)) / QBID_SIM_RIVAL_SD_LG);
    }
    return p;
}

static void level_make(const double bid[BIDS], const double win[BIDS], double base_micros,
                       float out[QBID_SIM_PRICES_VALUES], float out_win[QBID_SIM_PRICES_VALUES])
{
    for (unsigned v = 0; v < QBID_SIM_PRICES_VALUES; v++) {
        double e = base_micros * exp2(VALUE_MIN + VALUE_STEP * v), best = 0;
        out[v] = (float)e;
        out_win[v] = 0;
        for (unsigned i = 0; i < BIDS && bid[i] < e; i++) {
            double surplus = (e - bid[i]) * win[i];
            if (surplus > best) {
                best = surplus;
                out[v] = (float)bid[i];
                out_win[v] = (float)win[i];
            }
        }
    }
}

void qbid_sim_prices_make(const struct qbid_sim_market *market,
                          const struct qbid_sim_competitors *competitors,
                          struct qbid_sim_prices *ret_prices)
{
    double bid[BIDS], win[BIDS];
    ret_prices->base_micros = market->price_micros;
    for (unsigned l = 0; l < QBID_SIM_PRICES_LEVELS; l++) {
        for (unsigned i = 0; i < BIDS; i++) {
            bid[i] = market->price_micros * exp2(BID_LG_MIN + BID_LG_STEP * i);
            win[i] = qbid_sim_prices_win(market, competitors, LEVEL_MIN + LEVEL_STEP * l, bid[i]);
        }
        level_make(bid, win, market->price_micros, ret_prices->bid[l], ret_prices->win[l]);
    }
}

double qbid_sim_prices_shade(const struct qbid_sim_prices *prices, double place_lg, double e_micros)
{
    double value = (log2(e_micros / prices->base_micros) - VALUE_MIN) / VALUE_STEP;
    double level = fmin(fmax((place_lg - LEVEL_MIN) / LEVEL_STEP, 0), QBID_SIM_PRICES_LEVELS - 1);
    value = fmin(fmax(value, 0), QBID_SIM_PRICES_VALUES - 1.001);
    unsigned l = (unsigned)lround(level), v = (unsigned)value;
    /* not between the two: where hidden floors make steps that would be just below one */
    const float *bid = prices->bid[l], *win = prices->win[l];
    double low = (e_micros - (double)bid[v]) * (double)win[v];
    double high = (e_micros - (double)bid[v + 1]) * (double)win[v + 1];
    return fmin((double)bid[high > low ? v + 1 : v], e_micros);
}
