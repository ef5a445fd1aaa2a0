/* SPDX-License-Identifier: Apache-2.0 */
/* Scans RFC 8259 texts; control characters in strings are refused, UTF-8 is not checked. */
#include "tools/replay/text/json.h"

#include <string.h>

#include "shm/error.h"

static void skip_space(struct qbid_replay_json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t'))
        json->at++;
}

struct qbid_replay_json qbid_replay_json_start(const char *text, size_t len)
{
    return (struct qbid_replay_json){text, text + len};
}

char qbid_replay_json_peek(struct qbid_replay_json *json)
{
    skip_space(json);
    return json->at < json->end ? *json->at : '\0';
}

static bool take(struct qbid_replay_json *json, char c)
{
    if (qbid_replay_json_peek(json) != c)
        return false;
    json->at++;
    return true;
}

int qbid_replay_json_enter(struct qbid_replay_json *json, char bracket)
{
    return take(json, bracket) ? 0 : QBID_ERR_PARSE;
}

int qbid_replay_json_member(struct qbid_replay_json *json, bool *first,
                            struct qbid_replay_span *ret_key)
{
    if (take(json, '}'))
        return 0;
    if (!*first && !take(json, ','))
        return QBID_ERR_PARSE;
    *first = false;
    int err = qbid_replay_json_string(json, ret_key);
    if (err)
        return err;
    return take(json, ':') ? 1 : QBID_ERR_PARSE;
}

