/* SPDX-License-Identifier: Apache-2.0 */
/* Keys from a seed; checkpoints written, signed, read and checked. */
#include "control/store/audit_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "shm/error.h"

#define CONTEXT "qbid-aud" /* crypto_kdf_CONTEXTBYTES of it */
#define MAC_KEY 1
#define SIGN_SEED 2

_Static_assert(sizeof CONTEXT == crypto_kdf_CONTEXTBYTES + 1, "the context has its length");
_Static_assert(QBID_AUDIT_SEED_BYTES == crypto_kdf_KEYBYTES, "the seed is a key of crypto_kdf");
_Static_assert(QBID_AUDIT_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "as libsodium has it");
_Static_assert(QBID_AUDIT_SECRET_BYTES == crypto_sign_SECRETKEYBYTES, "as libsodium has it");

void qbid_audit_key_derive(const uint8_t seed[QBID_AUDIT_SEED_BYTES], uint64_t from,
                           struct qbid_audit_key *ret_key)
{
    uint8_t sign_seed[crypto_sign_SEEDBYTES];
    crypto_kdf_derive_from_key(ret_key->mac, sizeof ret_key->mac, MAC_KEY, CONTEXT, seed);
    crypto_kdf_derive_from_key(sign_seed, sizeof sign_seed, SIGN_SEED, CONTEXT, seed);
    crypto_sign_seed_keypair(ret_key->sign_public, ret_key->sign_secret, sign_seed);
    sodium_memzero(sign_seed, sizeof sign_seed);
    ret_key->from = from;
}

/* What is signed: the line up to the public key. Returns its length. */
static size_t body_format(const struct qbid_audit_head *head, int64_t unix_s,
                          const uint8_t public[QBID_AUDIT_PUBLIC_BYTES],
                          char out[QBID_AUDIT_CHECKPOINT_MAX])
{
    char hash[2 * QBID_AUDIT_HASH_BYTES + 1], key[2 * QBID_AUDIT_PUBLIC_BYTES + 1];
    sodium_bin2hex(hash, sizeof hash, head->hash, sizeof head->hash);
    sodium_bin2hex(key, sizeof key, public, QBID_AUDIT_PUBLIC_BYTES);
    int n = snprintf(out, QBID_AUDIT_CHECKPOINT_MAX, "qbid-audit 1 %" PRIu64 " %s %" PRId64 " %s",
                     head->id, hash, unix_s, key);
    return (size_t)n;
}

void qbid_audit_checkpoint_sign(const struct qbid_audit_key *key,
                                const struct qbid_audit_head *head, int64_t unix_s,
                                char out[QBID_AUDIT_CHECKPOINT_MAX])
{
    uint8_t signature[crypto_sign_BYTES];
    char hex[2 * crypto_sign_BYTES + 1];
    size_t len = body_format(head, unix_s, key->sign_public, out);
    crypto_sign_detached(signature, NULL, (const uint8_t *)out, len, key->sign_secret);
    sodium_bin2hex(hex, sizeof hex, signature, sizeof signature);
    snprintf(out + len, QBID_AUDIT_CHECKPOINT_MAX - len, " %s", hex);
}

static int hex_read(const char *text, uint8_t *out, size_t bytes)
{
    size_t len = 0;
    return strlen(text) == 2 * bytes &&
           sodium_hex2bin(out, bytes, text, 2 * bytes, NULL, &len, NULL) == 0 && len == bytes;
}

int qbid_audit_checkpoint_check(const char *text, const uint8_t public[QBID_AUDIT_PUBLIC_BYTES],
                                struct qbid_audit_head *ret_head)
{
    struct qbid_audit_head head;
    uint8_t key[QBID_AUDIT_PUBLIC_BYTES], signature[crypto_sign_BYTES];
    char hash_hex[65], key_hex[65], signature_hex[129], body[QBID_AUDIT_CHECKPOINT_MAX];
    int64_t unix_s;
    int end = 0;
    if (strlen(text) >= QBID_AUDIT_CHECKPOINT_MAX ||
        sscanf(text, "qbid-audit 1 %" SCNu64 " %64[0-9a-f] %" SCNd64 " %64[0-9a-f] %128[0-9a-f]%n",
               &head.id, hash_hex, &unix_s, key_hex, signature_hex, &end) != 5 ||
        (text[end] && strcmp(text + end, "\n") != 0) ||
        !hex_read(hash_hex, head.hash, sizeof head.hash) || !hex_read(key_hex, key, sizeof key) ||
        !hex_read(signature_hex, signature, sizeof signature))
        return QBID_ERR_PARSE;
    size_t len = body_format(&head, unix_s, key, body);
    if (strncmp(text, body, len) != 0)
        return QBID_ERR_PARSE; /* the same numbers, written otherwise */
    if (sodium_memcmp(key, public, sizeof key) != 0 ||
        crypto_sign_verify_detached(signature, (const uint8_t *)body, len, key) != 0)
        return QBID_ERR_DENIED;
    *ret_head = head;
    return 0;
}
