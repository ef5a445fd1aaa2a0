/* SPDX-License-Identifier: Apache-2.0 */
/* Auctions as they come: by the hour of the week with noise, each with a user, a place and prices.
 */
#ifndef QBID_TOOLS_SIM_MARKET_TRAFFIC_H
#define QBID_TOOLS_SIM_MARKET_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/sim/market/audience.h"
#include "tools/sim/market/market.h"
#include "tools/sim/random.h"

/* The landscape of a place of price level 2^lg: the mixture 0.6 LN(0, 0.5) + 0.4 LN(1.2, 0.3) of
 * ALGORITHMS 3.2 around the market's median, hidden floors that make spikes, and the values that
 * reacting competitors multiply. Log-sd as log2. */
#define QBID_SIM_UPPER_SHARE 0.4
#define QBID_SIM_UPPER_LG (1.2 * M_LOG2E)
#define QBID_SIM_LOWER_SD_LG (0.5 * M_LOG2E)
#define QBID_SIM_UPPER_SD_LG (0.3 * M_LOG2E)
#define QBID_SIM_SPIKE_SHARE 0.12
#define QBID_SIM_SPIKES 3 /* at 1/2, 1 and 2 times the median */
#define QBID_SIM_RIVAL_LG 0.6
#define QBID_SIM_RIVAL_FOLLOWS 0.8
#define QBID_SIM_RIVAL_SD_LG (0.7 * M_LOG2E)

static inline double qbid_sim_spike_lg(unsigned spike)
{
    return (double)spike - 1;
}

struct qbid_sim_traffic {
    const struct qbid_sim_market *market;
    const struct qbid_sim_audience *audience;
    struct qbid_sim_random r;
    double rate_a_s[QBID_SIM_HOURS]; /* mean */
    double now_s, rate_now;          /* of the hour under way, noise included */
    uint64_t hour;                   /* since the beginning */
    uint64_t id;
};

/** Traffic from the beginning. A copy of the struct goes on from where it was taken. */
void qbid_sim_traffic_init(struct qbid_sim_traffic *traffic, const struct qbid_sim_market *market,
                           const struct qbid_sim_audience *audience);

/** The next auction, at Poisson times. The same from seed to seed, whatever is done with it. Cost:
 * about 0.2 us. */
void qbid_sim_traffic_next(struct qbid_sim_traffic *traffic, struct qbid_sim_auction *ret_auction);

/** Read a profile of 168 hours from a table `...,day,hour,share` with a header line, days 1 =
 * Monday to 7, summed over all other columns. SYS, PARSE. */
int qbid_sim_profile_load(const char *path, double ret_profile[QBID_SIM_HOURS]);

#endif
