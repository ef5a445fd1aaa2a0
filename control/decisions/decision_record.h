/* SPDX-License-Identifier: Apache-2.0 */
/* The decision log: what was bid, with the probabilities of its random choices, and what came of
 * it.
 *
 *   state_dir/decisions/0000000001.qdl ...    records of 80 bytes, appended, each with a checksum
 *
 *   HEAD   first of every file: layout, share of bids that are kept
 *   ROW    the Q row of a group and state from a generation on; all of them at the head of a file,
 *          later those that changed
 *   PACE   what a line item's pace is made of: ahead of the first bid with it
 *   BID    one bid; then WIN LOSS BILL IMP CLICK CONV of the same nonce, or EXPIRED
 *
 * A file ends with the last record that is whole: what a crash left behind it is passed over. After
 * a crash events may be in it twice; readers take each nonce and kind once. No record holds an
 * identifier of a user: contexts are value indices, and a nonce is a number of ours.
 */
#ifndef QBID_CONTROL_DECISIONS_DECISION_RECORD_H
#define QBID_CONTROL_DECISIONS_DECISION_RECORD_H

#include <stdint.h>

#include "control/decisions/pace_terms.h"
#include "shm/event.h"
#include "shm/hash.h"
#include "shm/qtable.h"

#define QBID_DECISION_MAGIC UINT64_C(0x31474f4c44494251) /* "QBIDLOG1" */
#define QBID_DECISION_SUFFIX ".qdl"

/* Beside enum qbid_event_kind and QBID_OUTCOME_EXPIRED. */
enum qbid_decision_kind {
    QBID_DECISION_HEAD = 200,
    QBID_DECISION_ROW = 201,
    QBID_DECISION_PACE = 202
};

struct qbid_decision_record {
    uint32_t checksum; /* of the 76 bytes behind it */
    uint8_t kind;
    uint8_t level;
    uint8_t privacy;
    uint8_t flags; /* enum qbid_event_flag */
    uint64_t nonce;
    uint64_t unix_ms; /* of the event */
    uint32_t gen;     /* of the bid; ROW: the first with this row */
    uint32_t line_item_id;
    union {
        struct {
            uint64_t context;
            int64_t bid_nanos;
            uint32_t creative_id;
            float value_micros;   /* the row's x r(exposures), before pacing */
            float pace;           /* below 0: a fixed price, qbid_pace_price() */
            float propensity;     /* of the Q action */
            float creative_share; /* of the creative's draw */
            uint16_t q_group;
            uint8_t q_state;
            uint8_t action;
            uint8_t segment;
            uint8_t exposures;
            uint8_t pad[6];
        } bid;
        struct {
            int64_t price_nanos; /* WIN, BILL: clearing price; LOSS: minimum to win; CONV: value */
            uint64_t pad[5];
        } notice;
        struct {
            float ratio[QBID_QROW_ACTIONS];
            uint32_t explore_q32;
            uint16_t q_group;
            uint8_t q_state;
            uint8_t n;
            uint8_t greedy;
            uint8_t pad[7];
        } row;
        struct {
            float pace; /* as the bids with it have it */
            struct qbid_pace_terms terms;
            uint8_t pad[4];
        } pace;
        struct {
            uint64_t magic;
            uint32_t record_bytes;
            float share; /* of the bids that were kept */
            uint64_t pad[4];
        } head;
    } u;
};
_Static_assert(sizeof(struct qbid_decision_record) == 80, "record layout is a file format");
_Static_assert(offsetof(struct qbid_decision_record, u) == 32, "record layout is a file format");

static inline uint32_t qbid_decision_checksum(const struct qbid_decision_record *record)
{
    return (uint32_t)XXH3_64bits((const char *)record + sizeof record->checksum,
                                 sizeof *record - sizeof record->checksum);
}

#endif
