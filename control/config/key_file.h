/* SPDX-License-Identifier: Apache-2.0 */
/* The file with the notice-signing keys: "ID HEX", one or two lines, for nobody else's eyes. */
#ifndef QBID_CONTROL_CONFIG_KEY_FILE_H
#define QBID_CONTROL_CONFIG_KEY_FILE_H

#include <stdbool.h>

#include "shm/handover.h"

#define QBID_KEY_FILE_WHY_MAX 160

#define QBID_KEY_FILE_BYTES_MAX 1024

/** Open a file of secrets for reading: a regular file of ours or root, mode 0600. The descriptor,
 * or NOENT, DENIED or SYS with the reason in why. */
int qbid_key_file_open(const char *path, char why[QBID_KEY_FILE_WHY_MAX]);

/** Read a file of secrets, terminated: a regular file of ours or root, mode 0600. NOENT, DENIED or
 * SYS with the reason in why. The caller wipes text. */
int qbid_key_file_read(const char *path, char text[QBID_KEY_FILE_BYTES_MAX + 1],
                       char why[QBID_KEY_FILE_WHY_MAX]);

/**
 * Read the keys. The first line signs, both verify: to rotate, put a new key above the old one,
 * reload, and take the old line away after event_ttl.
 *
 * Shapes:  a regular file of ours or root's, no permission for group and others; ID 1..255, HEX 32
 *          digits; lines that start with # are left out.
 * Errors:  QBID_ERR_NOENT (missing), QBID_ERR_DENIED (owner or mode), QBID_ERR_PARSE, QBID_ERR_SYS;
 *          why says it in words, without the key.
 */
int qbid_key_file_load(const char *path, struct qbid_keys *ret_keys,
                       char why[QBID_KEY_FILE_WHY_MAX]);

/**
 * Put a new random key above the one that signs now; a third one leaves. The new file takes the old
 * one's place at once, so whoever reads sees one or the other; owner and mode are ours and 0600.
 *
 * Errors: of qbid_key_file_load(); SYS. Nothing is changed then.
 */
int qbid_key_file_rotate(const char *path, struct qbid_keys *ret_keys,
                         char why[QBID_KEY_FILE_WHY_MAX]);

/** Write a new file, mode 0600, with one random key of id 1. Never replaces one. QBID_ERR_SYS. */
int qbid_key_file_create(const char *path, char why[QBID_KEY_FILE_WHY_MAX]);

#endif
