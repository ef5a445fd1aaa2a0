/* SPDX-License-Identifier: Apache-2.0 */
/* Bids that are a fixed function of the value: constant, linear, ORTB; tuned on the train part. */
#ifndef QBID_TOOLS_SIM_RECORDED_PLAYERS_RULES_H
#define QBID_TOOLS_SIM_RECORDED_PLAYERS_RULES_H

#include "tools/sim/recorded/players/replay.h"

enum qbid_recorded_rule_kind {
    QBID_RECORDED_CONSTANT, /* base */
    QBID_RECORDED_LIN,      /* base * value / mean value */
    QBID_RECORDED_ORTB1,    /* best for a win rate of b / (c + b) at a price of spend, lambda */
    QBID_RECORDED_ORTB2,    /* best for b^2 / (c^2 + b^2) */
    QBID_RECORDED_RULES
};

struct qbid_recorded_rule {
    enum qbid_recorded_rule_kind kind;
    double base;   /* bid on an auction of mean value: what is tuned; it sets lambda */
    double mean;   /* value of the train part */
    double c;      /* of the win rate, ORTB */
    double lambda; /* follows from base, ORTB */
};

/** c of the win rate nearest to the train part's, by least squares over its prices. */
double qbid_recorded_rule_fit(const struct qbid_recorded_log *log,
                              enum qbid_recorded_rule_kind kind);

/** A rule that bids `base` on a mean value. c as fitted; ignored where the kind has none. */
struct qbid_recorded_rule qbid_recorded_rule_make(enum qbid_recorded_rule_kind kind, double base,
                                                  double mean, double c);

double qbid_recorded_rule_bid(const struct qbid_recorded_rule *rule, double value);

/** The rule as a player; it stays the caller's. */
struct qbid_recorded_player qbid_recorded_rule_player(struct qbid_recorded_rule *rule);

/**
 * The base with most expected clicks in a replay of the train part.
 *
 * Shapes:  budget is that of the test part; the train part gets as much by auction.
 * Returns: the best of a grid of 8 bases an octave over the prices, refined around it to 1/512
 *          octave; of equals the lowest.
 * Cost:    about 130 replays of the train part.
 */
struct qbid_recorded_rule qbid_recorded_rule_tune(const struct qbid_recorded_log *log,
                                                  enum qbid_recorded_rule_kind kind, double budget,
                                                  uint32_t episode);

#endif
