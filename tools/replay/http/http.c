/* SPDX-License-Identifier: Apache-2.0 */
/* Reads answers: the head once it is whole, then a body by length, by chunks, or until the end. */
#include "tools/replay/http/http.h"

#include <string.h>
#include <strings.h>

#include "shm/error.h"

static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

static bool starts_with(const char *text, size_t len, struct qbid_replay_span word)
{
    return len >= word.len && strncasecmp(text, word.at, word.len) == 0;
}

static int split_authority(struct qbid_replay_span authority, struct qbid_replay_url *url)
{
    const char *end = authority.at + authority.len;
    const char *after = authority.at;
    if (authority.len > 0 && *after == '[') {
        after = memchr(after, ']', authority.len);
        if (!after)
            return QBID_ERR_PARSE;
    }
    const char *colon = memchr(after, ':', (size_t)(end - after));
    url->host =
        (struct qbid_replay_span){authority.at, (size_t)((colon ? colon : end) - authority.at)};
    url->port =
        (struct qbid_replay_span){colon ? colon + 1 : end, colon ? (size_t)(end - colon - 1) : 0};
    if (url->host.len == 0 || (colon && url->port.len == 0) || url->port.len > 5)
        return QBID_ERR_PARSE;
    for (size_t i = 0; i < url->port.len; i++)
        if (url->port.at[i] < '0' || url->port.at[i] > '9')
            return QBID_ERR_PARSE;
    return 0;
}

int qbid_replay_url_parse(const char *url, size_t len, struct qbid_replay_url *ret_url)
{
    struct qbid_replay_url parts = {0};
    size_t scheme = 0;
    if (len == 0 || !is_plain(url, len))
        return QBID_ERR_PARSE;
    const char *fragment = memchr(url, '#', len);
    if (fragment)
        len = (size_t)(fragment - url);
    if (starts_with(url, len, QBID_REPLAY_SPAN("http://")))
        scheme = 7;
    else if (starts_with(url, len, QBID_REPLAY_SPAN("https://")))
        scheme = 8;
    else if (len == 0 || url[0] != '/' || (len > 1 && url[1] == '/'))
        return QBID_ERR_PARSE;
    size_t at = scheme;
    if (scheme) {
        while (at < len && url[at] != '/' && url[at] != '?')
            at++;
        int err = split_authority((struct qbid_replay_span){url + scheme, at - scheme}, &parts);
        if (err)
            return err;
        parts.origin = (struct qbid_replay_span){url, at};
    }
    parts.path = (struct qbid_replay_span){url + at, len - at};
    *ret_url = parts;
    return 0;
}

static struct qbid_replay_span trim(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (at < end && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (struct qbid_replay_span){at, (size_t)(end - at)};
}

static bool is_word(struct qbid_replay_span value, const char *word)
{
    return value.len == strlen(word) && strncasecmp(value.at, word, value.len) == 0;
}

static int read_length(struct qbid_replay_span value, unsigned base, size_t *ret_length)
{
    size_t length = 0;
    if (value.len == 0)
        return QBID_ERR_PARSE;
    for (size_t i = 0; i < value.len; i++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = memchr(digits, value.at[i] | (value.at[i] > '9' ? 0x20 : 0), base);
        if (!digit)
            return QBID_ERR_PARSE;
        length = length * base + (size_t)(digit - digits);
        if (length > QBID_REPLAY_HTTP_ANSWER_MAX)
            return QBID_ERR_LIMIT;
    }
    *ret_length = length;
    return 0;
}

static int read_field(struct qbid_replay_http *http, const char *line, const char *end)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));
    if (!colon)
        return QBID_ERR_PARSE;
    struct qbid_replay_span name = {line, (size_t)(colon - line)};
    struct qbid_replay_span value = trim(colon + 1, end);
    if (is_word(name, "Content-Length")) {
        if (http->stage == QBID_REPLAY_HTTP_CHUNKS)
            return 0;
        http->stage = QBID_REPLAY_HTTP_LENGTH;
        return read_length(value, 10, &http->missing);
    }
    if (is_word(name, "Transfer-Encoding")) {
        if (!is_word(value, "chunked"))
            return QBID_ERR_PARSE;
        http->stage = QBID_REPLAY_HTTP_CHUNKS;
        http->missing = 0;
    } else if (is_word(name, "Connection") && is_word(value, "close")) {
        http->close = true;
    }
    return 0;
}

