/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed piece of text, and what parsers and writers here do with one. */
#ifndef QBID_PLUGIN_TEXT_H
#define QBID_PLUGIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* len 0 = absent. Not terminated. */
struct qbid_text {
    const char *at;
    uint32_t len;
};

static inline bool qbid_text_is(struct qbid_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

static inline char qbid_text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline char qbid_text_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

/** Copy a text in lower case; the two do not overlap. */
void qbid_text_copy_lower(char *to, const char *from, size_t len);

/**
 * Resolve the escapes of a JSON string's inside.
 *
 * Shapes:  out has room for len bytes; it may not overlap text.
 * Returns: bytes written (>= 0); QBID_ERR_PARSE for an escape that JSON does not know. A surrogate
 *          without its other half becomes U+FFFD: titles cut in mid-emoji are met in the wild.
 */
int64_t qbid_text_unescape(const char *text, size_t len, char *out);

/** Whether every backslash in a JSON string's inside starts an escape that JSON knows. */
bool qbid_text_escapes_valid(const char *text, size_t len);

/** A decimal number from 1 to 65535 without a leading zero; 0 for any other text. */
uint16_t qbid_text_u16(struct qbid_text text);

/** Whether text is UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF). */
bool qbid_text_utf8_valid(const char *text, size_t len);

/**
 * Resolve %XX of a URL's query value; "+" stays "+", tokens and prices have none.
 *
 * Returns: bytes written; QBID_ERR_PARSE for a broken escape, QBID_ERR_LIMIT over out_max.
 */
int64_t qbid_text_url_decode(const char *text, size_t len, char *out, size_t out_max);

#ifdef __cplusplus
}
#endif

#endif
