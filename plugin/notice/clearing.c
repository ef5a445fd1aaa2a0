/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes prices; the cryptography is libcrypto's, in contexts that are made once. */
#include "plugin/notice/clearing.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "shm/base64.h"
#include "plugin/number.h"
#include "shm/error.h"
#include "shm/units.h"

#define SHA1_BYTES 20
#define SHA1_BLOCK 64
#define GOOGLE_IV 16
#define GOOGLE_PRICE 8
#define GOOGLE_MAC 4
#define GOOGLE_BYTES (GOOGLE_IV + GOOGLE_PRICE + GOOGLE_MAC)
#define AES_BLOCK 16
#define GCM_IV 12
#define GCM_TAG 16

/* Ciphers by kind and by whether the key has 32 bytes. */
enum { ECB, GCM, KINDS };

struct qbid_clearing_reader {
    EVP_MD *sha1;
    EVP_MD_CTX *digest;
    EVP_CIPHER *cipher[KINDS][2];
    EVP_CIPHER_CTX *context[KINDS][2]; /* a context keeps its memory while its cipher stays */
};

int qbid_clearing_reader_new(struct qbid_clearing_reader **ret_reader)
{
    static const char *const names[KINDS][2] = {{"AES-128-ECB", "AES-256-ECB"},
                                                {"AES-128-GCM", "AES-256-GCM"}};
    struct qbid_clearing_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return QBID_ERR_NOMEM;
    reader->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    reader->digest = EVP_MD_CTX_new();
    bool good = reader->sha1 && reader->digest &&
                EVP_DigestInit_ex2(reader->digest, reader->sha1, NULL) == 1;
    for (unsigned kind = 0; kind < KINDS; kind++)
        for (unsigned wide = 0; wide < 2; wide++) {
            EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, names[kind][wide], NULL);
            EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
            reader->cipher[kind][wide] = cipher;
            reader->context[kind][wide] = context;
            good = good && cipher && context &&
                   EVP_DecryptInit_ex2(context, cipher, NULL, NULL, NULL) == 1;
        }
    if (!good) {
        qbid_clearing_reader_free(reader);
        return QBID_ERR_NOMEM;
    }
    *ret_reader = reader;
    return 0;
}

void qbid_clearing_reader_free(struct qbid_clearing_reader *reader)
{
    if (!reader)
        return;
    for (unsigned i = 0; i < KINDS * 2; i++) {
        EVP_CIPHER_CTX_free(reader->context[i / 2][i % 2]);
        EVP_CIPHER_free(reader->cipher[i / 2][i % 2]);
    }
    EVP_MD_CTX_free(reader->digest);
    EVP_MD_free(reader->sha1);
    free(reader);
}

/* False without memory: libcrypto takes some for every digest. */
static bool sha1(const struct qbid_clearing_reader *reader, const uint8_t block[SHA1_BLOCK],
                 const uint8_t *text, size_t len, uint8_t out[SHA1_BYTES])
{
    return EVP_DigestInit_ex2(reader->digest, reader->sha1, NULL) == 1 &&
           EVP_DigestUpdate(reader->digest, block, SHA1_BLOCK) == 1 &&
           EVP_DigestUpdate(reader->digest, text, len) == 1 &&
           EVP_DigestFinal_ex(reader->digest, out, NULL) == 1;
}

/* RFC 2104. */
static bool hmac(const struct qbid_clearing_reader *reader,
                 const uint8_t key[QBID_PARTNER_KEY_BYTES], const uint8_t *text, size_t len,
                 uint8_t out[SHA1_BYTES])
{
    uint8_t block[SHA1_BLOCK] = {0}, inner[SHA1_BYTES];
    memcpy(block, key, QBID_PARTNER_KEY_BYTES);
    for (unsigned i = 0; i < SHA1_BLOCK; i++)
        block[i] ^= 0x36;
    bool good = sha1(reader, block, text, len, inner);
    for (unsigned i = 0; i < SHA1_BLOCK; i++)
        block[i] ^= 0x36 ^ 0x5c;
    good = good && sha1(reader, block, inner, sizeof inner, out);
    OPENSSL_cleanse(block, sizeof block);
    return good;
}

