/* SPDX-License-Identifier: Apache-2.0 */
/* What will reach a bidder and when: notices of a simulated exchange in order of time. */
#ifndef QBID_TOOLS_SIM_MARKET_CALENDAR_H
#define QBID_TOOLS_SIM_MARKET_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

/* A bid as it left a strategy: what a token would carry, and what the strategy wants to know again.
 */
struct qbid_sim_bid {
    int64_t bid_micros;
    uint64_t time_ns; /* since the simulation began */
    uint64_t nonce;
    uint64_t context; /* packed; qbid only */
    uint64_t auction; /* its id */
    float value_micros;
    uint32_t gen;
    uint32_t line_item; /* index */
    uint32_t creative;  /* design, 0 .. QBID_SIM_CREATIVES - 1 */
    uint32_t creative_id;
    uint16_t worker;
    uint8_t flags;    /* enum qbid_event_flag */
    uint8_t value[8]; /* of the dimensions, as in the auction */
};

struct qbid_sim_notice {
    uint64_t due_ns;
    uint64_t number; /* order of those due together */
    struct qbid_sim_bid bid;
    int64_t
        price_nanos; /* WIN, BILL: clearing price; LOSS: least to win, 0 = not told; CONV: value */
    uint8_t kind;    /* enum qbid_event_kind */
};

/* A binary heap. */
struct qbid_sim_calendar {
    struct qbid_sim_notice *notice;
    uint32_t cnt, capacity;
    uint64_t numbered;
};

void qbid_sim_calendar_done(struct qbid_sim_calendar *calendar);

/** Put a notice down for its due_ns. NOMEM. */
int qbid_sim_calendar_add(struct qbid_sim_calendar *calendar, const struct qbid_sim_notice *notice);

/** Time of the next one; UINT64_MAX when there is none. */
static inline uint64_t qbid_sim_calendar_next(const struct qbid_sim_calendar *calendar)
{
    return calendar->cnt ? calendar->notice[0].due_ns : UINT64_MAX;
}

/** Take the next one out. Shapes: there is one. */
struct qbid_sim_notice qbid_sim_calendar_take(struct qbid_sim_calendar *calendar);

#endif
