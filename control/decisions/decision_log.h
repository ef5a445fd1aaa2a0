/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the decision log (decision_record.h): a bounded number of files, the oldest leaves first.
 */
#ifndef QBID_CONTROL_DECISIONS_DECISION_LOG_H
#define QBID_CONTROL_DECISIONS_DECISION_LOG_H

#include <stdint.h>

#include "control/decisions/decision_record.h"
#include "control/ingest/outcome.h"

#define QBID_DECISION_FILES 8 /* that share the room */

struct qbid_decision_log; /* opaque */

struct qbid_decision_log_params {
    const char *folder; /* made when it is missing */
    uint64_t bytes_max; /* of all files together, at least 1 MiB */
    double share;       /* of bids that are kept, in (0, 1]: by their nonce, notices with them */
    uint32_t row_max;   /* Q rows remembered: groups x QBID_QSTATES */
};

struct qbid_decision_counters {
    uint64_t records; /* written in this life */
    uint64_t lost;    /* could not be written: the disk refused */
    uint64_t bytes;   /* of all files now */
    uint64_t files;
};

/**
 * Begin a new file behind those that are there.
 *
 * Returns: 0 and *ret_log; SYS (errno), NOMEM, INVAL.
 */
int qbid_decision_log_new(const struct qbid_decision_log_params *params,
                          struct qbid_decision_log **ret_log);
/** Writes what waits. */
void qbid_decision_log_free(struct qbid_decision_log *log);

/** Note an outcome of a bid that is kept, with its Q group; others cost a hash. */
void qbid_decision_log_post(struct qbid_decision_log *log, const struct qbid_outcome *outcome,
                            uint16_t q_group, uint64_t unix_ms);

/** Note what the pace of a bid that is about to be posted is made of; the caller does so once a
 * file for each pace. */
void qbid_decision_log_pace(struct qbid_decision_log *log, const struct qbid_outcome *bid,
                            const struct qbid_pace_terms *terms, uint64_t unix_ms);

/** Number of the file that is written. */
uint64_t qbid_decision_log_file(const struct qbid_decision_log *log);

/** Note the Q rows that a generation changes: groups x QBID_QSTATES of them. */
void qbid_decision_log_rows(struct qbid_decision_log *log, uint32_t gen,
                            const struct qbid_qrow *rows, uint32_t group_cnt, uint64_t unix_ms);

/** Write what waits: a kill of the process loses what came since. SYS when the disk refuses; what
 *  waited is then counted as lost, the caller goes on. */
int qbid_decision_log_flush(struct qbid_decision_log *log);

struct qbid_decision_counters qbid_decision_log_counters(const struct qbid_decision_log *log);

#endif
