/* SPDX-License-Identifier: Apache-2.0 */
/* Generated auctions: seeded, with known click rates and the published iPinYou prices. */
#ifndef QBID_TOOLS_REPLAY_SOURCE_GENERATOR_H
#define QBID_TOOLS_REPLAY_SOURCE_GENERATOR_H

#include "tools/replay/source/ipinyou.h"
#include "tools/replay/source/row.h"

/* Highest true click rate of a row: above it rates are cut. */
#define QBID_REPLAY_GENERATOR_CTR_MAX 0.9

struct qbid_replay_generator_terms {
    uint64_t seed;
    const struct qbid_replay_ipinyou_campaign
        *campaign; /* NULL: all nine, mixed as their impressions */
    double ctr;    /* mean click rate; 0: the published one of the campaign */
};

struct qbid_replay_generator;

/**
 * Set up the slots, people, effects and prices of a seed.
 *
 * Returns: 0, *ret_generator to be freed with qbid_replay_generator_free.
 * Errors:  QBID_ERR_NOMEM; QBID_ERR_INVAL for a ctr outside [0, 0.5].
 */
int qbid_replay_generator_new(const struct qbid_replay_generator_terms *terms,
                              struct qbid_replay_generator **ret_generator);

void qbid_replay_generator_free(struct qbid_replay_generator *generator);

/**
 * Generate auction number idx: the same for every run with these terms, whatever came before.
 *
 * The true click rate is the mean rate x slot effect x person effect x device effect x (device,
 * size) effect / the mean of that product over the traffic; the row is clicked when its own draw
 * falls below. Market prices are the campaign's; they go with the slot's quality, not with its
 * click rate.
 */
void qbid_replay_generator_load(const struct qbid_replay_generator *generator, uint64_t idx,
                                struct qbid_replay_row *ret_row);

#endif
