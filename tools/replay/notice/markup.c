/* SPDX-License-Identifier: Apache-2.0 */
/* Not an HTML parser: it reads tags and quoted attributes, which is what ad markup has. */
#include "tools/replay/notice/markup.h"

#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '/';
}

static bool is_name(const char *at, const char *end, const char *name)
{
    size_t len = strlen(name);
    return (size_t)(end - at) >= len && strncasecmp(at, name, len) == 0;
}

/* Reads `name = "value"` at *at and moves behind it; false at the end of the tag. */
static bool next_attribute(const char **at, const char *end, struct qbid_replay_span *ret_name,
                           struct qbid_replay_span *ret_value)
{
    const char *p = *at;
    while (p < end && is_space(*p))
        p++;
    const char *name = p;
    while (p < end && *p != '=' && *p != '>' && !is_space(*p))
        p++;
    if (p == name)
        return false;
    *ret_name = (struct qbid_replay_span){name, (size_t)(p - name)};
    *ret_value = (struct qbid_replay_span){p, 0};
    while (p < end && is_space(*p))
        p++;
    if (p < end && *p == '=') {
        p++;
        while (p < end && is_space(*p))
            p++;
        char quote = p < end ? *p : '\0';
        if (quote != '"' && quote != '\'')
            return false;
        const char *close = memchr(p + 1, quote, (size_t)(end - p - 1));
        if (!close)
            return false;
        *ret_value = (struct qbid_replay_span){p + 1, (size_t)(close - p) - 1};
        p = close + 1;
    }
    *at = p;
    return true;
}

bool qbid_replay_markup_find(const char *html, size_t len, const char *element,
                             const char *attribute, struct qbid_replay_span *ret_value)
{
    const char *end = html + len;
    size_t element_len = strlen(element);
    for (const char *at = html; at < end;) {
        const char *tag = memchr(at, '<', (size_t)(end - at));
        if (!tag)
            return false;
        at = tag + 1;
        if (!is_name(at, end, element) || at + element_len >= end || !is_space(at[element_len]))
            continue;
        at += element_len;
        struct qbid_replay_span name, value;
        while (next_attribute(&at, end, &name, &value)) {
            if (name.len == strlen(attribute) && is_name(name.at, name.at + name.len, attribute) &&
                value.len != 0) {
                *ret_value = value;
                return true;
            }
        }
    }
    return false;
}

void qbid_replay_markup_plain(struct qbid_replay_buffer *out, struct qbid_replay_span value)
{
    const char *at = value.at, *end = value.at + value.len;
    while (at < end) {
        const char *entity = memmem(at, (size_t)(end - at), "&amp;", 5);
        const char *stop = entity ? entity + 1 : end;
        qbid_replay_buffer_add(out, at, (size_t)(stop - at));
        at = entity ? entity + 5 : end;
    }
}
