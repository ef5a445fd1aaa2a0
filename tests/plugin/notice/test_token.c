/* SPDX-License-Identifier: Apache-2.0 */
/* Notice tokens: what was signed comes back, nothing else does. */
#include "plugin/notice/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "shm/error.h"
#include "shm/hash.h"
#include "shm/request.h"

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const struct qbid_keys keys = {
    .id = {7, 6}, .secret = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {0xaa, 0xbb}}};

static const struct qbid_token sample = {
    .level = 2,
    .privacy = QBID_PRIVACY_CONTEXTUAL,
    .action = 5,
    .tenant = 0x1234,
    .flags = 9,
    .partner = 77,
    .nonce = UINT64_C(0x0123456789abcdef),
    .context = UINT64_C(0xfedcba9876543210),
    .bid_nanos = 2010000,
    .bid_time_ns = UINT64_C(123456789012345),
    .bid_unix_s = 1700000000,
    .gen = 42,
    .line_item_id = 1001,
    .creative_id = 2002,
};

static void sign(char out[QBID_TOKEN_CHARS])
{
    assert_int_equal(qbid_token_sign(&keys, &sample, out), 0);
}

static void what_was_signed_comes_back(void **state)
{
    char text[QBID_TOKEN_CHARS];
    struct qbid_token token, want = sample;
    (void)state;
    sign(text);
    for (unsigned i = 0; i < QBID_TOKEN_CHARS; i++)
        assert_non_null(strchr(base64url, text[i]));
    assert_int_equal(qbid_token_verify(&keys, text, sizeof text, &token), 0);
    want.version = QBID_TOKEN_VERSION;
    want.key_id = 7;
    assert_memory_equal(&token, &want, sizeof token);
}

/* SipHash-2-4-128 by its definition, on the payload as the header lays it out. */
static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
    v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

static uint64_t load_le(const uint8_t *at)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static void siphash128(const uint8_t key[16], const uint8_t *text, size_t len, uint64_t out[2])
{
    uint64_t k0 = load_le(key), k1 = load_le(key + 8);
    uint64_t v[4] = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
                     k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)};
    uint8_t last[8] = {0};
    size_t whole = len & ~(size_t)7;
    memcpy(last, text + whole, len - whole);
    last[7] = (uint8_t)len;
    for (size_t i = 0; i <= whole; i += 8) {
        uint64_t word = load_le(i < whole ? text + i : last);
        v[3] ^= word;
        sip_round(v), sip_round(v);
        v[0] ^= word;
    }
    v[2] ^= 0xee;
    for (unsigned half = 0; half < 2; half++) {
        for (int i = 0; i < 4; i++)
            sip_round(v);
        out[half] = v[0] ^ v[1] ^ v[2] ^ v[3];
        v[1] ^= 0xdd;
    }
}

static void the_layout_and_the_mac_are_the_documented_ones(void **state)
{
    char text[QBID_TOKEN_CHARS];
    uint8_t bytes[QBID_TOKEN_BYTES];
    uint64_t mac[2];
    (void)state;
    sign(text);
    for (unsigned i = 0; i < QBID_TOKEN_CHARS; i += 4) {
        uint32_t group = 0;
        for (unsigned j = 0; j < 4; j++)
            group = group << 6 | (uint32_t)(strchr(base64url, text[i + j]) - base64url);
        for (unsigned j = 0; j < 3; j++)
            bytes[i / 4 * 3 + j] = (uint8_t)(group >> (16 - 8 * j));
    }
    const uint8_t head[8] = {QBID_TOKEN_VERSION, 7, 0x22, 5, 0x34, 0x12, 9, 77};
    assert_memory_equal(bytes, head, sizeof head);
    assert_true(load_le(bytes + 8) == sample.nonce);
    assert_true(load_le(bytes + 16) == sample.context);
    assert_true(load_le(bytes + 24) == (uint64_t)sample.bid_nanos);
    assert_true(load_le(bytes + 32) == sample.bid_time_ns);
    assert_true(load_le(bytes + 40) == (sample.bid_unix_s | (uint64_t)sample.gen << 32));
    assert_true(load_le(bytes + 48) == (sample.line_item_id | (uint64_t)sample.creative_id << 32));
    siphash128(keys.secret[0], bytes, 56, mac);
    assert_true(load_le(bytes + 56) == mac[0]);
    assert_true(load_le(bytes + 64) == mac[1]);
}

