/* SPDX-License-Identifier: Apache-2.0 */
/* Walks JSON by its strings and brackets. */
#include "plugin/dpdk/json_id.h"

#include <stdbool.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(const char *body, size_t len, size_t i)
{
    while (i < len && is_space(body[i]))
        i++;
    return i;
}

/* Index behind the string whose opening quote is at i; len when it has no end. */
static size_t skip_string(const char *body, size_t len, size_t i)
{
    for (i++; i < len && body[i] != '"'; i++)
        if (body[i] == '\\')
            i++;
    return i < len ? i + 1 : len;
}

static size_t value_len(const char *body, size_t len, size_t from)
{
    size_t end = from;
    if (from < len && body[from] == '"') {
        end = skip_string(body, len, from);
        if (end - from < 2 || body[end - 1] != '"')
            return 0;
    } else {
        while (end < len && body[end] >= '0' && body[end] <= '9')
            end++;
    }
    return end - from <= QBID_JSON_ID_MAX ? end - from : 0;
}

size_t qbid_json_id(const char *body, size_t len, const char **ret_at)
{
    unsigned depth = 0;
    for (size_t i = 0; i < len;) {
        if (body[i] != '"') {
            depth += body[i] == '{' || body[i] == '[';
            depth -= (body[i] == '}' || body[i] == ']') && depth > 0;
            i++;
            continue;
        }
        size_t end = skip_string(body, len, i);
        size_t colon = skip_space(body, len, end);
        bool key = depth == 1 && end - i == 4 && memcmp(body + i, "\"id\"", 4) == 0;
        if (key && colon < len && body[colon] == ':') {
            size_t from = skip_space(body, len, colon + 1);
            *ret_at = body + from;
            return value_len(body, len, from);
        }
        i = end;
    }
    return 0;
}
