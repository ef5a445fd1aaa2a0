/* SPDX-License-Identifier: Apache-2.0 */
/* The key of the audit, and checkpoints that are signed with it.
 *
 *     seed (32 bytes of a file that the store's readers have not)
 *       +-- mac key    BLAKE2b-256 keyed: every record from `from` on; no chain without it
 *       +-- sign key   Ed25519: checkpoints, which anybody can check with the public key
 *
 * A checkpoint is one line, kept outside the store; a chain that is shorter than it, or another
 * one, does not agree with it:
 *
 *     qbid-audit 1 RECORD HASH UNIX_S PUBLIC_KEY SIGNATURE      all but numbers in hexadecimal
 */
#ifndef QBID_CONTROL_STORE_AUDIT_KEY_H
#define QBID_CONTROL_STORE_AUDIT_KEY_H

#include <stdint.h>

#define QBID_AUDIT_SEED_BYTES 32
#define QBID_AUDIT_HASH_BYTES 32
#define QBID_AUDIT_PUBLIC_BYTES 32
#define QBID_AUDIT_SECRET_BYTES 64
#define QBID_AUDIT_CHECKPOINT_MAX 400 /* bytes of the line, its end included */

struct qbid_audit_key {
    uint8_t mac[32];
    uint8_t sign_public[QBID_AUDIT_PUBLIC_BYTES];
    uint8_t sign_secret[QBID_AUDIT_SECRET_BYTES];
    uint64_t from; /* the first record with a keyed hash, >= 1 */
};

/* A record and its hash, which stands for all before it. */
struct qbid_audit_head {
    uint64_t id; /* 0 = no record yet */
    uint8_t hash[QBID_AUDIT_HASH_BYTES];
};

/** Both keys from the seed (libsodium's crypto_kdf). */
void qbid_audit_key_derive(const uint8_t seed[QBID_AUDIT_SEED_BYTES], uint64_t from,
                           struct qbid_audit_key *ret_key);

/** A signed line, terminated, without line end. */
void qbid_audit_checkpoint_sign(const struct qbid_audit_key *key,
                                const struct qbid_audit_head *head, int64_t unix_s,
                                char out[QBID_AUDIT_CHECKPOINT_MAX]);

/**
 * Read a line and check its signature.
 *
 * Shapes:  text is terminated; one line end behind it is left out.
 * Returns: 0 and *ret_head.
 * Errors:  PARSE for what is no checkpoint; DENIED for one of another key, or whose signature is
 *          not its own.
 * Threads: pure.
 */
int qbid_audit_checkpoint_check(const char *text, const uint8_t public[QBID_AUDIT_PUBLIC_BYTES],
                                struct qbid_audit_head *ret_head);

#endif
