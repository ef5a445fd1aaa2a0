/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: tokens of tenants, from a file that knows their hashes alone.
 *
 *     TENANT RIGHTS NAME HASH              7 read,execute spring 5f2c...   (one line a token)
 *
 * A token is 256 random bits as a text, so that its plain BLAKE2b-256 is as good as a slow hash:
 * there is nothing to guess. It is looked up by comparing the hash with every line in constant
 * time.
 */
#ifndef QBID_CONTROL_ACCESS_TOKENS_H
#define QBID_CONTROL_ACCESS_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/client_token.h"

#define QBID_TOKENS_MAX 1024 /* in one file */
#define QBID_TOKENS_BYTES_MAX (256 * 1024)
#define QBID_TOKENS_WHY_MAX 256

/* On whose behalf something is done. */
struct qbid_principal {
    uint32_t tenant; /* whose rows it sees and changes; 0 = everybody's: an operator of the host */
    unsigned rights; /* of enum qbid_right */
    char actor[32];  /* for the audit: "uid 1000", "token spring" */
};

struct qbid_tokens; /* opaque; a table that threads share */

/** Empty. NOMEM. */
int qbid_tokens_new(struct qbid_tokens **ret_tokens);
void qbid_tokens_free(struct qbid_tokens *tokens);

/**
 * Take the lines of a file in place of those known.
 *
 * Shapes:  a regular file of ours or root, mode 0600; empty lines and those with '#' in front are
 *          left out; path "" = none.
 * Errors:  NOENT, DENIED, SYS, PARSE, LIMIT, NOMEM with why, which names the line; the lines known
 *          stay.
 * Threads: any.
 */
int qbid_tokens_load(struct qbid_tokens *tokens, const char *path, char why[QBID_TOKENS_WHY_MAX]);

/**
 * Find who has a token.
 *
 * Returns: whether there is one, and *ret_principal.
 * Threads: any.
 * Cost:    one hash and a comparison with every line, found or not.
 */
bool qbid_tokens_find(struct qbid_tokens *tokens, const char *token, size_t len,
                      struct qbid_principal *ret_principal);

#endif
