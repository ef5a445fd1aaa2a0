/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of qbid-replay. */
#ifndef QBID_TOOLS_REPLAY_OPTIONS_H
#define QBID_TOOLS_REPLAY_OPTIONS_H

#include <stdio.h>

#include "tools/replay/notice/notice.h"
#include "tools/replay/source/source.h"

#define QBID_REPLAY_OPTIONS_LOGS_MAX 64
#define QBID_REPLAY_OPTIONS_MESSAGE_BYTES 256

struct qbid_replay_options {
    const char *url;
    const char *logs[QBID_REPLAY_OPTIONS_LOGS_MAX];
    size_t logs_cnt;
    bool skip_damaged;
    const struct qbid_replay_ipinyou_campaign *campaign; /* NULL: all */
    double ctr;
    uint64_t seed;
    double duration_s; /* 0: no limit */
    struct qbid_replay_source_terms source;
    struct qbid_replay_split tune_split;
    struct qbid_replay_request_terms request;
    struct qbid_replay_notice_terms notices;
    double rate; /* requests a second, 0: as fast as answers come */
    unsigned connections;
    uint64_t timeout_ns;
    uint64_t notice_timeout_ns;
    uint64_t late_ns;
    const char *answers;
    uint64_t answers_every;
    bool json;
    bool quiet;
    bool baselines;
    /* The budget of the baselines: nanos, or a fraction of what the rows cost when budget_over is
     * not 0. */
    int64_t budget_nanos;
    uint64_t budget_part, budget_over;
    int64_t flat_bid_micros;
    bool help, version; /* nothing else is wanted */
};

/**
 * Read the command line.
 *
 * Returns: 0. Texts point into argv.
 * Errors:  QBID_ERR_INVAL; message names the option and what it takes.
 */
int qbid_replay_options_parse(int argc, char *const *argv, struct qbid_replay_options *ret_options,
                              char message[QBID_REPLAY_OPTIONS_MESSAGE_BYTES]);

/** Print the help text. */
void qbid_replay_options_help(FILE *out);

#endif
