/* SPDX-License-Identifier: Apache-2.0 */
/* The run: auctions out at the asked rate, answers in, outcomes counted, notices sent. */
#ifndef QBID_TOOLS_REPLAY_EXCHANGE_H
#define QBID_TOOLS_REPLAY_EXCHANGE_H

#include "tools/replay/options.h"
#include "tools/replay/results/answers_file.h"
#include "tools/replay/results/progress.h"
#include "tools/replay/results/stats.h"

/* When no connection is open for so long, the run is usually given up. */
#define QBID_REPLAY_EXCHANGE_GONE_NS (UINT64_C(10) * 1000000000)
/* After the first interrupt: time for answers and notices that are on their way. */
#define QBID_REPLAY_EXCHANGE_DRAIN_NS (UINT64_C(2) * 1000000000)

struct qbid_replay_exchange_terms {
    const struct qbid_replay_options *options;
    struct qbid_replay_source *source;
    struct sockaddr_storage address;
    socklen_t address_len;
    const char *authority; /* for the Host header */
    const char *path;      /* of bid requests */
    int signal_fd; /* a signalfd: one signal ends the run in order, a second at once; -1 for none */
    uint64_t gone_ns; /* give up when no connection is open for so long */
    struct qbid_replay_answers_file *answers;
    struct qbid_replay_progress *progress;
};

/**
 * Replay the source.
 *
 * Returns: 0 at the end, or the number (> 0) of the signal that ended it. *ret_stats is written in
 *          any case; release it with qbid_replay_stats_done.
 * Errors:  QBID_ERR_CLOSED when the server cannot be reached at all, or no more; QBID_ERR_NOMEM;
 *          QBID_ERR_SYS.
 */
int qbid_replay_exchange_run(const struct qbid_replay_exchange_terms *terms,
                             struct qbid_replay_stats *ret_stats);

#endif
