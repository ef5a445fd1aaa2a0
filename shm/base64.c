/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes base64 strictly, for what is then decrypted or verified. */
#include "shm/base64.h"

#include "shm/error.h"

static int sextet(char c)
{
    return c == '+' ? 62 : c == '/' ? 63 : qbid_base64_sextet(c);
}

/* Length without padding; padding must fill the last group of four. */
static size_t unpadded(const char *text, size_t len)
{
    size_t n = len;
    for (unsigned i = 0; i < 2 && len % 4 == 0 && n > 0; i++)
        if (text[n - 1] == '=' || text[n - 1] == '.')
            n--;
    return n;
}

int64_t qbid_base64_decode(const char *text, size_t len, uint8_t *out, size_t out_max)
{
    uint32_t bits = 0, have = 0;
    size_t n = unpadded(text, len), written = 0;
    if (n % 4 == 1)
        return QBID_ERR_PARSE;
    if (n * 3 / 4 > out_max)
        return QBID_ERR_LIMIT;
    for (size_t i = 0; i < n; i++) {
        int value = sextet(text[i]);
        if (value < 0)
            return QBID_ERR_PARSE;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[written++] = (uint8_t)(bits >> have);
        }
    }
    return (bits & ((1u << have) - 1)) == 0 ? (int64_t)written : QBID_ERR_PARSE;
}