static uint64_t load_be(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static int google(struct qbid_clearing_reader *reader, const struct qbid_clearing_rule *rule,
                  const uint8_t *bytes, size_t len, uint64_t unix_s, int64_t *ret_micros)
{
    uint8_t pad[SHA1_BYTES], mac[SHA1_BYTES], plain[GOOGLE_PRICE + GOOGLE_IV];
    if (len != GOOGLE_BYTES)
        return QBID_ERR_PARSE;
    if (!hmac(reader, rule->keys->secret[0], bytes, GOOGLE_IV, pad))
        return QBID_ERR_NOMEM;
    for (unsigned i = 0; i < GOOGLE_PRICE; i++)
        plain[i] = bytes[GOOGLE_IV + i] ^ pad[i];
    memcpy(plain + GOOGLE_PRICE, bytes, GOOGLE_IV);
    if (!hmac(reader, rule->keys->secret[1], plain, sizeof plain, mac))
        return QBID_ERR_NOMEM;
    if (CRYPTO_memcmp(mac, bytes + GOOGLE_IV + GOOGLE_PRICE, GOOGLE_MAC) != 0)
        return QBID_ERR_MAC;
    uint64_t made_s = load_be(bytes, 4), price = load_be(plain, GOOGLE_PRICE);
    uint64_t age_s = made_s > unix_s ? made_s - unix_s : unix_s - made_s;
    if (rule->age_max_s != 0 && age_s > rule->age_max_s)
        return QBID_ERR_EXPIRED;
    if (price > INT64_MAX)
        return QBID_ERR_PARSE;
    *ret_micros = (int64_t)price;
    return 0;
}

/* A number that is not negative. */
static int decimal(const char *text, size_t len, int64_t *ret_micros)
{
    int64_t micros;
    if (qbid_number_micros(text, len, QBID_NUMBER_NEAREST, &micros) != 0 || micros < 0)
        return QBID_ERR_PARSE;
    *ret_micros = micros;
    return 0;
}

static int ecb(struct qbid_clearing_reader *reader, const struct qbid_clearing_rule *rule,
               const uint8_t *bytes, size_t len, int64_t *ret_micros)
{
    EVP_CIPHER_CTX *context = reader->context[ECB][rule->keys->len[0] == 32];
    uint8_t plain[QBID_CLEARING_TEXT_MAX + AES_BLOCK];
    int head = 0, tail = 0;
    if (EVP_DecryptInit_ex2(context, NULL, rule->keys->secret[0], NULL, NULL) != 1 ||
        EVP_DecryptUpdate(context, plain, &head, bytes, (int)len) != 1 ||
        EVP_DecryptFinal_ex(context, plain + head, &tail) != 1)
        return QBID_ERR_MAC; /* the padding is not one */
    return decimal((const char *)plain, (size_t)(head + tail), ret_micros);
}

static int gcm(struct qbid_clearing_reader *reader, const struct qbid_clearing_rule *rule,
               const uint8_t *bytes, size_t len, int64_t *ret_micros)
{
    EVP_CIPHER_CTX *context = reader->context[GCM][rule->keys->len[0] == 32];
    uint8_t plain[QBID_CLEARING_TEXT_MAX], tag[GCM_TAG];
    int head = 0, tail = 0;
    if (len < GCM_IV + GCM_TAG)
        return QBID_ERR_PARSE;
    size_t body = len - GCM_IV - GCM_TAG;
    memcpy(tag, bytes + len - GCM_TAG, GCM_TAG);
    if (EVP_DecryptInit_ex2(context, NULL, rule->keys->secret[0], bytes, NULL) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, GCM_TAG, tag) != 1 ||
        EVP_DecryptUpdate(context, plain, &head, bytes + GCM_IV, (int)body) != 1 ||
        EVP_DecryptFinal_ex(context, plain + head, &tail) != 1)
        return QBID_ERR_MAC;
    return decimal((const char *)plain, (size_t)(head + tail), ret_micros);
}

static bool keys_fit(const struct qbid_clearing_rule *rule)
{
    const struct qbid_partner_keys *keys = rule->keys;
    if (!keys)
        return false;
    if (rule->coding == QBID_PRICE_CODING_GOOGLE)
        return keys->len[0] == 32 && keys->len[1] == 32;
    return keys->len[0] == 16 || keys->len[0] == 32;
}

static int coded(struct qbid_clearing_reader *reader, const struct qbid_clearing_rule *rule,
                 const char *text, size_t len, uint64_t unix_s, int64_t *ret_micros)
{
    uint8_t bytes[QBID_CLEARING_TEXT_MAX];
    if (!keys_fit(rule))
        return QBID_ERR_INVAL;
    int64_t n =
        len <= QBID_CLEARING_TEXT_MAX ? qbid_base64_decode(text, len, bytes, sizeof bytes) : 0;
    if (n <= 0)
        return QBID_ERR_PARSE;
    ERR_set_mark();
    int err = rule->coding == QBID_PRICE_CODING_GOOGLE
                  ? google(reader, rule, bytes, (size_t)n, unix_s, ret_micros)
              : rule->coding == QBID_PRICE_CODING_AES_ECB
                  ? ecb(reader, rule, bytes, (size_t)n, ret_micros)
                  : gcm(reader, rule, bytes, (size_t)n, ret_micros);
    ERR_pop_to_mark();
    return err;
}

int qbid_clearing_read(struct qbid_clearing_reader *reader, const struct qbid_clearing_rule *rule,
                       const char *text, size_t len, uint64_t unix_s, int64_t *ret_micros)
{
    int64_t micros;
    int err = rule->coding == QBID_PRICE_CODING_PLAIN
                  ? decimal(text, len, &micros)
                  : coded(reader, rule, text, len, unix_s, &micros);
    if (err != 0)
        return err;
    if (rule->per_impression)
        micros = micros > INT64_MAX / 1000 ? INT64_MAX : micros * 1000;
    *ret_micros = micros;
    return 0;
}
