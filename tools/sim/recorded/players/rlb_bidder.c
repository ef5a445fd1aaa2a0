/* SPDX-License-Identifier: Apache-2.0 */
/* RLB as a player: cuts a flight into the episodes that the programme was solved for. */
#include <math.h>
#include <stdlib.h>

#include "shm/error.h"
#include "tools/sim/recorded/players/rlb.h"

#define STATES_MAX 32e6
#define HEADROOM 1.25 /* of an episode's budget, for what earlier ones left */

int qbid_recorded_rlb_bidder_init(struct qbid_recorded_rlb_bidder *bidder,
                                  const struct qbid_recorded_log *log, double budget,
                                  uint32_t auctions)
{
    *bidder = (struct qbid_recorded_rlb_bidder){0};
    uint32_t episode = auctions < QBID_RECORDED_RLB_EPISODE ? auctions : QBID_RECORDED_RLB_EPISODE;
    double each = budget / auctions * (episode < auctions ? HEADROOM : 1);
    while (episode > 1 && each * episode * episode > STATES_MAX)
        episode /= 2;
    double *pmf = calloc(log->price_cnt, sizeof *pmf);
    if (!pmf)
        return QBID_ERR_NOMEM;
    qbid_recorded_rlb_smooth(log->prices, log->price_cnt, pmf);
    int err = qbid_recorded_rlb_init(&bidder->rlb, pmf, log->price_cnt, log->value_mean, episode,
                                     (uint32_t)(each * episode));
    free(pmf);
    return err;
}

void qbid_recorded_rlb_bidder_done(struct qbid_recorded_rlb_bidder *bidder)
{
    qbid_recorded_rlb_done(&bidder->rlb);
}

static void bidder_start(void *self, double budget, uint32_t auctions)
{
    struct qbid_recorded_rlb_bidder *b = self;
    (void)budget;
    b->auctions = auctions;
    b->episode = UINT32_MAX;
}

static double bidder_bid(void *self, double value, double budget_left, uint32_t left)
{
    struct qbid_recorded_rlb_bidder *b = self;
    uint32_t length = b->rlb.auctions, done = b->auctions - left;
    uint32_t in_episode = length - done % length;
    uint32_t t = in_episode < left ? in_episode : left;
    if (done / length != b->episode) {
        b->episode = done / length;
        b->reserve = budget_left - budget_left * t / left;
    }
    double budget = fmin(fmax(budget_left - b->reserve, 0), b->rlb.budget);
    return qbid_recorded_rlb_bid(&b->rlb, t, (uint32_t)budget, value);
}

struct qbid_recorded_player qbid_recorded_rlb_bidder_player(struct qbid_recorded_rlb_bidder *bidder)
{
    return (struct qbid_recorded_player){bidder, bidder_start, bidder_bid, NULL};
}
