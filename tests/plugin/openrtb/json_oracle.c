/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8259 by recursive descent, one function a production. */
#include <string.h>

#include "tests/plugin/openrtb/openrtb_oracle.h"

struct json {
    const unsigned char *at, *end;
    unsigned depth, deepest;
};

static bool value(struct json *j);

static void blanks(struct json *j)
{
    while (j->at < j->end && memchr(" \t\n\r", *j->at, 4))
        j->at++;
}

static bool take(struct json *j, char c)
{
    if (j->at == j->end || *j->at != (unsigned char)c)
        return false;
    j->at++;
    return true;
}

static bool word(struct json *j, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(j->end - j->at) < len || memcmp(j->at, text, len) != 0)
        return false;
    j->at += len;
    return true;
}

static unsigned digits(struct json *j)
{
    unsigned n = 0;
    for (; j->at < j->end && *j->at >= '0' && *j->at <= '9'; n++)
        j->at++;
    return n;
}

static bool number(struct json *j)
{
    take(j, '-');
    if (!take(j, '0') && digits(j) == 0)
        return false;
    if (take(j, '.') && digits(j) == 0)
        return false;
    if (take(j, 'e') || take(j, 'E')) {
        if (!take(j, '+'))
            take(j, '-');
        return digits(j) != 0;
    }
    return true;
}

/* Table 3-7 of the Unicode standard: well-formed byte sequences. */
static bool utf8(struct json *j)
{
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        unsigned more;
    } row[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 0}, {0xe0, 0xe0, 0xa0, 0xbf, 1}, {0xe1, 0xec, 0x80, 0xbf, 1},
        {0xed, 0xed, 0x80, 0x9f, 1}, {0xee, 0xef, 0x80, 0xbf, 1}, {0xf0, 0xf0, 0x90, 0xbf, 2},
        {0xf1, 0xf3, 0x80, 0xbf, 2}, {0xf4, 0xf4, 0x80, 0x8f, 2},
    };
    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (*j->at < row[i].first_low || *j->at > row[i].first_high)
            continue;
        j->at++;
        if (j->at == j->end || *j->at < row[i].second_low || *j->at > row[i].second_high)
            return false;
        j->at++;
        for (unsigned k = 0; k < row[i].more; k++, j->at++)
            if (j->at == j->end || *j->at < 0x80 || *j->at > 0xbf)
                return false;
        return true;
    }
    return false;
}

static bool escape(struct json *j)
{
    if (j->at == j->end)
        return false;
    unsigned char c = *j->at++;
    if (c != 'u')
        return c != 0 && strchr("\"\\/bfnrt", c) != NULL;
    for (unsigned i = 0; i < 4; i++, j->at++)
        if (j->at == j->end || *j->at == 0 || !strchr("0123456789abcdefABCDEF", *j->at))
            return false;
    return true;
}

static bool string(struct json *j)
{
    if (!take(j, '"'))
        return false;
    while (j->at < j->end) {
        if (take(j, '"'))
            return true;
        if (take(j, '\\')) {
            if (!escape(j))
                return false;
        } else if (*j->at >= 0x80) {
            if (!utf8(j))
                return false;
        } else if (*j->at++ < 0x20) {
            return false;
        }
    }
    return false;
}

static bool member(struct json *j, bool named)
{
    blanks(j);
    if (named) {
        if (!string(j))
            return false;
        blanks(j);
        if (!take(j, ':'))
            return false;
    }
    return value(j);
}

static bool container(struct json *j, char close, bool named)
{
    j->depth++;
    if (j->depth > j->deepest)
        j->deepest = j->depth;
    blanks(j);
    if (!take(j, close)) {
        do {
            if (!member(j, named))
                return false;
            blanks(j);
        } while (take(j, ','));
        if (!take(j, close))
            return false;
    }
    j->depth--;
    return true;
}

static bool value(struct json *j)
{
    blanks(j);
    if (j->at == j->end)
        return false;
    switch (*j->at) {
    case '{':
        j->at++;
        return container(j, '}', true);
    case '[':
        j->at++;
        return container(j, ']', false);
    case '"':
        return string(j);
    case 't':
        return word(j, "true");
    case 'f':
        return word(j, "false");
    case 'n':
        return word(j, "null");
    default:
        return number(j);
    }
}

bool json_oracle_valid(const char *text, size_t len, unsigned *ret_depth)
{
    struct json j = {(const unsigned char *)text, (const unsigned char *)text + len, 0, 0};
    bool valid = value(&j);
    blanks(&j);
    *ret_depth = j.deepest;
    return valid && j.at == j.end;
}
