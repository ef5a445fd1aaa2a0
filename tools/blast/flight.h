/* SPDX-License-Identifier: Apache-2.0 */
/* One run: requests out, answers in, both counted. */
#ifndef QBID_TOOLS_BLAST_FLIGHT_H
#define QBID_TOOLS_BLAST_FLIGHT_H

#include <stdint.h>
#include <stdio.h>

#include "tools/blast/request.h"
#include "tools/replay/results/histogram.h"

struct qbid_blast_stats {
    uint64_t sent, answered; /* sent = answered + lost, of those that are not cut */
    uint64_t cut, cut_answered;
    uint64_t bids, nobids, wrong, lost;
    uint64_t stray; /* answers to nothing that is under way: late, or twice */
    uint64_t sent_bytes, received_bytes;
    double seconds;
    const char *why; /* of the first wrong answer */
    struct qbid_replay_histogram latency;
};

/**
 * Run to the end of the options' count or time, and until every answer has come or is overdue.
 *
 * Returns: 0 with *ret_stats; QBID_ERR_SYS with errno. answers may be NULL.
 */
int qbid_blast_fly(const struct qbid_blast_options *options, FILE *answers,
                   struct qbid_blast_stats *ret_stats);

/** Echo datagrams on options->to until a signal ends the process. Returns QBID_ERR_SYS. */
int qbid_blast_serve(const struct qbid_blast_options *options);

#endif
