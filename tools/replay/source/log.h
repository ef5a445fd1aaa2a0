/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded auctions: reads iPinYou log files, joins the clicked rows to the impressions. */
#ifndef QBID_TOOLS_REPLAY_SOURCE_LOG_H
#define QBID_TOOLS_REPLAY_SOURCE_LOG_H

#include <stddef.h>

#include "tools/replay/source/row.h"

/* Most files of one log, and most rows. */
#define QBID_REPLAY_LOG_FILES_MAX 256
#define QBID_REPLAY_LOG_ROWS_MAX UINT32_C(100000000)
/* A message with file, line and reason. */
#define QBID_REPLAY_LOG_MESSAGE_BYTES 512

struct qbid_replay_log;

/* What reading found. rows + joined + damaged = lines. */
struct qbid_replay_log_facts {
    size_t files;
    size_t lines;    /* lines that are not empty */
    size_t rows;     /* auctions */
    size_t clicks;   /* auctions with a click */
    size_t joined;   /* click lines whose bidid is an impression: they mark it and are no row */
    size_t repeated; /* rows whose bidid an earlier row of the same kind has */
    size_t damaged;  /* lines that were skipped */
};

/**
 * Read files and folders of recorded auctions.
 *
 * A folder stands for its imp*.txt, clk*.txt and train*.txt files in the order of their names.
 * Impressions come before clicks, then the order is that of the arguments and lines. A clk line
 * whose bidid is among the impressions marks the first such row as clicked and is no row of its
 * own; all other lines are rows, also those that repeat a bidid of their own kind.
 *
 * Returns: 0, *ret_log to be freed with qbid_replay_log_free.
 * Errors:  QBID_ERR_SYS (a file cannot be read); QBID_ERR_NOENT (nothing to read); QBID_ERR_PARSE
 *          (a damaged line; with skip_damaged it is counted instead); QBID_ERR_LIMIT;
 *          QBID_ERR_NOMEM. The message says which file and line.
 */
int qbid_replay_log_new(const char *const *paths, size_t paths_cnt, bool skip_damaged,
                        struct qbid_replay_log **ret_log,
                        char message[QBID_REPLAY_LOG_MESSAGE_BYTES]);

void qbid_replay_log_free(struct qbid_replay_log *log);

struct qbid_replay_log_facts qbid_replay_log_query(const struct qbid_replay_log *log);

/** Read row idx (below facts.rows) again; it was checked before, so this cannot fail. */
void qbid_replay_log_load(const struct qbid_replay_log *log, size_t idx,
                          struct qbid_replay_row *ret_row);

/** Whether row idx is a click line without an impression: one case of a case-control sample. */
bool qbid_replay_log_is_case(const struct qbid_replay_log *log, size_t idx);

#endif
