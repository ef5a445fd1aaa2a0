/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 as it comes in URLs and key files: web-safe or plain alphabet, with or without padding. */
#ifndef QBID_SHM_BASE64_H
#define QBID_SHM_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Value of a character of the web-safe alphabet (RFC 4648, 5), -1 for any other. */
static inline int qbid_base64_sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/**
 * Decode either alphabet; padding ("=", or "." as some web-safe encoders write it) may be left out.
 *
 * Returns: bytes written; QBID_ERR_PARSE for another character, a length that no encoder makes, or
 *          spare bits that are not 0 (one value has one text, but for alphabet and padding);
 *          QBID_ERR_LIMIT over out_max.
 */
int64_t qbid_base64_decode(const char *text, size_t len, uint8_t *out, size_t out_max);

#endif
