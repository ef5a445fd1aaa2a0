/* SPDX-License-Identifier: Apache-2.0 */
/* Users: where they live, what they use, how often they come, and how often they saw a campaign. */
#ifndef QBID_TOOLS_SIM_MARKET_AUDIENCE_H
#define QBID_TOOLS_SIM_MARKET_AUDIENCE_H

#include <stdint.h>

#include "tools/sim/market/market.h"
#include "tools/sim/random.h"

struct qbid_sim_user {
    float cvr_lg; /* particular to him, nobody can see it */
    uint8_t geo, segment, device;
};

struct qbid_sim_audience {
    struct qbid_sim_user *user;
    float *alias_share; /* alias method: users by activity */
    uint32_t *alias;
    uint32_t cnt;
};

/** Draw the users of a market. NOMEM. Source of the draw: Walker's alias method as Vose built it,
 * IEEE TSE 17(9), 1991. */
int qbid_sim_audience_init(struct qbid_sim_audience *audience,
                           const struct qbid_sim_market_params *params);
void qbid_sim_audience_done(struct qbid_sim_audience *audience);

/** A user, by activity. */
static inline uint32_t qbid_sim_audience_draw(const struct qbid_sim_audience *audience,
                                              struct qbid_sim_random *r)
{
    uint64_t word = qbid_sim_word(r);
    uint32_t i = (uint32_t)qbid_mulhi64(word, audience->cnt);
    float share = (float)(uint32_t)word * 0x1p-32f;
    return share < audience->alias_share[i] ? i : audience->alias[i];
}

/* Exposures of each user to each campaign, forgotten by half a day. What one strategy has shown. */
struct qbid_sim_exposures {
    struct qbid_sim_exposure {
        float cnt;
        uint32_t at_s;
    } * of; /* user x campaign */
    uint32_t campaigns;
    uint32_t cnt;
};

int qbid_sim_exposures_init(struct qbid_sim_exposures *exposures, uint32_t users,
                            uint32_t campaigns);
void qbid_sim_exposures_done(struct qbid_sim_exposures *exposures);
void qbid_sim_exposures_copy(struct qbid_sim_exposures *to, const struct qbid_sim_exposures *from);

/** How often, decayed to now. */
float qbid_sim_exposures_load(const struct qbid_sim_exposures *exposures, uint32_t user,
                              uint32_t campaign, uint64_t time_ns);
/** One more. */
void qbid_sim_exposures_add(struct qbid_sim_exposures *exposures, uint32_t user, uint32_t campaign,
                            uint64_t time_ns);

#endif
