/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any text as a clearing price in any coding; and any text coded as a partner would,
 * which then reads as the number that it is, and with one bit changed as none. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include "plugin/notice/clearing.h"
#include "plugin/number.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_replays = 30000;

#define NOW_S UINT64_C(946749888)
#define PLAIN_MAX 60 /* in base64 with IV and tag it stays under QBID_CLEARING_TEXT_MAX */

static struct qbid_clearing_reader *reader;

/* The last has lengths that no coding takes. */
static const struct qbid_partner_keys keys[] = {{.len = {32, 32}, .secret = {{1}, {2}}},
                                                {.len = {16, 16}, .secret = {{3}, {4}}},
                                                {.len = {24, 0}, .secret = {{5}}}};
#define KEYS (sizeof keys / sizeof keys[0])

static void must(bool good)
{
    if (!good)
        abort();
}

static int read_price(const struct qbid_clearing_rule *rule, const char *text, size_t len,
                      int64_t *ret_micros)
{
    return qbid_clearing_read(reader, rule, text, len, NOW_S, ret_micros);
}

static void check_text(const char *text, size_t size)
{
    for (unsigned i = 0; i < QBID_PRICE_CODING_CNT * KEYS; i++) {
        struct qbid_clearing_rule rule = {.coding = (uint8_t)(i / KEYS), .keys = &keys[i % KEYS]};
        int64_t micros = -1, again = -1, each = -1;
        int err = read_price(&rule, text, size, &micros);
        must(err <= 0 && (micros >= 0) == (err == 0));
        must(read_price(&rule, text, size, &again) == err && again == micros);
        rule.per_impression = true;
        must(read_price(&rule, text, size, &each) == err);
        must(err != 0 || each == (micros > INT64_MAX / 1000 ? INT64_MAX : micros * 1000));
        rule.age_max_s = 60;
        err = read_price(&rule, text, size, &each);
        must(rule.coding == QBID_PRICE_CODING_GOOGLE || (err == 0) == (micros >= 0));
        rule.keys = NULL;
        must(rule.coding == QBID_PRICE_CODING_PLAIN || read_price(&rule, text, size, &each) < 0);
    }
}

/* Bytes as base64; the bit after the last one changes nothing. */
static int read_bytes(const struct qbid_clearing_rule *rule, uint8_t *bytes, size_t len, size_t bit,
                      int64_t *ret_micros)
{
    char text[QBID_CLEARING_TEXT_MAX + 1];
    if (bit < 8 * len)
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    sodium_bin2base64(text, sizeof text, bytes, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    if (bit < 8 * len)
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    return read_price(rule, text, strlen(text), ret_micros);
}

static void check_google(const uint8_t *data, size_t size)
{
    uint8_t bytes[28], plain[24], mac[EVP_MAX_MD_SIZE];
    unsigned len;
    int64_t micros = -1;
    uint64_t price = 0;
    struct qbid_clearing_rule rule = {.coding = QBID_PRICE_CODING_GOOGLE, .keys = &keys[0]};
    if (size < sizeof plain + 1)
        return;
    memcpy(plain, data, sizeof plain);
    memcpy(bytes, plain + 8, 16);
    must(HMAC(EVP_sha1(), keys[0].secret[0], 32, bytes, 16, mac, &len) && len == 20);
    for (unsigned i = 0; i < 8; i++) {
        bytes[16 + i] = plain[i] ^ mac[i];
        price = price << 8 | plain[i];
    }
    must(HMAC(EVP_sha1(), keys[0].secret[1], 32, plain, sizeof plain, mac, &len) && len == 20);
    memcpy(bytes + 24, mac, 4);
    int err = read_bytes(&rule, bytes, sizeof bytes, SIZE_MAX, &micros);
    must(price <= INT64_MAX ? err == 0 && micros == (int64_t)price : err < 0);
    must(read_bytes(&rule, bytes, sizeof bytes, data[24] % (8 * sizeof bytes), &micros) < 0);
}

/* Encrypt by libcrypto, here in one context of its own; returns the bytes. */
static size_t encrypt(const EVP_CIPHER *cipher, const uint8_t *secret, const uint8_t *iv,
                      const uint8_t *text, size_t len, uint8_t *out, uint8_t *tag)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int head = 0, tail = 0;
    must(context && EVP_EncryptInit_ex(context, cipher, NULL, secret, iv) == 1 &&
         EVP_EncryptUpdate(context, out, &head, text, (int)len) == 1 &&
         EVP_EncryptFinal_ex(context, out + head, &tail) == 1);
    if (tag)
        must(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1);
    EVP_CIPHER_CTX_free(context);
    return (size_t)(head + tail);
}

static void check_aes(const uint8_t *data, size_t size)
{
    uint8_t bytes[PLAIN_MAX + 32];
    int64_t want = -1, micros = -1;
    if (size == 0 || size > PLAIN_MAX)
        return;
    bool number =
        qbid_number_micros((const char *)data, size, QBID_NUMBER_NEAREST, &want) == 0 && want >= 0;
    for (unsigned i = 0; i < 2; i++) { /* keys of 32 and of 16 bytes */
        struct qbid_clearing_rule rule = {.coding = QBID_PRICE_CODING_AES_ECB, .keys = &keys[i]};
        size_t n = encrypt(i ? EVP_aes_128_ecb() : EVP_aes_256_ecb(), keys[i].secret[0], NULL, data,
                           size, bytes, NULL);
        int err = read_bytes(&rule, bytes, n, SIZE_MAX, &micros);
        must(number ? err == 0 && micros == want : err < 0);
        rule.coding = QBID_PRICE_CODING_AES_GCM;
        memset(bytes, (int)size, 12);
        n = encrypt(i ? EVP_aes_128_gcm() : EVP_aes_256_gcm(), keys[i].secret[0], bytes, data, size,
                    bytes + 12, bytes + 12 + size);
        must(n == size);
        err = read_bytes(&rule, bytes, size + 28, SIZE_MAX, &micros);
        must(number ? err == 0 && micros == want : err < 0);
        must(read_bytes(&rule, bytes, size + 28,
                        (data[0] * 31u + data[size - 1]) % (8 * size + 224), &micros) < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!reader)
        must(sodium_init() >= 0 && qbid_clearing_reader_new(&reader) == 0);
    char *text = malloc(size + 1); /* of its own, so that a byte too far is seen */
    memcpy(text, data, size);
    check_text(text, size);
    check_google(data, size);
    check_aes(data, size);
    free(text);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    static const char *const seed[] = {
        "1.25",
        "0",
        "-1",
        "1e300",
        "0.0000005",
        "${AUCTION_PRICE}",
        "AUDIT",
        "OG46wAAMCggBI0VniavN7-mNy0VTKPbB3o5CMQ",
        "OG46wAAMCggBI0VniavN7+mNy0VUYQvRuIJiRw..",
        "dECaWQHohYFCCQs4Po3Euw==",
        "ZGVmZ2hpamtsbW5vfDXtU8gd34MVs1HRIWpVl4HHcqE",
        "00000000000000000000000000000000000000000000000000000000001.5",
    };
    static const uint8_t google[25] = {0, 0, 0, 0, 0, 0x12, 0x4f, 0x80, 0x38, 0x6e, 0x3a, 0xc0};
    for (size_t i = 0; i < sizeof seed / sizeof seed[0]; i++)
        fn(context, seed[i], strlen(seed[i]));
    fn(context, google, sizeof google);
}
