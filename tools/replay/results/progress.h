/* SPDX-License-Identifier: Apache-2.0 */
/* What a run says on stderr while it lasts: a bar on a terminal, else a line every few seconds. */
#ifndef QBID_TOOLS_REPLAY_RESULTS_PROGRESS_H
#define QBID_TOOLS_REPLAY_RESULTS_PROGRESS_H

#include <stdio.h>

#include "tools/replay/results/stats.h"

struct qbid_replay_progress {
    FILE *out; /* NULL: says nothing */
    bool is_terminal;
    uint64_t total;       /* auctions of the run, 0 when unknown */
    uint64_t duration_ns; /* of the run, 0 when unknown */
    uint64_t next_ns;     /* when to speak again */
    uint64_t last_ns;
    uint64_t last_auctions;
};

/** Begin; out is usually stderr. */
void qbid_replay_progress_init(struct qbid_replay_progress *progress, FILE *out, bool is_terminal,
                               uint64_t total, uint64_t duration_ns);

/** Speak if it is time. Call when now_ns reaches progress->next_ns, or more often. */
void qbid_replay_progress_tick(struct qbid_replay_progress *progress,
                               const struct qbid_replay_stats *stats, uint64_t now_ns);

/** Clear the bar. */
void qbid_replay_progress_done(struct qbid_replay_progress *progress);

#endif
