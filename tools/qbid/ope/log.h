/* SPDX-License-Identifier: Apache-2.0 */
/* Logged bids with their outcomes and the Q rows that they were drawn from. */
#ifndef QBID_TOOLS_QBID_OPE_LOG_H
#define QBID_TOOLS_QBID_OPE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "control/decisions/decision_files.h"

/* One bid. */
struct qbid_ope_bid {
    uint64_t nonce;
    uint64_t context;
    uint64_t unix_ms;
    int64_t bid_nanos;
    int64_t cost_nanos; /* of a win */
    double revenue;     /* of its conversions, currency units */
    float value_micros, pace, propensity, creative_share;
    uint32_t gen, line_item_id, creative_id;
    uint32_t conversions;
    uint16_t q_group;
    uint8_t q_state, action, flags, exposures, level, segment;
    bool closed; /* it is known whether it was won */
    bool won, shown, clicked;
};

/* A Q row and the first generation that has it. */
struct qbid_ope_row {
    uint32_t key; /* group x QBID_QSTATES + state */
    uint32_t gen;
    uint32_t order; /* of its being logged */
    struct qbid_qrow row;
};

struct qbid_ope_log {
    struct qbid_ope_bid *bid; /* by nonce */
    uint64_t bid_cnt;
    struct qbid_ope_row *row; /* by key, then order */
    uint32_t row_cnt;
    uint64_t open;   /* bids of which nothing is known yet: left out */
    uint64_t orphan; /* outcomes whose bid is no longer in the log */
    struct qbid_decision_reading reading;
    double share; /* of bids that were logged, of the last file */
};

/* What of a log is wanted. */
struct qbid_ope_wanted {
    uint32_t line_item_id; /* 0 = all */
    uint64_t since_ms;
};

/** Read a folder. SYS, NOMEM, VERSION (ret_log->reading.bad names the file). Release it always. */
int qbid_ope_log_read(const char *folder, const struct qbid_ope_wanted *wanted,
                      struct qbid_ope_log *ret_log);
void qbid_ope_log_done(struct qbid_ope_log *log);

/** The row that a bid's action was drawn from; NULL when the log does not have it. */
const struct qbid_qrow *qbid_ope_log_row(const struct qbid_ope_log *log,
                                         const struct qbid_ope_bid *bid);

/** The latest row of the same group and state. */
const struct qbid_qrow *qbid_ope_log_row_now(const struct qbid_ope_log *log,
                                             const struct qbid_ope_bid *bid);

#endif
