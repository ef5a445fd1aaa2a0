/* SPDX-License-Identifier: Apache-2.0 */
/* `qbid explain --check`: every bid of recorded answers is made again with the generation, pace,
 * Q state and time that it carries. A bid that was made of two generations does not come out again.
 *
 * An answer does not carry the paces of the line items that it did not choose, nor what allowance
 * they had. Where the replay ranks another one first, the line item that bid is decided alone: its
 * targeting, level, value, Q action, shading, price and creative are compared all the same, its
 * rank is taken as given. Such bids are equal, and counted beside.
 */
#ifndef QBID_TOOLS_QBID_EXPLAIN_CHECK_H
#define QBID_TOOLS_QBID_EXPLAIN_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shm/request.h"
#include "tools/qbid/explain/options.h"
#include "tools/qbid/explain/record.h"
#include "tools/replay/text/buffer.h"

#define QBID_EXPLAIN_DIFFERENCES_MAX 5 /* are kept; all are counted */
#define QBID_EXPLAIN_IMPID_BYTES 64

/* A bid that the replay does not give. */
struct qbid_explain_difference {
    uint64_t line; /* of the file, from 1 */
    uint64_t gen;
    char impid[QBID_EXPLAIN_IMPID_BYTES]; /* cut where it is longer */
    struct qbid_explain_facts answered;
    enum qbid_nobid nobid; /* of the replay; NONE = replayed is set */
    const char *reason;    /* of a replay without a bid */
    struct qbid_explain_facts replayed;
};

struct qbid_explain_verdict {
    uint64_t lines;
    uint64_t without_bid; /* lines */
    uint64_t damaged;     /* lines that could not be read */
    uint64_t left_out;    /* lines outside the sample */
    uint64_t checked;     /* bids = equal + different */
    uint64_t equal;
    uint64_t equal_alone; /* of equal: the rank was taken as given */
    uint64_t different;
    uint64_t unknown_gen; /* bids whose generation has no usable file */
    uint64_t untraced;    /* bids without all of ext.qbid */
    unsigned difference_cnt;
    struct qbid_explain_difference difference[QBID_EXPLAIN_DIFFERENCES_MAX];
};

/**
 * Check a file of answers.
 *
 * Returns: 0 with *ret_verdict, whatever it says; a negative error after a message on err.
 */
int qbid_explain_check(const struct qbid_explain_options *options, FILE *err,
                       struct qbid_explain_verdict *ret_verdict);

/** Whether at least one bid was checked and all that is in the file came out equal. */
bool qbid_explain_verdict_good(const struct qbid_explain_verdict *verdict);

void qbid_explain_verdict_table(struct qbid_replay_buffer *out,
                                const struct qbid_explain_options *options,
                                const struct qbid_explain_verdict *verdict);
void qbid_explain_verdict_json(struct qbid_replay_buffer *out,
                               const struct qbid_explain_options *options,
                               const struct qbid_explain_verdict *verdict);

#endif