/* "HTTP/1.1 204 No Content" */
static int read_status(struct qbid_replay_http *http, const char *line, size_t len)
{
    if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' ||
        (len > 12 && line[12] != ' '))
        return QBID_ERR_PARSE;
    http->status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9')
            return QBID_ERR_PARSE;
        http->status = http->status * 10 + (line[i] - '0');
    }
    http->close = line[7] == '0';
    return 0;
}

/* Returns 1 when the head is read, 0 when it is not whole yet. */
static int read_head(struct qbid_replay_http *http, const char *text, size_t len)
{
    const char *head_end = memmem(text + http->used, len - http->used, "\r\n\r\n", 4);
    if (!head_end)
        return 0;
    const char *line = text + http->used;
    const char *end = memmem(line, (size_t)(head_end - line) + 2, "\r\n", 2);
    int err = read_status(http, line, (size_t)(end - line));
    http->stage = QBID_REPLAY_HTTP_UNTIL_CLOSE;
    while (!err && end < head_end) {
        line = end + 2;
        end = memmem(line, (size_t)(head_end - line) + 2, "\r\n", 2);
        err = read_field(http, line, end);
    }
    if (err)
        return err;
    http->used = (size_t)(head_end - text) + 4;
    http->body_at = http->used;
    if (http->status / 100 == 1) /* an interim answer: the real one follows */
        http->stage = QBID_REPLAY_HTTP_HEAD;
    if (http->status == 204 || http->status == 304) {
        http->stage = QBID_REPLAY_HTTP_LENGTH;
        http->missing = 0;
    }
    return 1;
}

static void take_body(struct qbid_replay_http *http, char *text, size_t len, size_t most)
{
    size_t have = len - http->used;
    size_t taken = have < most ? have : most;
    size_t to = http->body_at + http->body_len;
    if (to != http->used)
        memmove(text + to, text + http->used, taken);
    http->body_len += taken;
    http->used += taken;
}

/* Between chunks `missing` is 0; within one it is what is left of its data plus the line end. */
static int read_chunks(struct qbid_replay_http *http, char *text, size_t len)
{
    for (;;) {
        if (http->missing > 2) {
            size_t before = http->used;
            take_body(http, text, len, http->missing - 2);
            http->missing -= http->used - before;
        }
        const char *line_end = memmem(text + http->used, len - http->used, "\r\n", 2);
        if (!line_end || http->missing > 2)
            return 0;
        struct qbid_replay_span line = {text + http->used, (size_t)(line_end - text) - http->used};
        http->used += line.len + 2;
        if (http->missing) {
            if (line.len != 0)
                return QBID_ERR_PARSE;
            http->missing = 0;
        } else if (http->in_trailer) {
            if (line.len == 0)
                return 1;
        } else {
            const char *extension = memchr(line.at, ';', line.len);
            if (extension)
                line.len = (size_t)(extension - line.at);
            int err = read_length(trim(line.at, line.at + line.len), 16, &http->missing);
            if (err)
                return err;
            http->in_trailer = http->missing == 0;
            http->missing += http->missing ? 2 : 0;
        }
    }
}

static int read_body(struct qbid_replay_http *http, char *text, size_t len, bool at_end)
{
    size_t before = http->used;
    switch (http->stage) {
    case QBID_REPLAY_HTTP_LENGTH:
        take_body(http, text, len, http->missing);
        http->missing -= http->used - before;
        return http->missing == 0;
    case QBID_REPLAY_HTTP_CHUNKS:
        return read_chunks(http, text, len);
    default:
        take_body(http, text, len, len);
        http->close = true;
        return at_end;
    }
}

int qbid_replay_http_read(struct qbid_replay_http *http, char *text, size_t len, bool at_end)
{
    int result = 1;
    while (result > 0 && http->stage == QBID_REPLAY_HTTP_HEAD)
        result = read_head(http, text, len);
    if (result > 0)
        result = read_body(http, text, len, at_end);
    if (result == 0 && at_end)
        return QBID_ERR_CLOSED;
    if (result == 0 && len >= QBID_REPLAY_HTTP_ANSWER_MAX)
        return QBID_ERR_LIMIT;
    return result;
}
