/* SPDX-License-Identifier: Apache-2.0 */
/* The truth of a generated market: what a click and a conversion are likely to be anywhere, and at
 * what level prices are. Drawn once from a seed; nobody in the market changes it.
 *
 *     ctr = base x effect of each dimension's value x interaction of place and geography
 *           x creative x age of the creative x fatigue by exposures x user
 *     cvr = the same kind of product with effects of its own
 *     order value = line item's x lifetime value of the user's segment
 *
 * The log-sd of effects are those of ALGORITHMS 2.1.
 */
#ifndef QBID_TOOLS_SIM_MARKET_MARKET_H
#define QBID_TOOLS_SIM_MARKET_MARKET_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/dims.h"
#include "shm/request.h"

#define QBID_SIM_LINE_ITEMS_MAX 32 /* of all campaigns */
#define QBID_SIM_CAMPAIGNS_MAX 8
#define QBID_SIM_CREATIVES 4    /* a line item */
#define QBID_SIM_VALUES_MAX 168 /* of one dimension */
#define QBID_SIM_HOURS 168

/* Values of each dimension. */
enum {
    QBID_SIM_EXCHANGES = 2,
    QBID_SIM_SLOTS = 3,
    QBID_SIM_POSITIONS = 2,
    QBID_SIM_DEVICES = 3,
    QBID_SIM_GEOS = 50,
    QBID_SIM_SITES = 20,
    QBID_SIM_SEGMENTS = 5,
    QBID_SIM_PLACES = QBID_SIM_SLOTS * QBID_SIM_POSITIONS,
    QBID_SIM_CELLS = QBID_SIM_DEVICES * QBID_SIM_PLACES * QBID_SIM_GEOS
};

/* Mean rates. Higher than on most of the web, so that a day of 150,000 auctions holds as much to
 * learn as one of a million where every 150th impression is clicked. */
#define QBID_SIM_BASE_CTR 0.05
#define QBID_SIM_BASE_CVR 0.15

/* What the exchange tells of a lost auction. */
enum qbid_sim_feedback {
    QBID_SIM_FULL,     /* a loss notice with the least price that would have won */
    QBID_SIM_WIN_ONLY, /* a loss notice without a price: won or lost is all that is known */
    QBID_SIM_NONE      /* no loss notice: silence until the time for notices is over */
};

struct qbid_sim_market_params {
    uint64_t seed;
    uint32_t auctions_a_day;
    uint32_t users;
    uint32_t campaigns;
    uint32_t line_items; /* a campaign */
    enum qbid_auction auction;
    enum qbid_sim_feedback feedback;
    double effect_sd;   /* all log-sd are multiplied by it; 1 = as stated, 0 = a flat market */
    double fatigue;     /* log of the rate lost by each exposure that is not forgotten */
    double delay_s;     /* mean of the time from a click to its conversion */
    double rival_share; /* of reacting competitors' money in the market, 0 = prices stand still */
    double noise;       /* log-sd of the traffic of an hour around its profile */
    const double *profile; /* share of each hour of the week, Monday 0; NULL = the built-in one */
};

/** Defaults: 150,000 auctions a day, two campaigns of five line items, second price, full feedback.
 */
struct qbid_sim_market_params qbid_sim_market_defaults(void);

/* Logs are to base 2. */
struct qbid_sim_rate_model {
    float base_lg;
    float effect_lg[QBID_DIM_CNT][QBID_SIM_VALUES_MAX];
    float interaction_lg[QBID_SIM_CELLS];
};

struct qbid_sim_line_item {
    struct qbid_sim_rate_model ctr, cvr;
    float creative_lg[QBID_SIM_CREATIVES];
    float ageing_lg[QBID_SIM_CREATIVES]; /* a day */
    double order_value_micros;
    uint32_t campaign;
    bool accepts[QBID_DIM_CNT][QBID_SIM_VALUES_MAX];
};

struct qbid_sim_market {
    struct qbid_sim_market_params params;
    struct qbid_sim_line_item line_item[QBID_SIM_LINE_ITEMS_MAX];
    uint32_t line_item_cnt;
    float ltv_lg[QBID_SIM_SEGMENTS];
    float price_lg[QBID_DIM_CNT][QBID_SIM_VALUES_MAX];
    double price_micros; /* median of the background's lower bulk in an average context */
};

/* What a strategy could know of an impression, and what it will come to if it is won. */
struct qbid_sim_auction {
    uint64_t time_ns; /* since the simulation began, a Monday 00:00 */
    uint64_t id;
    uint32_t user;
    uint8_t value[QBID_DIM_CNT]; /* value of each dimension, from 0 */
    float floor_micros;
    float background_micros;           /* highest price of those who do not react */
    float rival_micros[4];             /* what the impression is worth to each who does */
    float click, convert;              /* uniform draws: below the rate it happens */
    float order_lg;                    /* log2 of the order value around its mean */
    float click_wait, conversion_wait; /* exponential with mean 1 */
};

int qbid_sim_market_init(struct qbid_sim_market *market,
                         const struct qbid_sim_market_params *params);

/** Whether a line item's targeting takes the impression. */
static inline bool qbid_sim_eligible(const struct qbid_sim_line_item *li,
                                     const struct qbid_sim_auction *a)
{
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        if (!li->accepts[dim][a->value[dim]])
            return false;
    return true;
}

struct qbid_sim_rates {
    double ctr, cvr;
    double order_micros; /* mean order value */
    double value_nanos; /* expected value of the impression: ctr cvr order, in nanos (CPM micros) */
};

/** True rates of an impression of a creative. user_lg: what is particular to the user; exposures:
 * how often he saw the campaign, decayed. Cost: about 50 ns. */
struct qbid_sim_rates qbid_sim_market_rates(const struct qbid_sim_market *market,
                                            uint32_t line_item, uint32_t creative,
                                            const struct qbid_sim_auction *a, float user_lg,
                                            float exposures);

/** log2 of a rate in a context: base, effects, interaction. */
float qbid_sim_market_rate_lg(const struct qbid_sim_rate_model *rate,
                              const uint8_t value[QBID_DIM_CNT]);
/** log2 of what a creative makes of the click rate at a time. */
float qbid_sim_market_creative_lg(const struct qbid_sim_line_item *li, uint32_t creative,
                                  uint64_t time_ns);
/** What exposures leave of the click rate. */
double qbid_sim_market_fatigue(const struct qbid_sim_market *market, float exposures);

/** Which of a line item's creatives is the best on a day. */
uint32_t qbid_sim_market_best_creative(const struct qbid_sim_market *market, uint32_t line_item,
                                       uint64_t time_ns);

/** log2 of the price level of an impression. */
static inline float qbid_sim_market_price_lg(const struct qbid_sim_market *market,
                                             const uint8_t value[QBID_DIM_CNT])
{
    float lg = 0;
    for (unsigned dim = 0; dim < QBID_DIM_CNT; dim++)
        lg += market->price_lg[dim][value[dim]];
    return lg;
}

/** Values of a dimension in this market. */
uint32_t qbid_sim_dim_values(unsigned dim);

/** Raw value of a dimension as a request has it, e.g. "banner:300x250". */
void qbid_sim_dim_text(unsigned dim, uint32_t value, char out[32]);

#endif
