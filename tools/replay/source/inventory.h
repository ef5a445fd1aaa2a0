/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of generated traffic: domains, sizes, floors, and how well each is clicked. */
#ifndef QBID_TOOLS_REPLAY_SOURCE_INVENTORY_H
#define QBID_TOOLS_REPLAY_SOURCE_INVENTORY_H

#include <stddef.h>
#include <stdint.h>

#define QBID_REPLAY_INVENTORY_DOMAINS 1500
#define QBID_REPLAY_INVENTORY_SLOTS_PER_DOMAIN_MAX 4
#define QBID_REPLAY_INVENTORY_SIZES 14

struct qbid_replay_slot {
    uint64_t tag;      /* identity of the slot */
    double cumulative; /* share of the traffic up to and with this slot */
    double effect;     /* factor on the click rate: exchange x size x visibility x domain x slot */
    double quality;    /* what moves its prices: mean 0, variance 1 over the traffic */
    uint32_t domain;   /* 0 is the busiest */
    uint32_t exchange; /* 1..4 */
    uint32_t size;     /* index below QBID_REPLAY_INVENTORY_SIZES */
    uint32_t width, height; /* of that size */
    uint32_t floor_fen;
    const char *visibility; /* the log's word */
};

struct qbid_replay_inventory {
    struct qbid_replay_slot *slots;
    size_t slots_cnt;
};

/**
 * Lay out the slots of a seed: domains fall off like rank^-0.9, each has 1 to 4 slots.
 *
 * Returns: 0; to be released with qbid_replay_inventory_done.
 * Errors:  QBID_ERR_NOMEM.
 */
int qbid_replay_inventory_init(struct qbid_replay_inventory *inventory, uint64_t seed);

void qbid_replay_inventory_done(struct qbid_replay_inventory *inventory);

/** The slot that owns the point of [0, 1) on the cumulative scale. */
const struct qbid_replay_slot *
qbid_replay_inventory_find(const struct qbid_replay_inventory *inventory, double point);

#endif
