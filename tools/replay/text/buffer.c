/* SPDX-License-Identifier: Apache-2.0 */
/* A growing text with the one JSON string writer of the program. */
#include "tools/replay/text/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/replay/text/money.h"

enum { FIRST_BYTES = 1024 };

void qbid_replay_buffer_done(struct qbid_replay_buffer *buffer)
{
    free(buffer->text);
    *buffer = (struct qbid_replay_buffer){0};
}

void qbid_replay_buffer_clear(struct qbid_replay_buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = false;
}

char *qbid_replay_buffer_reserve(struct qbid_replay_buffer *buffer, size_t extra)
{
    if (buffer->failed)
        return NULL;
    if (buffer->cap - buffer->len < extra) {
        size_t cap = buffer->cap ? buffer->cap : FIRST_BYTES;
        while (cap - buffer->len < extra)
            cap *= 2;
        char *text = realloc(buffer->text, cap);
        if (!text) {
            buffer->failed = true;
            return NULL;
        }
        buffer->text = text;
        buffer->cap = cap;
    }
    return buffer->text + buffer->len;
}

void qbid_replay_buffer_add(struct qbid_replay_buffer *buffer, const char *text, size_t len)
{
    char *end = qbid_replay_buffer_reserve(buffer, len);
    if (!end || len == 0)
        return;
    memcpy(end, text, len);
    buffer->len += len;
}

void qbid_replay_buffer_add_text(struct qbid_replay_buffer *buffer, const char *text)
{
    qbid_replay_buffer_add(buffer, text, strlen(text));
}

void qbid_replay_buffer_add_span(struct qbid_replay_buffer *buffer, struct qbid_replay_span span)
{
    qbid_replay_buffer_add(buffer, span.at, span.len);
}

void qbid_replay_buffer_add_int(struct qbid_replay_buffer *buffer, int64_t number)
{
    char text[QBID_REPLAY_MONEY_TEXT_BYTES];
    qbid_replay_buffer_add(buffer, text, qbid_replay_money_print(number, 0, text));
}

void qbid_replay_buffer_add_micros(struct qbid_replay_buffer *buffer, int64_t micros)
{
    char text[QBID_REPLAY_MONEY_TEXT_BYTES];
    qbid_replay_buffer_add(buffer, text, qbid_replay_money_print(micros, 6, text));
}

static bool is_tail(const unsigned char *at, const unsigned char *end, size_t n)
{
    if ((size_t)(end - at) < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((at[i] & 0xC0) != 0x80)
            return false;
    return true;
}

/* Bytes of the UTF-8 character that starts at `at`, 0 when it is not one (RFC 3629: no overlong
 * forms, no surrogates, nothing above U+10FFFF). */
static size_t utf8_bytes(const unsigned char *at, const unsigned char *end)
{
    unsigned char c = at[0];
    if (c < 0x80)
        return 1;
    if (c >= 0xC2 && c <= 0xDF)
        return is_tail(at + 1, end, 1) ? 2 : 0;
    if (c >= 0xE0 && c <= 0xEF) {
        if (!is_tail(at + 1, end, 2) || (c == 0xE0 && at[1] < 0xA0) || (c == 0xED && at[1] > 0x9F))
            return 0;
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        if (!is_tail(at + 1, end, 3) || (c == 0xF0 && at[1] < 0x90) || (c == 0xF4 && at[1] > 0x8F))
            return 0;
        return 4;
    }
    return 0;
}

static void add_escaped(struct qbid_replay_buffer *buffer, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    switch (c) {
    case '"':
        qbid_replay_buffer_add(buffer, "\\\"", 2);
        break;
    case '\\':
        qbid_replay_buffer_add(buffer, "\\\\", 2);
        break;
    case '\n':
        qbid_replay_buffer_add(buffer, "\\n", 2);
        break;
    case '\t':
        qbid_replay_buffer_add(buffer, "\\t", 2);
        break;
    default:
        qbid_replay_buffer_add(buffer, text, sizeof text);
    }
}

void qbid_replay_buffer_add_json(struct qbid_replay_buffer *buffer, const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text;
    const unsigned char *end = at + len;
    qbid_replay_buffer_add(buffer, "\"", 1);
    while (at < end) {
        const unsigned char *from = at;
        while (at < end && *at >= 0x20 && *at < 0x7F && *at != '"' && *at != '\\')
            at++;
        qbid_replay_buffer_add(buffer, (const char *)from, (size_t)(at - from));
        if (at == end)
            break;
        size_t bytes = utf8_bytes(at, end);
        if (bytes == 0) {
            qbid_replay_buffer_add_text(buffer, "\xEF\xBF\xBD");
            at++;
        } else if (bytes == 1) {
            add_escaped(buffer, *at++);
        } else {
            qbid_replay_buffer_add(buffer, (const char *)at, bytes);
            at += bytes;
        }
    }
    qbid_replay_buffer_add(buffer, "\"", 1);
}

void qbid_replay_buffer_print(struct qbid_replay_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *end = len < 0 ? NULL : qbid_replay_buffer_reserve(buffer, (size_t)len + 1);
    if (!end)
        return;
    va_start(args, format);
    vsnprintf(end, (size_t)len + 1, format, args);
    va_end(args);
    buffer->len += (size_t)len;
}
