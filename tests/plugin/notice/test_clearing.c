/* SPDX-License-Identifier: Apache-2.0 */
/* Price codings against published vectors, the openssl command, libsodium, and a SHA-1 of its own.
 */
#include "plugin/notice/clearing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <cmocka.h>

#include "shm/base64.h"
#include "shm/error.h"

static struct qbid_clearing_reader *reader;

/* Of google/openrtb-doubleclick's DoubleClickCryptoTest. */
static struct qbid_partner_keys google;
/* Of the examples in Google's "Decrypt price confirmations". */
static struct qbid_partner_keys sample;

static struct qbid_partner_keys aes(unsigned len)
{
    struct qbid_partner_keys keys = {.len = {(uint8_t)len}};
    static const uint8_t secret[32] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                       0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
                                       0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                       0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10};
    memcpy(keys.secret[0], secret, len);
    return keys;
}

static int read_at(unsigned coding, const struct qbid_partner_keys *keys, const char *text,
                   uint32_t age_max_s, uint64_t unix_s, int64_t *ret_micros)
{
    struct qbid_clearing_rule rule = {
        .coding = (uint8_t)coding, .age_max_s = age_max_s, .keys = keys};
    *ret_micros = -7;
    return qbid_clearing_read(reader, &rule, text, strlen(text), unix_s, ret_micros);
}

static int read_text(unsigned coding, const struct qbid_partner_keys *keys, const char *text,
                     int64_t *ret_micros)
{
    return read_at(coding, keys, text, 0, 0, ret_micros);
}

static void the_published_google_vectors_decode(void **state)
{
    static const struct {
        const char *text;
        const struct qbid_partner_keys *keys;
        int64_t micros;
    } row[] = {{"OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ", &google, 1200000},
               {"OG46wAAMCggBI0VniavN7-mNy0VTOrlB8A3F8A==", &google, 0},
               {"OG46wAAMCggBI0VniavN7-mNy0VTO1k5XIpbSg==", &google, 123000},
               {"OG46wAAMCggBI0VniavN7+mNy0VUYQvRuIJiRw..", &google, 123450000},
               {"5nmwvgAM0UABI0VniavN72_sy3TQFLWhVys-IA", &google, 0x2a512000},
               {"YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCce_6msaw", &sample, 100},
               {"YWJjMTIzZGVmNDU2Z2hpN7fhCuPemCAWJRxOgA", &sample, 1900},
               {"YWJjMTIzZGVmNDU2Z2hpN7fhCuPemC32prpWWw", &sample, 2700}};
    int64_t micros;
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_int_equal(read_text(QBID_PRICE_CODING_GOOGLE, row[i].keys, row[i].text, &micros), 0);
        assert_int_equal(micros, row[i].micros);
    }
    print_message("Google's vectors decoded: %zu of %zu\n", sizeof row / sizeof row[0],
                  sizeof row / sizeof row[0]);
    /* a negative price, signed: -1.2 */
    assert_int_equal(read_text(QBID_PRICE_CODING_GOOGLE, &google,
                               "OG46wAAMCggBI0VniavN7xZyNLqs1wnBKd_m9w==", &micros),
                     QBID_ERR_PARSE);
    assert_int_equal(micros, -7);
    assert_int_equal(read_text(QBID_PRICE_CODING_GOOGLE, &sample,
                               "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ", &micros),
                     QBID_ERR_MAC);
    struct qbid_partner_keys swapped = google;
    memcpy(swapped.secret[0], google.secret[1], 32);
    memcpy(swapped.secret[1], google.secret[0], 32);
    assert_int_equal(read_text(QBID_PRICE_CODING_GOOGLE, &swapped,
                               "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ", &micros),
                     QBID_ERR_MAC);
}

