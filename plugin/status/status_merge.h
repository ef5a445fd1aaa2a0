/* SPDX-License-Identifier: Apache-2.0 */
/* One Prometheus text out of the texts of several workers. */
#ifndef QBID_PLUGIN_STATUS_STATUS_MERGE_H
#define QBID_PLUGIN_STATUS_STATUS_MERGE_H

#include <stddef.h>

struct qbid_status_text {
    const char *at;
    size_t bytes;
    unsigned process; /* label of its samples */
};

/** Bytes that the merged text has at most. */
size_t qbid_status_merge_bound(const struct qbid_status_text *texts, unsigned n);

/**
 * Merge: each metric stands once, with the "#" lines of the first text that has it and the samples
 * of all texts behind them, each with a label process="N" added, as the exposition format asks.
 *
 * Shapes:  a text is a sequence of metrics, each with its "# HELP" or "# TYPE" line in front of its
 *          samples; n <= 128. out holds qbid_status_merge_bound() bytes.
 * Returns: bytes written.
 * Cost:    one pass when all texts have their metrics in the same order, else a search for each
 *          metric that is out of order.
 */
size_t qbid_status_merge(struct qbid_status_text *texts, unsigned n, char *out);

#endif