/* Appendix of the SipHash paper's reference code: key 00..0f, text 00..0e. */
static void the_oracle_gives_the_published_vector(void **state)
{
    uint8_t key[16], text[15];
    uint64_t out[2];
    const uint8_t want[16] = {0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11,
                              0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9};
    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        key[i] = i;
    for (uint8_t i = 0; i < 15; i++)
        text[i] = i;
    siphash128(key, text, sizeof text, out);
    assert_true(out[0] == load_le(want) && out[1] == load_le(want + 8));
}

static void every_flipped_bit_is_refused(void **state)
{
    char text[QBID_TOKEN_CHARS];
    struct qbid_token token = {.nonce = 77};
    (void)state;
    sign(text);
    for (unsigned i = 0; i < QBID_TOKEN_CHARS; i++) {
        char right = text[i];
        for (unsigned bit = 0; bit < 6; bit++) {
            text[i] = base64url[(unsigned)(strchr(base64url, right) - base64url) ^ (1u << bit)];
            int err = qbid_token_verify(&keys, text, sizeof text, &token);
            assert_true(err == QBID_ERR_MAC || (err == QBID_ERR_VERSION && i < 2));
        }
        for (unsigned c = 0; c < 256; c++) {
            text[i] = (char)c;
            if (text[i] != right)
                assert_true(qbid_token_verify(&keys, text, sizeof text, &token) < 0);
        }
        text[i] = right;
    }
    assert_int_equal(token.nonce, 77);
    assert_int_equal(qbid_token_verify(&keys, text, sizeof text, &token), 0);
}

static void another_length_is_no_token(void **state)
{
    char text[QBID_TOKEN_CHARS * 2];
    struct qbid_token token;
    (void)state;
    sign(text);
    memcpy(text + QBID_TOKEN_CHARS, text, QBID_TOKEN_CHARS);
    for (size_t len = 0; len <= sizeof text; len++)
        if (len != QBID_TOKEN_CHARS)
            assert_int_equal(qbid_token_verify(&keys, text, len, &token), QBID_ERR_PARSE);
}

static void a_rotated_key_still_verifies_and_a_retired_one_does_not(void **state)
{
    char text[QBID_TOKEN_CHARS];
    struct qbid_token token;
    struct qbid_keys next = keys, after = keys;
    (void)state;
    sign(text);
    next.id[1] = keys.id[0], next.id[0] = 8; /* our key moved to the second place */
    memcpy(next.secret[1], keys.secret[0], QBID_KEY_BYTES);
    memset(next.secret[0], 0x5a, QBID_KEY_BYTES);
    assert_int_equal(qbid_token_verify(&next, text, sizeof text, &token), 0);
    assert_int_equal(token.key_id, 7);
    after.id[0] = 9, after.id[1] = 8;
    assert_int_equal(qbid_token_verify(&after, text, sizeof text, &token), QBID_ERR_MAC);
    after.id[0] = 7; /* the id is back, the secret is another */
    after.secret[0][15] ^= 1;
    assert_int_equal(qbid_token_verify(&after, text, sizeof text, &token), QBID_ERR_MAC);
}

static void without_keys_nothing_is_signed_or_believed(void **state)
{
    const struct qbid_keys none = {0};
    char text[QBID_TOKEN_CHARS];
    struct qbid_token token;
    (void)state;
    assert_int_equal(qbid_token_sign(&none, &sample, text), QBID_ERR_INVAL);
    sign(text);
    assert_int_equal(qbid_token_verify(&none, text, sizeof text, &token), QBID_ERR_MAC);
    /* key id 0 means none: a token that names it is not checked against an empty secret */
    struct qbid_keys zero = {.id = {0, 0}};
    struct qbid_keys trick = {.id = {1, 0}};
    assert_int_equal(qbid_token_sign(&trick, &sample, text), 0);
    text[2] = 'A'; /* the low bits of the key id */
    assert_int_equal(qbid_token_verify(&zero, text, sizeof text, &token), QBID_ERR_MAC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_comes_back),
        cmocka_unit_test(the_oracle_gives_the_published_vector),
        cmocka_unit_test(the_layout_and_the_mac_are_the_documented_ones),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(another_length_is_no_token),
        cmocka_unit_test(a_rotated_key_still_verifies_and_a_retired_one_does_not),
        cmocka_unit_test(without_keys_nothing_is_signed_or_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