/* SHA-1 by FIPS 180-4, for messages under 120 bytes. */
static uint32_t left(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static void sha1_block(uint32_t h[5], const uint8_t *at)
{
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (unsigned i = 0; i < 80; i++)
        w[i] = i < 16 ? (uint32_t)at[4 * i] << 24 | (uint32_t)at[4 * i + 1] << 16 |
                            (uint32_t)at[4 * i + 2] << 8 | at[4 * i + 3]
                      : left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                              : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = left(a, 5) + f + e + w[i];
        e = d, d = c, c = left(b, 30), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

static void sha1_of(const uint8_t *text, size_t len, uint8_t out[20])
{
    uint8_t padded[128] = {0};
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    size_t total = len < 56 ? 64 : 128;
    memcpy(padded, text, len);
    padded[len] = 0x80;
    padded[total - 2] = (uint8_t)(len * 8 >> 8);
    padded[total - 1] = (uint8_t)(len * 8);
    for (size_t at = 0; at < total; at += 64)
        sha1_block(h, padded + at);
    for (unsigned i = 0; i < 20; i++)
        out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void hmac_of(const uint8_t key[32], const uint8_t *text, size_t len, uint8_t out[20])
{
    uint8_t inner[64 + 24], outer[64 + 20];
    for (unsigned i = 0; i < 64; i++) {
        inner[i] = (uint8_t)((i < 32 ? key[i] : 0) ^ 0x36);
        outer[i] = (uint8_t)((i < 32 ? key[i] : 0) ^ 0x5c);
    }
    memcpy(inner + 64, text, len);
    sha1_of(inner, 64 + len, outer + 64);
    sha1_of(outer, sizeof outer, out);
}

/* A price as Google would write it, without padding. */
static void google_write(const struct qbid_partner_keys *keys, uint64_t price, const uint8_t iv[16],
                         char out[40])
{
    uint8_t bytes[28], digest[20], plain[24];
    for (unsigned i = 0; i < 8; i++)
        plain[i] = (uint8_t)(price >> (56 - 8 * i));
    memcpy(plain + 8, iv, 16);
    memcpy(bytes, iv, 16);
    hmac_of(keys->secret[0], iv, 16, digest);
    for (unsigned i = 0; i < 8; i++)
        bytes[16 + i] = plain[i] ^ digest[i];
    hmac_of(keys->secret[1], plain, sizeof plain, digest);
    memcpy(bytes + 24, digest, 4);
    sodium_bin2base64(out, 40, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* Flip each bit of a coded price; the number of those that were refused for their signature. */
static unsigned flips_refused(unsigned coding, const struct qbid_partner_keys *keys,
                              const char *text, unsigned *ret_bits)
{
    uint8_t bytes[QBID_CLEARING_TEXT_MAX];
    char flipped[QBID_CLEARING_TEXT_MAX];
    unsigned refused = 0;
    int64_t micros, n = qbid_base64_decode(text, strlen(text), bytes, sizeof bytes);
    assert_true(n > 0);
    for (unsigned bit = 0; bit < 8 * (unsigned)n; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        sodium_bin2base64(flipped, sizeof flipped, bytes, (size_t)n,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        refused += read_text(coding, keys, flipped, &micros) == QBID_ERR_MAC;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    *ret_bits += 8 * (unsigned)n;
    return refused;
}

static void random_google_prices_come_back_and_no_flipped_bit_does(void **state)
{
    char text[40];
    unsigned bits = 0, refused = 0;
    (void)state;
    google_write(&google, 1200000,
                 (const uint8_t *)"\x38\x6e\x3a\xc0\0\x0c\x0a\x08\x01\x23\x45\x67"
                                  "\x89\xab\xcd\xef",
                 text);
    assert_string_equal(text, "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ"); /* the oracle is right */
    for (unsigned i = 0; i < 2000; i++) {
        struct qbid_partner_keys keys = {.len = {32, 32}};
        uint8_t iv[16];
        uint64_t price = (uint64_t)randombytes_random() << 31 ^ randombytes_random();
        int64_t micros;
        randombytes_buf(keys.secret, sizeof keys.secret);
        randombytes_buf(iv, sizeof iv);
        google_write(&keys, price, iv, text);
        assert_int_equal(read_text(QBID_PRICE_CODING_GOOGLE, &keys, text, &micros), 0);
        assert_true(micros == (int64_t)price);
        if (i < 4)
            refused += flips_refused(QBID_PRICE_CODING_GOOGLE, &keys, text, &bits);
    }
    print_message("bits of google prices flipped: %u of %u refused\n", refused, bits);
    assert_int_equal(refused, 4 * 8 * 28);
}

static void a_google_price_has_an_age(void **state)
{
    const char *text = "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ";
    const uint64_t made_s = 0x386e3ac0; /* 2000-01-01 18:05:36 */
    int64_t micros;
    (void)state;
    assert_int_equal(read_at(QBID_PRICE_CODING_GOOGLE, &google, text, 60, made_s, &micros), 0);
    assert_int_equal(read_at(QBID_PRICE_CODING_GOOGLE, &google, text, 60, made_s + 60, &micros), 0);
    assert_int_equal(read_at(QBID_PRICE_CODING_GOOGLE, &google, text, 60, made_s - 60, &micros), 0);
    assert_int_equal(micros, 1200000);
    assert_int_equal(read_at(QBID_PRICE_CODING_GOOGLE, &google, text, 60, made_s + 61, &micros),
                     QBID_ERR_EXPIRED);
    assert_int_equal(read_at(QBID_PRICE_CODING_GOOGLE, &google, text, 60, made_s - 61, &micros),
                     QBID_ERR_EXPIRED);
    assert_int_equal(micros, -7);
}

/* Made by: printf 4.35 | openssl enc -aes-128-ecb -K 00112233445566778899aabbccddeeff | base64 */
static void ecb_prices_of_the_openssl_command_decode(void **state)
{
    struct qbid_partner_keys narrow = aes(16), wide = aes(32);
    int64_t micros;
    (void)state;
    assert_int_equal(
        read_text(QBID_PRICE_CODING_AES_ECB, &narrow, "dECaWQHohYFCCQs4Po3Euw==", &micros), 0);
    assert_int_equal(micros, 4350000);
    assert_int_equal(
        read_text(QBID_PRICE_CODING_AES_ECB, &narrow, "dECaWQHohYFCCQs4Po3Euw", &micros), 0);
    assert_int_equal(micros, 4350000);
    assert_int_equal(
        read_text(QBID_PRICE_CODING_AES_ECB, &wide, "o1zvyjU1usZWEWZIOkszpg==", &micros), 0);
    assert_int_equal(micros, 714285);
    assert_int_equal(read_text(QBID_PRICE_CODING_AES_ECB, &narrow,
                               "jOGCgdAEeHiXeROya9Z5JNqcPE5cgzglck_PHjGc_Gw=", &micros),
                     0);
    assert_int_equal(micros, INT64_C(1234567890123456)); /* two blocks */
    static const struct {
        const char *text;
        int err;
    } bad[] = {{"ni6QLd_SZOWTl3AOkxbRPA==", QBID_ERR_PARSE}, /* "abc" */
               {"AGV-oUBlWkR4J0dwXUIvrQ==", QBID_ERR_PARSE}, /* "" */
               {"o1zvyjU1usZWEWZIOkszpg==", QBID_ERR_MAC},   /* of the other key */
               {"dECaWQHohYFCCQs4Po3E", QBID_ERR_MAC},       /* no whole block */
               {"4.35", QBID_ERR_PARSE}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(read_text(QBID_PRICE_CODING_AES_ECB, &narrow, bad[i].text, &micros),
                         bad[i].err);
}

static void gcm_prices_of_libsodium_decode_and_no_flipped_bit_does(void **state)
{
    struct qbid_partner_keys keys = {.len = {32}};
    const char *text = "ZGVmZ2hpamtsbW5vfDXtU8gd34MVs1HRIWpVl4HHcqE";
    int64_t micros;
    (void)state;
    for (uint8_t i = 0; i < 32; i++)
        keys.secret[0][i] = i;
    assert_int_equal(read_text(QBID_PRICE_CODING_AES_GCM, &keys, text, &micros), 0);
    assert_int_equal(micros, 4350000);
    assert_int_equal(read_text(QBID_PRICE_CODING_AES_GCM, &keys,
                               "ZGVmZ2hpamtsbW5veDXpV03bbqsbo5Tn93jiOpjpqUhNrBO0", &micros),
                     0);
    assert_int_equal(micros, 714285);
    assert_int_equal(read_text(QBID_PRICE_CODING_AES_GCM, &keys,
                               "ZGVmZ2hpamtsbW5vYJvVD2rXbfZl8Ei6jF_XBg", &micros),
                     QBID_ERR_PARSE); /* nothing, signed */
    assert_int_equal(read_text(QBID_PRICE_CODING_AES_GCM, &keys,
                               "ZGVmZ2hpamtsbW5vZSqeVAUvEPxhNH_2RToX_aBc", &micros),
                     QBID_ERR_PARSE); /* "-1", signed */
    assert_int_equal(read_text(QBID_PRICE_CODING_AES_GCM, &keys, "ZGVmZ2hpamtsbW5v", &micros),
                     QBID_ERR_PARSE);
    unsigned bits = 0, refused = flips_refused(QBID_PRICE_CODING_AES_GCM, &keys, text, &bits);
    print_message("bits of an aes-gcm price flipped: %u of %u refused\n", refused, bits);
    assert_int_equal(refused, 8 * (12 + 4 + 16));
}

/* NIST's test vectors for GCM have no decimal text in them; that of AES-128 is by its own key. */
static void gcm_takes_keys_of_either_length(void **state)
{
    struct qbid_partner_keys narrow = aes(16);
    int64_t micros;
    (void)state;
    assert_int_equal(read_text(QBID_PRICE_CODING_AES_GCM, &narrow,
                               "ZGVmZ2hpamtsbW5vfDXtU8gd34MVs1HRIWpVl4HHcqE", &micros),
                     QBID_ERR_MAC);
}

static void the_error_queue_of_libcrypto_is_left_as_it_was(void **state)
{
    struct qbid_partner_keys keys = aes(16);
    int64_t micros;
    (void)state;
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 42);
    assert_int_equal(
        read_text(QBID_PRICE_CODING_AES_ECB, &keys, "o1zvyjU1usZWEWZIOkszpg==", &micros),
        QBID_ERR_MAC);
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 42);
    assert_int_equal(ERR_get_error(), 0);
}

/* libcrypto asks these for memory; the allocation number `memory_left` fails, -1 = none does. */
static long memory_left = -1;

static bool memory_ends(void)
{
    return memory_left == 0 || (memory_left > 0 && memory_left-- == 0);
}

static void *memory_take(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return memory_ends() ? NULL : malloc(n);
}

static void *memory_change(void *at, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return memory_ends() ? NULL : realloc(at, n);
}

static void memory_give(void *at, const char *file, int line)
{
    (void)file, (void)line;
    free(at);
}

/* From any allocation on there is no memory: no reader, or one that reads right or not at all. */
static void without_memory_nothing_is_read_wrong(void **state)
{
    struct qbid_partner_keys narrow = aes(16);
    struct qbid_partner_keys wide = {.len = {32}};
    for (uint8_t i = 0; i < 32; i++)
        wide.secret[0][i] = i;
    struct qbid_clearing_reader *usual = reader;
    long n = 0;
    (void)state;
    for (int err = QBID_ERR_NOMEM; err != 0; n++) {
        memory_left = n;
        err = qbid_clearing_reader_new(&reader);
        memory_left = -1;
        assert_true(err == 0 || err == QBID_ERR_NOMEM);
    }
    assert_true(n > 10);
    for (long left = 0; left < 20; left++) {
        int64_t micros;
        memory_left = left;
        int err = read_text(QBID_PRICE_CODING_GOOGLE, &google,
                            "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ", &micros);
        assert_true(err == 0 ? micros == 1200000 : err < 0);
        memory_left = left;
        err = read_text(QBID_PRICE_CODING_AES_ECB, &narrow, "dECaWQHohYFCCQs4Po3Euw==", &micros);
        assert_true(err == 0 ? micros == 4350000 : err < 0);
        memory_left = left;
        err = read_text(QBID_PRICE_CODING_AES_GCM, &wide,
                        "ZGVmZ2hpamtsbW5vfDXtU8gd34MVs1HRIWpVl4HHcqE", &micros);
        assert_true(err == 0 ? micros == 4350000 : err < 0);
        memory_left = -1;
        assert_int_equal(
            read_text(QBID_PRICE_CODING_AES_ECB, &narrow, "dECaWQHohYFCCQs4Po3Euw", &micros), 0);
    }
    qbid_clearing_reader_free(reader);
    reader = usual;
}

/* Calls of the code under test that still succeed; the one after them fails, those behind it do
 * not; -1 = none does. The linker sends the calls here (--wrap). */
static long calls_left = -1;

static bool call_fails(void)
{
    return calls_left >= 0 && calls_left-- == 0;
}

#define WRAPPED(type, failed, name, parameters, arguments)                                         \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return call_fails() ? (failed) : __real_##name arguments;                                  \
    }
WRAPPED(void *, NULL, calloc, (size_t n, size_t bytes), (n, bytes))
WRAPPED(int, 0, EVP_DigestInit_ex2, (EVP_MD_CTX * c, const EVP_MD *md, const OSSL_PARAM *p),
        (c, md, p))
WRAPPED(int, 0, EVP_DigestUpdate, (EVP_MD_CTX * c, const void *at, size_t len), (c, at, len))
WRAPPED(int, 0, EVP_DigestFinal_ex, (EVP_MD_CTX * c, unsigned char *out, unsigned *len),
        (c, out, len))
WRAPPED(int, 0, EVP_DecryptInit_ex2,
        (EVP_CIPHER_CTX * c, const EVP_CIPHER *cipher, const unsigned char *secret,
         const unsigned char *iv, const OSSL_PARAM *p),
        (c, cipher, secret, iv, p))
WRAPPED(int, 0, EVP_DecryptUpdate,
        (EVP_CIPHER_CTX * c, unsigned char *out, int *n, const unsigned char *at, int len),
        (c, out, n, at, len))
WRAPPED(int, 0, EVP_DecryptFinal_ex, (EVP_CIPHER_CTX * c, unsigned char *out, int *n), (c, out, n))
WRAPPED(int, 0, EVP_CIPHER_CTX_ctrl, (EVP_CIPHER_CTX * c, int type, int arg, void *at),
        (c, type, arg, at))

/* Read a price with call number 0, 1, ... failing, until all succeed; the number of those that did
 * not. A reading that fails leaves the price alone and does not spoil the next one. */
static long failures(unsigned coding, const struct qbid_partner_keys *keys, const char *text,
                     int64_t want)
{
    int64_t micros;
    for (long n = 0;; n++) {
        calls_left = n;
        int err = read_text(coding, keys, text, &micros);
        bool failed = calls_left < 0;
        calls_left = -1;
        if (!failed) {
            assert_int_equal(err, 0);
            return n;
        }
        assert_true(err == QBID_ERR_NOMEM || err == QBID_ERR_MAC);
        assert_int_equal(micros, -7);
        assert_int_equal(read_text(coding, keys, text, &micros), 0);
        assert_int_equal(micros, want);
    }
}

static void whatever_fails_in_libcrypto_nothing_is_read_wrong(void **state)
{
    struct qbid_partner_keys narrow = aes(16), wide = {.len = {32}};
    struct qbid_clearing_reader *other = NULL;
    int err = QBID_ERR_NOMEM;
    (void)state;
    for (uint8_t i = 0; i < 32; i++)
        wide.secret[0][i] = i;
    long n = 0;
    for (; err != 0; n++) {
        calls_left = n;
        err = qbid_clearing_reader_new(&other);
        calls_left = -1;
        assert_true(err == 0 ? other != NULL : err == QBID_ERR_NOMEM && other == NULL);
    }
    qbid_clearing_reader_free(other);
    assert_int_equal(n, 1 + 1 + 4 + 1); /* the reader, the digest, the ciphers, and all of them */
    const char *text = "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ";
    /* two HMACs of two digests of four calls */
    assert_int_equal(failures(QBID_PRICE_CODING_GOOGLE, &google, text, 1200000), 16);
    text = "dECaWQHohYFCCQs4Po3Euw==";
    assert_int_equal(failures(QBID_PRICE_CODING_AES_ECB, &narrow, text, 4350000), 3);
    text = "ZGVmZ2hpamtsbW5vfDXtU8gd34MVs1HRIWpVl4HHcqE";
    assert_int_equal(failures(QBID_PRICE_CODING_AES_GCM, &wide, text, 4350000), 4);
}

static void a_plain_price_needs_no_key(void **state)
{
    int64_t micros;
    (void)state;
    assert_int_equal(read_text(QBID_PRICE_CODING_PLAIN, NULL, "4.35", &micros), 0);
    assert_int_equal(micros, 4350000);
    assert_int_equal(read_text(QBID_PRICE_CODING_PLAIN, NULL, "-1", &micros), QBID_ERR_PARSE);
    assert_int_equal(read_text(QBID_PRICE_CODING_PLAIN, NULL, "", &micros), QBID_ERR_PARSE);
    assert_int_equal(read_text(QBID_PRICE_CODING_PLAIN, NULL, "${AUCTION_PRICE}", &micros),
                     QBID_ERR_PARSE);
}

static void a_price_of_one_impression_is_a_thousandth_of_a_cpm(void **state)
{
    struct qbid_clearing_rule rule = {.per_impression = true};
    int64_t micros;
    (void)state;
    assert_int_equal(qbid_clearing_read(reader, &rule, "0.00435", 7, 0, &micros), 0);
    assert_int_equal(micros, 4350000);
    assert_int_equal(qbid_clearing_read(reader, &rule, "1e15", 4, 0, &micros), 0);
    assert_true(micros == INT64_MAX);
}

static void without_its_keys_a_coding_reads_nothing(void **state)
{
    struct qbid_partner_keys none = {0}, one = google, bad = aes(16);
    const char *text = "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ";
    int64_t micros;
    (void)state;
    one.len[1] = 0;
    bad.len[0] = 24;
    assert_int_equal(read_text(QBID_PRICE_CODING_GOOGLE, NULL, text, &micros), QBID_ERR_INVAL);
    assert_int_equal(read_text(QBID_PRICE_CODING_GOOGLE, &none, text, &micros), QBID_ERR_INVAL);
    assert_int_equal(read_text(QBID_PRICE_CODING_GOOGLE, &one, text, &micros), QBID_ERR_INVAL);
    assert_int_equal(read_text(QBID_PRICE_CODING_AES_ECB, &bad, text, &micros), QBID_ERR_INVAL);
    assert_int_equal(read_text(QBID_PRICE_CODING_AES_GCM, &none, text, &micros), QBID_ERR_INVAL);
}

static void what_is_not_of_the_coding_is_no_price(void **state)
{
    static const char *const text[] = {
        "",
        "=",
        "1.2",
        "${AUCTION_PRICE}",
        "%%WINNING_PRICE%%",
        "AUDIT!",
        "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CM",      /* a length that nothing has */
        "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5C",       /* 27 bytes */
        "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQAA",   /* 30 bytes */
        "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMR",     /* spare bits */
        "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ=",    /* half the padding */
        "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ====", /* too much of it */
        "OG46wAAMCggBI0VniavN7 mNy0VTKPbB3o5CMQ"};
    char longest[QBID_CLEARING_TEXT_MAX + 5];
    int64_t micros;
    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        assert_int_equal(read_text(QBID_PRICE_CODING_GOOGLE, &google, text[i], &micros),
                         QBID_ERR_PARSE);
    memset(longest, 'A', sizeof longest);
    longest[QBID_CLEARING_TEXT_MAX + 4] = '\0';
    assert_int_equal(read_text(QBID_PRICE_CODING_GOOGLE, &google, longest, &micros),
                     QBID_ERR_PARSE);
    longest[QBID_CLEARING_TEXT_MAX] = '\0';
    struct qbid_partner_keys keys = aes(16);
    assert_true(read_text(QBID_PRICE_CODING_AES_ECB, &keys, longest, &micros) < 0);
    assert_int_equal(read_text(QBID_PRICE_CODING_AES_GCM, &keys, longest, &micros), QBID_ERR_MAC);
}

/* Every length against libsodium's decoder, which knows each alphabet apart. */
static void base64_agrees_with_libsodium(void **state)
{
    uint8_t bytes[40], back[40];
    char text[64];
    static const int variant[] = {
        sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
        sodium_base64_VARIANT_URLSAFE, sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    (void)state;
    for (size_t len = 0; len <= sizeof bytes; len++)
        for (unsigned v = 0; v < 4; v++) {
            randombytes_buf(bytes, sizeof bytes);
            sodium_bin2base64(text, sizeof text, bytes, len, variant[v]);
            assert_int_equal(qbid_base64_decode(text, strlen(text), back, len), len);
            assert_memory_equal(back, bytes, len);
            if (len > 0)
                assert_int_equal(qbid_base64_decode(text, strlen(text), back, len - 1),
                                 QBID_ERR_LIMIT);
        }
}

static void key(const char *text, uint8_t out[32])
{
    size_t len;
    assert_int_equal(sodium_base642bin(out, 32, text, strlen(text), NULL, &len, NULL,
                                       sodium_base64_VARIANT_URLSAFE),
                     0);
    assert_int_equal(len, 32);
}

static int setup(void **state)
{
    (void)state;
    google.len[0] = google.len[1] = sample.len[0] = sample.len[1] = 32;
    key("sIxwz7yw62yrfoLGt12lIHKuYrK_S5kLuApI2BQe7Ac=", google.secret[0]);
    key("v3fsVcMBMMHYzRhi7SpM0sdqwzvAxM6KPTu9OtVod5I=", google.secret[1]);
    key("skU7Ax_NL5pPAFyKdkfZjZz2-VhIN8bjj1rVFOaJ_5o=", sample.secret[0]);
    key("arO23ykdNqUQ5LEoQ0FVmPkBd7xB5CO89PDZlSjpFxo=", sample.secret[1]);
    return sodium_init() < 0 ? -1 : qbid_clearing_reader_new(&reader);
}

static int teardown(void **state)
{
    (void)state;
    qbid_clearing_reader_free(reader);
    qbid_clearing_reader_free(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_google_vectors_decode),
        cmocka_unit_test(random_google_prices_come_back_and_no_flipped_bit_does),
        cmocka_unit_test(a_google_price_has_an_age),
        cmocka_unit_test(ecb_prices_of_the_openssl_command_decode),
        cmocka_unit_test(gcm_prices_of_libsodium_decode_and_no_flipped_bit_does),
        cmocka_unit_test(gcm_takes_keys_of_either_length),
        cmocka_unit_test(the_error_queue_of_libcrypto_is_left_as_it_was),
        cmocka_unit_test(without_memory_nothing_is_read_wrong),
        cmocka_unit_test(whatever_fails_in_libcrypto_nothing_is_read_wrong),
        cmocka_unit_test(a_plain_price_needs_no_key),
        cmocka_unit_test(a_price_of_one_impression_is_a_thousandth_of_a_cpm),
        cmocka_unit_test(without_its_keys_a_coding_reads_nothing),
        cmocka_unit_test(what_is_not_of_the_coding_is_no_price),
        cmocka_unit_test(base64_agrees_with_libsodium),
    };
    if (CRYPTO_set_mem_functions(memory_take, memory_change, memory_give) != 1)
        return 1; /* before libcrypto's first allocation only */
    return cmocka_run_group_tests(tests, setup, teardown);
}
