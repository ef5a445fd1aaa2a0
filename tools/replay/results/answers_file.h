/* SPDX-License-Identifier: Apache-2.0 */
/* The --answers file: one line of JSON an auction, for later checks. */
#ifndef QBID_TOOLS_REPLAY_RESULTS_ANSWERS_FILE_H
#define QBID_TOOLS_REPLAY_RESULTS_ANSWERS_FILE_H

#include <stdio.h>

#include "tools/replay/auction/auction.h"
#include "tools/replay/http/pool.h"

struct qbid_replay_answers_file {
    FILE *file; /* NULL: nothing is recorded */
    uint64_t every;
    uint64_t seen;
    struct qbid_replay_buffer line;
};

/**
 * Begin a file; path may be NULL for none.
 *
 * Errors:  QBID_ERR_SYS, errno says why.
 */
int qbid_replay_answers_file_init(struct qbid_replay_answers_file *answers, const char *path,
                                  uint64_t every);

/**
 * Record one auction, or every K-th:
 * {"x":exchange,"request":{...},"code":200,"answer":"raw body","market":CPM,"floor":CPM,"click":0,
 *  "outcome":"win","loss":0,"bid":CPM,"settled":CPM,"latency_us":n}
 *
 * Shapes:  outcome is NULL for an answer that is no bid response. Without an answer the code is 0
 *          and the answer "".
 */
void qbid_replay_answers_file_add(struct qbid_replay_answers_file *answers,
                                  const struct qbid_replay_row *row,
                                  const struct qbid_replay_pool_event *event,
                                  const struct qbid_replay_outcome *outcome);

/** Write the rest and close. Returns: 0; QBID_ERR_SYS when a write failed, errno says why. */
int qbid_replay_answers_file_done(struct qbid_replay_answers_file *answers);

#endif
