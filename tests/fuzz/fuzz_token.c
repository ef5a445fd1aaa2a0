/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any text as a token, and any bytes as what a token says. Only what was signed is
 * believed, under one text; with any bit changed it is refused. */
#include <stdlib.h>
#include <string.h>

#include "plugin/notice/token.h"
#include "tests/fuzz/fuzz.h"

const unsigned fuzz_replays = 50000;

static const struct qbid_keys keys = {.id = {7, 6}, .secret = {{1, 2, 3}, {4, 5, 6}}};
/* Of another site: the same numbers, other secrets. */
static const struct qbid_keys others = {.id = {7, 6}, .secret = {{3, 2, 1}, {6, 5, 4}}};

#define FLIPS_MAX 16 /* an input: what takes longer finds less */

static void must(bool good)
{
    if (!good)
        abort();
}

/* A text of which nothing is known. */
static void check_text(const char *text, size_t size)
{
    struct qbid_token token;
    char again[QBID_TOKEN_CHARS];
    if (qbid_token_verify(&keys, text, size, &token) != 0)
        return;
    struct qbid_keys signer = {.id = {token.key_id}};
    memcpy(signer.secret[0], keys.secret[token.key_id == keys.id[0] ? 0 : 1], QBID_KEY_BYTES);
    must(qbid_token_sign(&signer, &token, again) == 0);
    must(size == sizeof again && memcmp(text, again, size) == 0);
}

/* The bytes as a token's fields: they come back, and with one bit of the text changed nothing does.
 */
static void check_fields(const uint8_t *data, size_t size)
{
    static const char base64url[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct qbid_token token, back;
    char text[QBID_TOKEN_CHARS];
    if (size < sizeof token + 1)
        return;
    memcpy(&token, data, sizeof token);
    must(qbid_token_sign(&keys, &token, text) == 0);
    must(qbid_token_verify(&keys, text, sizeof text, &back) == 0);
    token.version = QBID_TOKEN_VERSION;
    token.key_id = keys.id[0];
    must(memcmp(&token, &back, sizeof token) == 0);
    size_t end = size < sizeof token + FLIPS_MAX ? size : sizeof token + FLIPS_MAX;
    for (size_t i = sizeof token; i < end; i++) {
        unsigned at = data[i] % QBID_TOKEN_CHARS;
        char right = text[at];
        size_t value = (size_t)(strchr(base64url, right) - base64url);
        text[at] = base64url[value ^ 1u << i % 6];
        must(qbid_token_verify(&keys, text, sizeof text, &back) < 0);
        text[at] = (char)(right ^ 1 << i % 8);
        must(qbid_token_verify(&keys, text, sizeof text, &back) < 0);
        text[at] = right;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* of its own, so that a byte too far is seen */
    memcpy(text, data, size);
    check_text(text, size);
    check_fields(data, size);
    free(text);
    return 0;
}

void fuzz_seeds(fuzz_seed_fn *fn, void *context)
{
    struct qbid_token token = {
        .level = 1, .tenant = 3, .nonce = 77, .bid_nanos = 5000000, .gen = 9};
    struct qbid_keys before = {.id = {keys.id[1]}};
    char text[QBID_TOKEN_CHARS], long_text[QBID_TOKEN_CHARS + 1];
    uint8_t fields[sizeof token + 8] = {0};
    must(qbid_token_sign(&keys, &token, text) == 0);
    fn(context, text, sizeof text);
    fn(context, text, sizeof text - 1);
    memcpy(long_text, text, sizeof text);
    long_text[sizeof text] = '=';
    fn(context, long_text, sizeof long_text);
    memcpy(before.secret[0], keys.secret[1], QBID_KEY_BYTES);
    must(qbid_token_sign(&before, &token, text) == 0);
    fn(context, text, sizeof text);
    must(qbid_token_sign(&others, &token, text) == 0);
    fn(context, text, sizeof text);
    memcpy(fields, &token, sizeof token);
    for (uint8_t i = 0; i < 8; i++)
        fields[sizeof token + i] = (uint8_t)(12 * i);
    fn(context, fields, sizeof fields);
    memset(fields, 0xff, sizeof fields);
    fn(context, fields, sizeof fields);
}
