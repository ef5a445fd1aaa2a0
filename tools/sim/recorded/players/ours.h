/* SPDX-License-Identifier: Apache-2.0 */
/* qbid itself as a player: its market sample and its pacer, fed as qbidd feeds them. */
#ifndef QBID_TOOLS_SIM_RECORDED_PLAYERS_OURS_H
#define QBID_TOOLS_SIM_RECORDED_PLAYERS_OURS_H

#include "control/models/pacing/pacing.h"
#include "tools/sim/recorded/players/replay.h"

#define QBID_RECORDED_OURS_SAMPLES 16384
#define QBID_RECORDED_OURS_PERIODS 1440 /* control periods of a flight: a day of minutes */

struct qbid_recorded_ours {
    double unit; /* prices a unit of value: what an impression is worth before pacing */
    struct qbid_market_point *sample; /* ring of the last auctions, as they were told */
    struct qbid_market_point *point;  /* the same, sorted: the market's */
    uint32_t sample_cnt, sample_next;
    struct qbid_resolving resolving; /* and its table */
    struct qbid_pacing_params params;
    struct qbid_pacing_state pacing;
    /* of the flight */
    double budget, spent;
    uint32_t auctions, done;
    uint32_t period;  /* auctions of a control period */
    uint32_t refresh; /* auctions after which the sample is sorted again */
    uint32_t fresh;   /* auctions since it was */
};

/** Start with the train part's auctions as the sample. Errors: QBID_ERR_NOMEM. */
int qbid_recorded_ours_init(struct qbid_recorded_ours *ours, const struct qbid_recorded_log *log);

void qbid_recorded_ours_done(struct qbid_recorded_ours *ours);

/**
 * As a player; it stays the caller's.
 *
 * It bids value x pace, never more than the budget left. Won auctions tell it their price, lost
 * ones that the price was higher; each control period is one qbid_pacing_step() on the sample.
 */
struct qbid_recorded_player qbid_recorded_ours_player(struct qbid_recorded_ours *ours);

#endif
