/* SPDX-License-Identifier: Apache-2.0 */
/* The file that holds a correction table, as `qbid-sim train` writes it. */
#ifndef QBID_CONTROL_LEARN_CAMPAIGNS_CORRECTION_FILE_H
#define QBID_CONTROL_LEARN_CAMPAIGNS_CORRECTION_FILE_H

#include "control/models/qlearning/correction.h"

#define QBID_CORRECTION_FILE_WHY_MAX 512

/**
 * Read and check a table.
 *
 * Returns: 0 and *ret_table (free()), with *why empty, or telling that it is stale: such a table
 *          loads, and is off; QBID_ERR_SYS, _VERSION, _CORRUPT, _NOMEM with the reason.
 */
int qbid_correction_file_load(const char *path, int64_t now_unix_s,
                              struct qbid_correction_table **ret_table,
                              char why[QBID_CORRECTION_FILE_WHY_MAX]);

/** Write a table: to a new file beside it, which then takes its name. Returns 0; QBID_ERR_SYS. */
int qbid_correction_file_write(const char *path, const struct qbid_correction_table *table,
                               char why[QBID_CORRECTION_FILE_WHY_MAX]);

#endif