int qbid_replay_json_item(struct qbid_replay_json *json, bool *first)
{
    if (take(json, ']'))
        return 0;
    if (!*first && !take(json, ','))
        return QBID_ERR_PARSE;
    *first = false;
    return qbid_replay_json_peek(json) == ']' ? QBID_ERR_PARSE : 1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Four hex digits at `at`, -1 when they are not there. */
static int hex4(const char *at, const char *end)
{
    int value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

int qbid_replay_json_string(struct qbid_replay_json *json, struct qbid_replay_span *ret_raw)
{
    if (!take(json, '"'))
        return QBID_ERR_PARSE;
    const char *from = json->at;
    for (const char *at = from; at < json->end; at++) {
        if (*at == '"') {
            *ret_raw = (struct qbid_replay_span){from, (size_t)(at - from)};
            json->at = at + 1;
            return 0;
        }
        if ((unsigned char)*at < 0x20)
            return QBID_ERR_PARSE;
        if (*at == '\\') {
            if (++at == json->end || !memchr("\"\\/bfnrtu", *at, 9))
                return QBID_ERR_PARSE;
            if (*at == 'u' && hex4(at + 1, json->end) < 0)
                return QBID_ERR_PARSE;
        }
    }
    return QBID_ERR_PARSE;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

int qbid_replay_json_number(struct qbid_replay_json *json, struct qbid_replay_span *ret_text)
{
    qbid_replay_json_peek(json);
    const char *from = json->at;
    const char *at = from;
    if (at < json->end && *at == '-')
        at++;
    const char *whole = at;
    at = skip_digits(at, json->end);
    if (at == whole || (at - whole > 1 && *whole == '0'))
        return QBID_ERR_PARSE;
    if (at < json->end && *at == '.') {
        const char *part = ++at;
        at = skip_digits(at, json->end);
        if (at == part)
            return QBID_ERR_PARSE;
    }
    if (at < json->end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < json->end && (*at == '+' || *at == '-'))
            at++;
        const char *part = at;
        at = skip_digits(at, json->end);
        if (at == part)
            return QBID_ERR_PARSE;
    }
    *ret_text = (struct qbid_replay_span){from, (size_t)(at - from)};
    json->at = at;
    return 0;
}

static int skip_word(struct qbid_replay_json *json, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(json->end - json->at) < len || memcmp(json->at, word, len) != 0)
        return QBID_ERR_PARSE;
    json->at += len;
    return 0;
}

static int skip_plain(struct qbid_replay_json *json)
{
    struct qbid_replay_span ignored;
    switch (qbid_replay_json_peek(json)) {
    case '"':
        return qbid_replay_json_string(json, &ignored);
    case 't':
        return skip_word(json, "true");
    case 'f':
        return skip_word(json, "false");
    case 'n':
        return skip_word(json, "null");
    default:
        return qbid_replay_json_number(json, &ignored);
    }
}

int qbid_replay_json_skip(struct qbid_replay_json *json)
{
    struct {
        bool is_object;
        bool first;
    } open[QBID_REPLAY_JSON_DEPTH_MAX];
    int depth = 0;
    do {
        char c = qbid_replay_json_peek(json);
        if (c == '{' || c == '[') {
            if (depth == QBID_REPLAY_JSON_DEPTH_MAX)
                return QBID_ERR_LIMIT;
            json->at++;
            open[depth].is_object = c == '{';
            open[depth++].first = true;
        } else {
            int err = skip_plain(json);
            if (err)
                return err;
        }
        while (depth > 0) { /* go to the next value of the innermost open bracket, or close it */
            struct qbid_replay_span key;
            int more = open[depth - 1].is_object
                           ? qbid_replay_json_member(json, &open[depth - 1].first, &key)
                           : qbid_replay_json_item(json, &open[depth - 1].first);
            if (more < 0)
                return more;
            if (more)
                break;
            depth--;
        }
    } while (depth > 0);
    return 0;
}

int qbid_replay_json_finish(struct qbid_replay_json *json)
{
    skip_space(json);
    return json->at == json->end ? 0 : QBID_ERR_PARSE;
}

static void add_utf8(struct qbid_replay_buffer *buffer, unsigned code)
{
    char text[4];
    size_t len = 0;
    if (code < 0x80) {
        text[len++] = (char)code;
    } else if (code < 0x800) {
        text[len++] = (char)(0xC0 | code >> 6);
        text[len++] = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        text[len++] = (char)(0xE0 | code >> 12);
        text[len++] = (char)(0x80 | (code >> 6 & 0x3F));
        text[len++] = (char)(0x80 | (code & 0x3F));
    } else {
        text[len++] = (char)(0xF0 | code >> 18);
        text[len++] = (char)(0x80 | (code >> 12 & 0x3F));
        text[len++] = (char)(0x80 | (code >> 6 & 0x3F));
        text[len++] = (char)(0x80 | (code & 0x3F));
    }
    qbid_replay_buffer_add(buffer, text, len);
}

/* at stands on the first of four hex digits; returns how many bytes were used. */
static size_t unescape_unicode(struct qbid_replay_buffer *buffer, const char *at, const char *end)
{
    unsigned code = (unsigned)hex4(at, end);
    if (code >= 0xD800 && code < 0xDC00 && end - at >= 10 && at[4] == '\\' && at[5] == 'u') {
        unsigned low = (unsigned)hex4(at + 6, end);
        if (low >= 0xDC00 && low < 0xE000) {
            add_utf8(buffer, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
            return 10;
        }
    }
    add_utf8(buffer, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    return 4;
}

void qbid_replay_json_unescape(struct qbid_replay_buffer *buffer, struct qbid_replay_span raw)
{
    static const char escapes[] = "bfnrt", values[] = "\b\f\n\r\t";
    const char *at = raw.at;
    const char *end = raw.at + raw.len;
    while (at < end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((slash ? slash : end) - at);
        qbid_replay_buffer_add(buffer, at, plain);
        if (!slash)
            break;
        at = slash + 2;
        const char *known = memchr(escapes, slash[1], sizeof escapes - 1);
        if (slash[1] == 'u')
            at += unescape_unicode(buffer, at, end);
        else
            qbid_replay_buffer_add(buffer, known ? &values[known - escapes] : &slash[1], 1);
    }
}
