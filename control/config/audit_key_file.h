/* SPDX-License-Identifier: Apache-2.0 */
/* The file with the audit's secret: "audit HEX from N", one line, for nobody else's eyes. Kept
 * where those who can write the store cannot read it: with it a chain can be made anew. */
#ifndef QBID_CONTROL_CONFIG_AUDIT_KEY_FILE_H
#define QBID_CONTROL_CONFIG_AUDIT_KEY_FILE_H

#include <stdint.h>

#include "control/config/key_file.h"

#define QBID_AUDIT_KEY_FILE_SEED_BYTES 32

struct qbid_audit_key_file {
    uint8_t seed[QBID_AUDIT_KEY_FILE_SEED_BYTES];
    uint64_t from; /* the first record that is hashed with it, >= 1 */
};

/** Read it. The caller wipes *ret_file.
 *  Errors: NOENT, DENIED (owner or mode), PARSE, SYS; why says it in words, without the key. */
int qbid_audit_key_file_load(const char *path, struct qbid_audit_key_file *ret_file,
                             char why[QBID_KEY_FILE_WHY_MAX]);

/** Write a new one, mode 0600, with a random seed; never in place of another. SYS. */
int qbid_audit_key_file_create(const char *path, uint64_t from, char why[QBID_KEY_FILE_WHY_MAX]);

#endif
