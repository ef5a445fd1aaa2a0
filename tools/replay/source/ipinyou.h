/* SPDX-License-Identifier: Apache-2.0 */
/* What is published about the nine iPinYou campaigns, and our fit of their market prices. */
#ifndef QBID_TOOLS_REPLAY_SOURCE_IPINYOU_H
#define QBID_TOOLS_REPLAY_SOURCE_IPINYOU_H

#include <stddef.h>
#include <stdint.h>

#define QBID_REPLAY_IPINYOU_CNT 9
/* The log's highest bid is 300 fen, so no market price above it was ever recorded. */
#define QBID_REPLAY_PRICE_FEN_MAX 300
#define QBID_REPLAY_IPINYOU_CURVES 3
#define QBID_REPLAY_IPINYOU_SPIKES 8

/* Facts: totals of the published training sets. Fit: market price in fen ~ three lognormal curves
 * cut at 300.5 plus single prices ("spikes": usual floors) with a weight of their own. Ours, by
 * expectation maximisation on the published histograms; within 0.03 fen of their means, Kolmogorov
 * distance <= 0.022. */
struct qbid_replay_ipinyou_campaign {
    const char *id;
    uint64_t impressions;
    uint64_t clicks;
    uint64_t cost_fen;   /* sum of paying prices, fen CPM */
    uint32_t mobile_ppm; /* share of phones and tablets: our estimate, not published */
    struct {
        double weight, mu, sigma;
    } curves[QBID_REPLAY_IPINYOU_CURVES];
    struct {
        uint32_t price_fen;
        double weight;
    } spikes[QBID_REPLAY_IPINYOU_SPIKES]; /* weight 0 ends the list */
};

extern const struct qbid_replay_ipinyou_campaign
    qbid_replay_ipinyou_campaigns[QBID_REPLAY_IPINYOU_CNT];

/** Returns: the campaign with that id, or NULL. */
const struct qbid_replay_ipinyou_campaign *qbid_replay_ipinyou_find(const char *id);

/**
 * Cumulative distribution of a campaign's market price.
 *
 * Units:   cdf[p] is the probability of a price of at most p fen; cdf[0] is 0, the last is 1.
 */
void qbid_replay_ipinyou_prices(const struct qbid_replay_ipinyou_campaign *campaign,
                                double cdf[QBID_REPLAY_PRICE_FEN_MAX + 1]);

#endif
