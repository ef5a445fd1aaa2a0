/* SPDX-License-Identifier: Apache-2.0 */
/* Notice tokens: little-endian payload, keyed MAC, base64url. */
#include "plugin/notice/token.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <sodium.h>

#include "shm/base64.h"
#include "shm/error.h"

#define PAYLOAD_BYTES 56
#define MAC_BYTES 16
_Static_assert(PAYLOAD_BYTES + MAC_BYTES == QBID_TOKEN_BYTES, "payload and MAC fill the token");
_Static_assert(QBID_TOKEN_BYTES % 6 == 0, "whole words, no padding and no spare bits in the text");
_Static_assert(crypto_shorthash_siphashx24_BYTES == MAC_BYTES, "128-bit MAC");
_Static_assert(crypto_shorthash_siphashx24_KEYBYTES == QBID_KEY_BYTES, "128-bit key");

/* As one store: bytes is a constant wherever it is inlined. */
static inline void put_le(uint8_t **at, uint64_t value, unsigned bytes)
{
    value = htole64(value);
    memcpy(*at, &value, bytes);
    *at += bytes;
}

static uint64_t get_le(const uint8_t **at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t) * (*at)++ << (8 * i);
    return value;
}

static void serialise(const struct qbid_token *token, uint8_t key_id, uint8_t out[PAYLOAD_BYTES])
{
    uint8_t *at = out;
    put_le(&at, QBID_TOKEN_VERSION, 1);
    put_le(&at, key_id, 1);
    put_le(&at, token->level | (uint64_t)token->privacy << 4, 1);
    put_le(&at, token->action, 1);
    put_le(&at, token->tenant, 2);
    put_le(&at, token->flags, 1);
    put_le(&at, token->partner, 1);
    put_le(&at, token->nonce, 8);
    put_le(&at, token->context, 8);
    put_le(&at, (uint64_t)token->bid_nanos, 8);
    put_le(&at, token->bid_time_ns, 8);
    put_le(&at, token->bid_unix_s, 4);
    put_le(&at, token->gen, 4);
    put_le(&at, token->line_item_id, 4);
    put_le(&at, token->creative_id, 4);
}

static void deserialise(const uint8_t payload[PAYLOAD_BYTES], struct qbid_token *ret_token)
{
    const uint8_t *at = payload;
    ret_token->version = (uint8_t)get_le(&at, 1);
    ret_token->key_id = (uint8_t)get_le(&at, 1);
    uint8_t level = (uint8_t)get_le(&at, 1);
    ret_token->level = level & 15u;
    ret_token->privacy = level >> 4 & 15u;
    ret_token->action = (uint8_t)get_le(&at, 1);
    ret_token->tenant = (uint16_t)get_le(&at, 2);
    ret_token->flags = (uint8_t)get_le(&at, 1);
    ret_token->partner = (uint8_t)get_le(&at, 1);
    ret_token->nonce = get_le(&at, 8);
    ret_token->context = get_le(&at, 8);
    ret_token->bid_nanos = (int64_t)get_le(&at, 8);
    ret_token->bid_time_ns = get_le(&at, 8);
    ret_token->bid_unix_s = (uint32_t)get_le(&at, 4);
    ret_token->gen = (uint32_t)get_le(&at, 4);
    ret_token->line_item_id = (uint32_t)get_le(&at, 4);
    ret_token->creative_id = (uint32_t)get_le(&at, 4);
}

/* Eight sextets, one a byte, as their letters: what each stands away from 'A' steps up or down
 * where the alphabet goes on elsewhere. */
static uint64_t letters(uint64_t sextets)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t small = (sextets + each * (0x80 - 26)) >> 7 & each;
    uint64_t digit = (sextets + each * (0x80 - 52)) >> 7 & each;
    uint64_t minus = (sextets + each * (0x80 - 62)) >> 7 & each;
    uint64_t line = (sextets + each * (0x80 - 63)) >> 7 & each;
    return sextets + each * 'A' + small * ('a' - 'A' - 26) - digit * ('a' + 26 - '0') -
           minus * ('0' + 10 - '-') + line * ('_' - '-' - 1);
}

/* Six bytes at a time, and two more that are read and not used: eight letters. */
static void encode(const uint8_t bytes[QBID_TOKEN_BYTES + 2], char out[QBID_TOKEN_CHARS])
{
    for (unsigned i = 0; i < QBID_TOKEN_BYTES; i += 6) {
        uint64_t word, text;
        memcpy(&word, bytes + i, sizeof word);
        word = be64toh(word) >> 16;
        word = (word & UINT64_C(0xffffff000000)) << 8 | (word & 0xffffff);
        word = (word & UINT64_C(0x00fff00000fff000)) << 4 | (word & UINT64_C(0x00000fff00000fff));
        word = (word & UINT64_C(0x0fc00fc00fc00fc0)) << 2 | (word & UINT64_C(0x003f003f003f003f));
        text = htobe64(letters(word));
        memcpy(out + i / 6 * 8, &text, sizeof text);
    }
}

static bool decode(const char text[QBID_TOKEN_CHARS], uint8_t out[QBID_TOKEN_BYTES])
{
    for (unsigned i = 0; i < QBID_TOKEN_CHARS; i += 4) {
        uint32_t group = 0;
        for (unsigned j = 0; j < 4; j++) {
            int value = qbid_base64_sextet(text[i + j]);
            if (value < 0)
                return false;
            group = group << 6 | (uint32_t)value;
        }
        *out++ = (uint8_t)(group >> 16);
        *out++ = (uint8_t)(group >> 8);
        *out++ = (uint8_t)group;
    }
    return true;
}

static void mac(const uint8_t payload[PAYLOAD_BYTES], const uint8_t secret[QBID_KEY_BYTES],
                uint8_t out[MAC_BYTES])
{
    /* documented to return 0 always */
    (void)crypto_shorthash_siphashx24(out, payload, PAYLOAD_BYTES, secret);
}

int qbid_token_sign(const struct qbid_keys *keys, const struct qbid_token *token, char *out)
{
    uint8_t bytes[QBID_TOKEN_BYTES + 2] = {0};
    if (keys->id[0] == 0)
        return QBID_ERR_INVAL;
    serialise(token, keys->id[0], bytes);
    mac(bytes, keys->secret[0], bytes + PAYLOAD_BYTES);
    encode(bytes, out);
    return 0;
}

int qbid_token_verify(const struct qbid_keys *keys, const char *text, size_t len,
                      struct qbid_token *ret_token)
{
    uint8_t bytes[QBID_TOKEN_BYTES], want[MAC_BYTES];
    if (len != QBID_TOKEN_CHARS || !decode(text, bytes))
        return QBID_ERR_PARSE;
    if (bytes[0] != QBID_TOKEN_VERSION)
        return QBID_ERR_VERSION;
    uint8_t key_id = bytes[1];
    unsigned which = key_id == keys->id[0] ? 0 : 1;
    if (key_id == 0 || key_id != keys->id[which])
        return QBID_ERR_MAC;
    mac(bytes, keys->secret[which], want);
    if (sodium_memcmp(want, bytes + PAYLOAD_BYTES, MAC_BYTES) != 0)
        return QBID_ERR_MAC;
    deserialise(bytes, ret_token);
    return 0;
}
