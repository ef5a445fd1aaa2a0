/* SPDX-License-Identifier: Apache-2.0 */
/* What happened, once: an event that was checked, deduplicated and joined with its bid. */
#ifndef QBID_CONTROL_INGEST_OUTCOME_H
#define QBID_CONTROL_INGEST_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/event.h"

/* Beside enum qbid_event_kind: a bid for which no win, loss or bill came within the notice time. */
#define QBID_OUTCOME_EXPIRED 100

struct qbid_outcome {
    uint64_t time_ns;     /* CLOCK_BOOTTIME of the event */
    uint64_t bid_time_ns; /* of its bid */
    uint64_t nonce;
    uint64_t context;      /* packed */
    uint64_t exposure_key; /* qbid_frequency_key() of EXPOSE and of a bid that is counted, else 0 */
    int64_t bid_nanos;
    int64_t
        price_nanos; /* WIN, BILL: clearing price; LOSS: minimum to win, 0 = unknown; CONV: value */
    uint32_t line_item_id;
    uint32_t line_item_idx;
    uint32_t budget_idx;
    uint32_t creative_id;
    uint32_t gen;
    /* of the bid, when it could be joined (joined = true), else 0 */
    float value_micros; /* in the row, before pacing */
    float pace;         /* below 0: a fixed price, qbid_pace_price() */
    float propensity;
    float creative_share; /* probability with which the creative was drawn */
    uint16_t code;        /* LOSS: enum qbid_loss; VIDEO: its event */
    uint16_t q_state;
    uint16_t segment;
    uint16_t worker_slot;
    uint16_t worker_uid;
    uint8_t kind; /* enum qbid_event_kind or QBID_OUTCOME_EXPIRED */
    uint8_t level;
    uint8_t privacy; /* enum qbid_privacy_class of the request */
    uint8_t action;
    uint8_t exposures; /* where there is a key: those counted before this bid */
    uint8_t flags;     /* enum qbid_event_flag */
    bool joined;
    bool first_win; /* WIN, BILL: nothing said before that this bid won */
};

#endif
