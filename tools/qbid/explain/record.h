/* SPDX-License-Identifier: Apache-2.0 */
/* A line of `qbid-replay --answers`: request, answer, and of each bid what ext.qbid says. */
#ifndef QBID_TOOLS_QBID_EXPLAIN_RECORD_H
#define QBID_TOOLS_QBID_EXPLAIN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/qbid.h"
#include "tools/replay/text/buffer.h"

#define QBID_EXPLAIN_EXCHANGE_BYTES 64
#define QBID_EXPLAIN_CODE_BID 200 /* HTTP status of an answer with a bid */

/* What a replay must come to: of an answer as it is written, so ratios have six decimals. */
struct qbid_explain_facts {
    uint32_t line_item_id;
    uint32_t creative_id;
    uint32_t level;
    uint32_t q_action;
    int64_t price_micros; /* in the currency of the answer */
    int64_t value_micros;
    int64_t q_ratio_ppm;
    int64_t shade_ratio_ppm;
};

struct qbid_explain_bid {
    struct qbid_replay_span impid; /* escapes not resolved */
    bool has_impid;
    bool traced; /* ext.qbid has all that is below */
    struct qbid_explain_facts facts;
    uint64_t gen;
    uint64_t unix_s; /* 0 = not told */
    uint32_t qstate;
    uint32_t exposures; /* of the user that the answer counted */
    float pace;
};

struct qbid_explain_record {
    bool has_exchange;
    char exchange[QBID_EXPLAIN_EXCHANGE_BYTES];
    struct qbid_replay_span request; /* in the line */
    bool has_code;
    uint64_t code;   /* HTTP status; 0 = no answer came */
    uint64_t unix_s; /* 0 = not told */
    struct qbid_replay_buffer answer;
    unsigned bid_cnt;
    struct qbid_explain_bid bid[QBID_OPENRTB_IMPS_MAX];
};

/**
 * Read a line; an all-zero record may be used first, and each one again.
 *
 * Returns: 0; QBID_ERR_NOMEM; QBID_ERR_PARSE or LIMIT with *ret_why, a static text.
 * Shapes:  members: x (exchange, number or string), request, code, answer (string; read when code
 *          is QBID_EXPLAIN_CODE_BID), time (seconds since 1970); others are skipped.
 */
int qbid_explain_record_read(struct qbid_explain_record *record, const char *line, size_t len,
                             const char **ret_why);

void qbid_explain_record_done(struct qbid_explain_record *record);

#endif
