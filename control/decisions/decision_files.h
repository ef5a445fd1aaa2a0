/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a decision log, and what is whole in them. */
#ifndef QBID_CONTROL_DECISIONS_DECISION_FILES_H
#define QBID_CONTROL_DECISIONS_DECISION_FILES_H

#include <stdint.h>

#include "control/decisions/decision_record.h"

struct qbid_decision_files {
    struct {
        uint64_t number, bytes;
    } * file; /* by number, ascending */
    uint32_t cnt;
};

/** List a folder's files. SYS (errno), NOMEM. */
int qbid_decision_files_list(const char *folder, struct qbid_decision_files *ret_files);
void qbid_decision_files_done(struct qbid_decision_files *files);

typedef int qbid_decision_fn(void *context, const struct qbid_decision_record *record);

struct qbid_decision_reading {
    uint64_t files, records;
    uint64_t cut;  /* bytes behind the last whole record of a file: a crash, or a write under way */
    char bad[300]; /* the file that ended the reading, "" = none */
};

/**
 * Give every whole record of a folder, oldest first; the HEAD of each file too.
 *
 * Returns: 0; the first error of fn; VERSION for a file that is no log of this layout (named in
 *          ret->bad); SYS, NOMEM.
 */
int qbid_decision_files_read(const char *folder, qbid_decision_fn *fn, void *context,
                             struct qbid_decision_reading *ret);

#endif
