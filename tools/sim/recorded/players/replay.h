/* SPDX-License-Identifier: Apache-2.0 */
/* Replays recorded auctions against a strategy: second price, a budget for each flight. */
#ifndef QBID_TOOLS_SIM_RECORDED_PLAYERS_REPLAY_H
#define QBID_TOOLS_SIM_RECORDED_PLAYERS_REPLAY_H

#include "tools/sim/recorded/logs/log.h"

#define QBID_RECORDED_BLOCKS_MAX 4096

/* What a strategy sees and says. Money in the log's unit of price. */
struct qbid_recorded_player {
    void *self;
    /** A flight of so many auctions begins. */
    void (*start)(void *self, double budget, uint32_t auctions);
    /** Bid on an auction of this value; left counts it and those after it in the flight. */
    double (*bid)(void *self, double value, double budget_left, uint32_t left);
    /** How it ended; the price is told to the winner alone. May be NULL. */
    void (*tell)(void *self, double value, double bid, int won, double price);
};

/* Sums over auctions, and over blocks of consecutive ones: what intervals are drawn from. */
struct qbid_recorded_tally {
    double clicks;
    double expected; /* sum of values won */
    double cost;
    uint32_t wins;
};
struct qbid_recorded_result {
    struct qbid_recorded_tally all;
    struct qbid_recorded_tally *block; /* block_cnt, the caller's; NULL = not wanted */
    uint32_t block_cnt;
};

struct qbid_recorded_flights {
    const struct qbid_recorded_log *log;
    uint32_t from, to; /* auctions [from, to) */
    uint32_t episode;  /* auctions of a flight; 0 = one flight of all */
    double budget;     /* of them all: each flight gets its share by auctions */
};

/**
 * Replay.
 *
 * A bid wins when it reaches the price and the budget left does; it pays the price. A bid above the
 * budget left counts as one of all that is left. A case counts as a click where it would be won,
 * and is not told.
 *
 * Shapes:  ret_result->block and block_cnt are given: block i takes the auctions whose place among
 *          them all is in [i, i + 1) / block_cnt.
 * Threads: pure but for the player.
 */
void qbid_recorded_replay(const struct qbid_recorded_flights *flights,
                          const struct qbid_recorded_player *player,
                          struct qbid_recorded_result *ret_result);

/* --- parts of it, for who knows beforehand which auctions are won */

/** Count an auction that is won in all and in block (NULL = none). */
void qbid_recorded_tally_win(const struct qbid_recorded_auction *auction,
                             struct qbid_recorded_tally *all, struct qbid_recorded_tally *block);

/** Block of the auction with `done` ones before it, of `cnt`; NULL without blocks. */
struct qbid_recorded_tally *qbid_recorded_result_block(const struct qbid_recorded_result *result,
                                                       uint32_t done, uint32_t cnt);

/** Set all sums to 0. */
void qbid_recorded_result_clear(struct qbid_recorded_result *result);

/** Auctions of [from, to) that are no cases. */
uint32_t qbid_recorded_replay_auctions(const struct qbid_recorded_log *log, uint32_t from,
                                       uint32_t to);

#endif
