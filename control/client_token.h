/* SPDX-License-Identifier: Apache-2.0 */
/* What a token is made of: for those who make one, and those who know it again.
 *
 *     token   "qbid_" and 256 random bits in base64url
 *     line    TENANT RIGHTS NAME HASH     7 read,execute spring 5f2c...     for access.tokens
 */
#ifndef QBID_CONTROL_CLIENT_TOKEN_H
#define QBID_CONTROL_CLIENT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#define QBID_TOKEN_TEXT_MAX 64 /* "qbid_" and 43 characters, its end included */
#define QBID_TOKEN_HASH_HEX 65 /* 64 hexadecimal digits and the end */
#define QBID_TOKEN_NAME_MAX 25 /* letters, digits, '-', '_' and '.', and the end */

/* What a token allows. Each is asked for alone: execute does not mean read. */
enum qbid_right { QBID_RIGHT_READ = 1, QBID_RIGHT_APPROVE = 2, QBID_RIGHT_EXECUTE = 4 };
#define QBID_RIGHTS_ALL (QBID_RIGHT_READ | QBID_RIGHT_APPROVE | QBID_RIGHT_EXECUTE)

/** "read", "approve", "execute"; "?" for another. */
const char *qbid_right_name(enum qbid_right right);
/** A list like "read,execute"; 0 when a word is none. */
unsigned qbid_rights_parse(const char *text, size_t len);

/** A new token and its hash. */
void qbid_token_make(char ret_token[QBID_TOKEN_TEXT_MAX], char ret_hash[QBID_TOKEN_HASH_HEX]);
/** BLAKE2b-256 of a token's text. */
void qbid_token_hash(const char *token, size_t len, unsigned char ret_hash[32]);
/** Whether a name may stand in a line. */
bool qbid_token_name_valid(const char *name);

#endif
