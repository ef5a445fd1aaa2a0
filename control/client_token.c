/* SPDX-License-Identifier: Apache-2.0 */
/* Making tokens, and the words of their lines. */
#include "control/client_token.h"

#include <stdint.h>
#include <string.h>

#include <sodium.h>

#define HASH_BYTES 32
#define SECRET_BYTES 32
#define PREFIX "qbid_"

static const struct {
    const char *name;
    enum qbid_right right;
} rights[] = {
    {"read", QBID_RIGHT_READ}, {"approve", QBID_RIGHT_APPROVE}, {"execute", QBID_RIGHT_EXECUTE}};
#define RIGHT_CNT (sizeof rights / sizeof rights[0])

const char *qbid_right_name(enum qbid_right right)
{
    for (size_t i = 0; i < RIGHT_CNT; i++)
        if (rights[i].right == right)
            return rights[i].name;
    return "?";
}

unsigned qbid_rights_parse(const char *text, size_t len)
{
    unsigned all = 0;
    for (size_t at = 0; at <= len;) {
        const char *comma = memchr(text + at, ',', len - at);
        size_t word = comma ? (size_t)(comma - text) - at : len - at, i = 0;
        while (i < RIGHT_CNT &&
               (strlen(rights[i].name) != word || memcmp(rights[i].name, text + at, word) != 0))
            i++;
        if (i == RIGHT_CNT)
            return 0;
        all |= rights[i].right;
        at += word + 1;
    }
    return all;
}

bool qbid_token_name_valid(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_.";
    size_t len = strlen(name);
    return len > 0 && len < QBID_TOKEN_NAME_MAX && strspn(name, allowed) == len;
}

void qbid_token_hash(const char *token, size_t len, unsigned char ret_hash[32])
{
    crypto_generichash(ret_hash, HASH_BYTES, (const uint8_t *)token, len, NULL, 0);
}

void qbid_token_make(char ret_token[QBID_TOKEN_TEXT_MAX], char ret_hash[QBID_TOKEN_HASH_HEX])
{
    uint8_t secret[SECRET_BYTES], hash[HASH_BYTES];
    randombytes_buf(secret, sizeof secret);
    strcpy(ret_token, PREFIX);
    sodium_bin2base64(ret_token + strlen(PREFIX), QBID_TOKEN_TEXT_MAX - strlen(PREFIX), secret,
                      sizeof secret, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    qbid_token_hash(ret_token, strlen(ret_token), hash);
    sodium_bin2hex(ret_hash, QBID_TOKEN_HASH_HEX, hash, sizeof hash);
    sodium_memzero(secret, sizeof secret);
}
