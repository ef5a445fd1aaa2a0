/* SPDX-License-Identifier: Apache-2.0 */
/* From a price to an offer: Q action, shading, floor, ceiling last. */
#ifndef QBID_FASTPATH_PRICE_H
#define QBID_FASTPATH_PRICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/image.h"
#include "shm/live.h"
#include "shm/request.h"

/* Places in a request's random stream, see qbid_roll(). */
enum qbid_roll_use { QBID_ROLL_Q = 0, QBID_ROLL_CREATIVE = 1 };

/* Without floor and ceiling, bid = value x pace x q_ratio x shade_ratio, or the fixed price. */
struct qbid_offer {
    int64_t worth_micros; /* value x pace x q_ratio */
    int64_t bid_micros;
    float q_ratio;
    float q_propensity;
    float shade_ratio;
    uint16_t q_state;
    uint8_t q_action;
};

/** Probability as Q0.32; 1 and above give UINT32_MAX. */
static inline uint32_t qbid_q32_from_float(float probability)
{
    return probability < 1.0f ? (uint32_t)((double)probability * 4294967296.0) : UINT32_MAX;
}

/* State of a line item's Q group as control last saw it; one that no Q group has counts as 0. */
static inline uint16_t qbid_offer_q_state(const struct qbid_live *live, uint32_t line_item_idx)
{
    uint32_t state = atomic_load_explicit(&live->qstate[line_item_idx], memory_order_relaxed);
    return (uint16_t)(state < QBID_QSTATES ? state : 0);
}

/* Place of a line item's Q row, and of its head. */
static inline size_t qbid_offer_q_place(const struct qbid_image *image, uint32_t line_item_idx,
                                        uint16_t q_state)
{
    size_t group = image->line_items[line_item_idx].q_group;
    return group * QBID_QSTATES + q_state;
}

/* A fixed price is bid as it is: no action is taken, and there is no choice to learn from. */
static inline struct qbid_offer qbid_offer_fixed(float price_micros, uint16_t q_state)
{
    int64_t micros = qbid_micros_from_float(price_micros);
    return (struct qbid_offer){.worth_micros = micros,
                               .bid_micros = micros,
                               .q_ratio = 1.0f,
                               .q_propensity = 1.0f,
                               .shade_ratio = 1.0f,
                               .q_state = q_state};
}

/**
 * Multiply the price by the winner's Q action and shade it to the market.
 *
 * Shapes:  price_micros = qbid_pace_price(), finite and > 0; segment < image->segment_cnt;
 * line_item_idx inside the live page; random uniform. Threads: wait-free, no writes. Cost:    the Q
 * head's line and, in a first-price auction, one of the shade table.
 */
static inline struct qbid_offer qbid_offer_make(const struct qbid_image *image,
                                                const struct qbid_live *live,
                                                uint32_t line_item_idx, float pace,
                                                float price_micros, uint32_t segment,
                                                enum qbid_auction auction, uint64_t random)
{
    struct qbid_offer offer;
    uint32_t action;
    offer.q_state = qbid_offer_q_state(live, line_item_idx);
    if (__builtin_expect(pace < 0.0f, 0))
        return qbid_offer_fixed(price_micros, offer.q_state);
    size_t q = qbid_offer_q_place(image, line_item_idx, offer.q_state);
    offer.q_ratio =
        qbid_qhead_pick(&image->qheads[q], &image->qrows[q], random, &action, &offer.q_propensity);
    offer.q_action = (uint8_t)action;

    float worth = price_micros * offer.q_ratio, bid = worth;
    offer.shade_ratio = 1.0f;
    if (auction == QBID_AUCTION_FIRST_PRICE) {
        bid = qbid_shade_eval(&image->shades[segment], worth);
        offer.shade_ratio = bid / worth;
    }
    offer.worth_micros = qbid_micros_from_float(worth);
    offer.bid_micros = qbid_micros_from_float(bid);
    return offer;
}

/**
 * Hold an offer between its floors and ceilings.
 *
 * A shaded bid below the floor is raised to it as long as the impression is worth the floor;
 * ceilings come last.
 *
 * Returns: false when the result is below the floor or is no money at all.
 */
static inline bool qbid_offer_bound(struct qbid_offer *offer, int64_t floor_micros,
                                    int64_t ceiling_micros)
{
    if (offer->bid_micros < floor_micros && offer->worth_micros >= floor_micros)
        offer->bid_micros = floor_micros;
    if (offer->bid_micros > ceiling_micros)
        offer->bid_micros = ceiling_micros;
    return offer->bid_micros >= floor_micros && offer->bid_micros > 0;
}

#endif
