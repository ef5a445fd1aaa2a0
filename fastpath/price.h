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

/* Without floor and ceiling, bid = value x pace x q_ratio x shade_ratio, or the fixed price. */
struct qbid_offer {
    float worth; /* value x pace x q_ratio, micros */
    int64_t bid_micros;
    float q_ratio;
    uint32_t q_propensity_q32; /* UINT32_MAX = 1 */
    float shade_ratio;
    uint16_t q_state;
    uint8_t q_action;
};

/** A request's random word: its low half says whether to explore, the high one draws a creative. */
static inline uint64_t qbid_request_random(const struct qbid_image *image,
                                           const struct qbid_request *request)
{
    return qbid_roll_start(request->id_hash, image->header->seed);
}

static inline uint32_t qbid_random_creative(uint64_t random)
{
    return (uint32_t)(random >> 32);
}

/* Which action a decision that explores takes: of the word mixed once more, so that it says nothing
 * of the creative. */
static inline uint32_t qbid_random_action(uint64_t random)
{
    return (uint32_t)(qbid_mix64(random) >> 32);
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
    size_t group = image->summaries[line_item_idx].q_group;
    return group * QBID_QSTATES + q_state;
}

/* A fixed price is bid as it is: no action is taken, and there is no choice to learn from. */
static inline struct qbid_offer qbid_offer_fixed(float price_micros, uint16_t q_state)
{
    return (struct qbid_offer){.worth = price_micros,
                               .bid_micros = qbid_micros_from_float(price_micros),
                               .q_ratio = 1.0f,
                               .q_propensity_q32 = UINT32_MAX,
                               .shade_ratio = 1.0f,
                               .q_state = q_state};
}

/**
 * Multiply the price by the winner's Q action and shade it to the market.
 *
 * Shapes:  price_micros = qbid_pace_price(), finite and > 0; segment < image->segment_cnt; q_place
 *          that of the line item in q_state; random that of the request.
 * Threads: wait-free, no writes.
 * Cost:    the Q head's line and, in a first-price auction, one of the shade table.
 */
static inline struct qbid_offer qbid_offer_make(const struct qbid_image *image, size_t q_place,
                                                uint16_t q_state, float pace, float price_micros,
                                                uint32_t segment, enum qbid_auction auction,
                                                uint64_t random)
{
    if (__builtin_expect(pace < 0.0f, 0))
        return qbid_offer_fixed(price_micros, q_state);
    struct qbid_offer offer;
    const struct qbid_qhead *head = &image->qheads[q_place];
    uint32_t action = head->greedy;
    offer.q_state = q_state;
    offer.q_ratio = 1.0f;
    offer.q_propensity_q32 = qbid_qhead_greedy_q32(head);
    if (__builtin_expect(qbid_qhead_explores(head, (uint32_t)random), 0))
        offer.q_ratio = qbid_qhead_other(head, &image->qrows[q_place], qbid_random_action(random),
                                         &action, &offer.q_propensity_q32);
    offer.q_action = (uint8_t)action;

    float worth = price_micros * offer.q_ratio, bid = worth;
    offer.worth = worth;
    offer.shade_ratio = 1.0f;
    if (auction == QBID_AUCTION_FIRST_PRICE) {
        bid = qbid_shade_eval(&image->shades[segment], worth);
        offer.shade_ratio = bid / worth;
    }
    offer.bid_micros = qbid_micros_from_float(bid);
    return offer;
}

/**
 * Hold an offer between its floors and ceilings.
 *
 * A shaded bid below the floor is raised to it as long as the impression is worth the floor, or
 * whatever it is worth; ceilings come last.
 *
 * Returns: false when the result is below the floor or is no money at all.
 */
static inline bool qbid_offer_bound(struct qbid_offer *offer, int64_t floor_micros,
                                    int64_t ceiling_micros, bool whatever)
{
    if (__builtin_expect(offer->bid_micros < floor_micros, 0) &&
        (whatever || qbid_micros_from_float(offer->worth) >= floor_micros))
        offer->bid_micros = floor_micros;
    if (offer->bid_micros > ceiling_micros)
        offer->bid_micros = ceiling_micros;
    return offer->bid_micros >= floor_micros && offer->bid_micros > 0;
}

#endif
