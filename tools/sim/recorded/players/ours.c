/* SPDX-License-Identifier: Apache-2.0 */
/* Between the replay and control/models: keeps the sample, steps the pacer, bids. */
#include "tools/sim/recorded/players/ours.h"

#include <stdlib.h>
#include <string.h>

#include "shm/error.h"

#define REFRESHES 96     /* of the sorted sample in a flight, at most */
#define SHARE_RENEWED 64 /* and only when that part of it is new */

static void market_make(struct qbid_recorded_ours *ours)
{
    struct qbid_market market;
    memcpy(ours->point, ours->sample, ours->sample_cnt * sizeof *ours->point);
    (void)qbid_market_init(ours->point, ours->sample_cnt, NULL, &market);
    qbid_resolving_build(&market, &ours->resolving);
    ours->fresh = 0;
}

static void sample_add(struct qbid_recorded_ours *ours, struct qbid_market_point point)
{
    ours->sample[ours->sample_next] = point;
    ours->sample_next = (ours->sample_next + 1) % QBID_RECORDED_OURS_SAMPLES;
    if (ours->sample_cnt < QBID_RECORDED_OURS_SAMPLES)
        ours->sample_cnt++;
}

/* Evenly picked over the train part, which a bid above all prices has won. */
static void train_take(struct qbid_recorded_ours *ours, const struct qbid_recorded_log *log)
{
    uint64_t all = qbid_recorded_replay_auctions(log, 0, log->train_cnt), at = 0;
    uint64_t most = QBID_RECORDED_OURS_SAMPLES;
    for (uint32_t i = 0; i < log->train_cnt; i++) {
        const struct qbid_recorded_auction *a = &log->auction[i];
        if (a->is_case)
            continue;
        if (all <= most || at * most / all != (at + 1) * most / all)
            sample_add(ours, (struct qbid_market_point){.value_micros = a->value * ours->unit,
                                                        .price_micros = a->price,
                                                        .kind = QBID_MARKET_SEEN});
        at++;
    }
}

int qbid_recorded_ours_init(struct qbid_recorded_ours *ours, const struct qbid_recorded_log *log)
{
    *ours = (struct qbid_recorded_ours){.params = qbid_pacing_defaults()};
    ours->unit = log->train_cost / log->train_all / log->value_mean;
    ours->sample = calloc(QBID_RECORDED_OURS_SAMPLES, sizeof *ours->sample);
    ours->point = calloc(QBID_RECORDED_OURS_SAMPLES, sizeof *ours->point);
    if (!ours->sample || !ours->point) {
        qbid_recorded_ours_done(ours);
        return QBID_ERR_NOMEM;
    }
    train_take(ours, log);
    market_make(ours);
    return 0;
}

void qbid_recorded_ours_done(struct qbid_recorded_ours *ours)
{
    free(ours->sample);
    free(ours->point);
    *ours = (struct qbid_recorded_ours){0};
}

static void pace_step(struct qbid_recorded_ours *ours)
{
    struct qbid_pacing_in in = {.mode = QBID_PACING_EVEN,
                                .budget_nanos = ours->budget,
                                .spent_nanos = ours->spent,
                                .plan_done = (double)ours->done / ours->auctions,
                                .plan_step = (double)ours->period / ours->auctions,
                                .auctions = ours->done,
                                .demand_forecast = ours->auctions,
                                .resolving = &ours->resolving};
    ours->pacing = qbid_pacing_step(&ours->params, &in, ours->pacing);
}

static void ours_start(void *self, double budget, uint32_t auctions)
{
    struct qbid_recorded_ours *ours = self;
    ours->budget = budget;
    ours->spent = 0;
    ours->auctions = auctions;
    ours->done = 0;
    ours->period = (auctions + QBID_RECORDED_OURS_PERIODS - 1) / QBID_RECORDED_OURS_PERIODS;
    ours->refresh = ours->period * (QBID_RECORDED_OURS_PERIODS / REFRESHES);
    if (ours->refresh < ours->sample_cnt / SHARE_RENEWED)
        ours->refresh = ours->sample_cnt / SHARE_RENEWED;
    /* as a new flight begins in control/learn/pacing/pace.c */
    double pace = qbid_resolving_alpha_budget(&ours->resolving, budget / auctions);
    ours->pacing = qbid_pacing_start(&ours->params, pace);
    pace_step(ours);
}

static double ours_bid(void *self, double value, double budget_left, uint32_t left)
{
    const struct qbid_recorded_ours *ours = self;
    (void)left;
    double bid = ours->pacing.pace * ours->unit * value;
    return bid <= budget_left ? bid : -1; /* the reservation of the fast path */
}

static void ours_tell(void *self, double value, double bid, int won, double price)
{
    struct qbid_recorded_ours *ours = self;
    if (bid >= 0)
        sample_add(ours,
                   (struct qbid_market_point){.value_micros = value * ours->unit,
                                              .price_micros = won ? price : bid,
                                              .kind = won ? QBID_MARKET_SEEN : QBID_MARKET_LOST});
    ours->spent += price;
    ours->done++;
    if (++ours->fresh >= ours->refresh)
        market_make(ours);
    if (ours->done % ours->period == 0)
        pace_step(ours);
}

struct qbid_recorded_player qbid_recorded_ours_player(struct qbid_recorded_ours *ours)
{
    return (struct qbid_recorded_player){ours, ours_start, ours_bid, ours_tell};
}
