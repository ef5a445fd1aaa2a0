/* SPDX-License-Identifier: Apache-2.0 */
/* Letters in lower case; escapes of JSON strings and of URLs, resolved. */
#include "plugin/text.h"

#include "shm/error.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a word's first character is its lowest");

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Eight letters at a time: a sum of seven bits never carries into the next byte. */
static uint64_t lower_word(uint64_t word)
{
    uint64_t low = word & (EACH_BYTE * 0x7f);
    uint64_t from_a = low + EACH_BYTE * (0x80 - 'A'), above_z = low + EACH_BYTE * (0x7f - 'Z');
    uint64_t upper = from_a & ~above_z & ~word & (EACH_BYTE * 0x80);
    return word | upper >> 2; /* 0x20 */
}

/* Ends that are no whole word are copied as one that overlaps the last. */
void qbid_text_copy_lower(char *to, const char *from, size_t len)
{
    uint64_t word;
    uint32_t half[2];
    if (len < sizeof half[0]) {
        for (size_t i = 0; i < len; i++)
            to[i] = qbid_text_lower(from[i]);
    } else if (len < sizeof word) {
        memcpy(&half[0], from, sizeof half[0]);
        memcpy(&half[1], from + len - sizeof half[1], sizeof half[1]);
        word = lower_word(half[0] | (uint64_t)half[1] << 32);
        half[0] = (uint32_t)word;
        half[1] = (uint32_t)(word >> 32);
        memcpy(to, &half[0], sizeof half[0]);
        memcpy(to + len - sizeof half[1], &half[1], sizeof half[1]);
    } else {
        for (size_t i = 0; i < len; i += sizeof word) {
            size_t at = len - i < sizeof word ? len - sizeof word : i;
            memcpy(&word, from + at, sizeof word);
            word = lower_word(word);
            memcpy(to + at, &word, sizeof word);
        }
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = qbid_text_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits at `at`, or -1. */
static int32_t hex4(const char *at, const char *end)
{
    int32_t value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xc0 | (code >> 6));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (char)(0xe0 | (code >> 12));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    } else {
        *out++ = (char)(0xf0 | (code >> 18));
        *out++ = (char)(0x80 | ((code >> 12) & 0x3f));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *out++ = (char)(0x80 | (code & 0x3f));
    }
    return out;
}

/* The character of a \u escape whose digits start at *at; *at moves behind it, or behind both
 * halves of a surrogate pair. */
static int32_t unicode_escape(const char **at, const char *end)
{
    int32_t code = hex4(*at, end);
    if (code < 0)
        return -1;
    *at += 4;
    if (code >= 0xdc00 && code <= 0xdfff)
        return 0xfffd;
    if (code < 0xd800 || code > 0xdbff)
        return code;
    if (end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return 0xfffd;
    int32_t low = hex4(*at + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return 0xfffd;
    *at += 6;
    return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* The character of the escape behind a backslash, -1 for none that JSON knows. */
static int32_t escape(const char **at, const char *end)
{
    static const char values[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                     ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    if (*at == end)
        return -1;
    char c = *(*at)++;
    if (c == 'u')
        return unicode_escape(at, end);
    char value = values[(unsigned char)c];
    return value ? value : -1;
}

/* How many of eight characters stand before the first backslash. It becomes zero, from which the
 * subtraction borrows; what it borrows from characters behind it does not matter. */
static unsigned before_backslash(uint64_t word)
{
    word ^= EACH_BYTE * '\\';
    uint64_t found = (word - EACH_BYTE) & ~word & EACH_BYTE * 0x80;
    return found ? (unsigned)__builtin_ctzll(found) / 8 : 8;
}

/* Copy characters up to a backslash, eight or the end; returns how many. Eight have room where
 * eight are left: no escape is shorter than what it stands for. */
static unsigned copy_unescaped(char *to, const char *at, const char *end)
{
    uint64_t word;
    unsigned n = 0;
    if (end - at >= (ptrdiff_t)sizeof word) {
        memcpy(&word, at, sizeof word);
        memcpy(to, &word, sizeof word);
        return before_backslash(word);
    }
    for (; at + n < end && at[n] != '\\'; n++)
        to[n] = at[n];
    return n;
}

int64_t qbid_text_unescape(const char *text, size_t len, char *out)
{
    const char *at = text, *end = text + len;
    char *to = out;
    while (at < end) {
        unsigned n = copy_unescaped(to, at, end);
        at += n;
        to += n;
        if (at == end || *at != '\\')
            continue;
        at++;
        int32_t code = escape(&at, end);
        if (code < 0)
            return QBID_ERR_PARSE;
        to = put_utf8(to, (uint32_t)code);
    }
    return to - out;
}

bool qbid_text_escapes_valid(const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    while (at < end && (at = (const char *)memchr(at, '\\', (size_t)(end - at))) != NULL) {
        at++;
        if (escape(&at, end) < 0)
            return false;
    }
    return true;
}

int64_t qbid_text_url_decode(const char *text, size_t len, char *out, size_t out_max)
{
    size_t written = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return QBID_ERR_PARSE;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (written == out_max)
            return QBID_ERR_LIMIT;
        out[written++] = c;
    }
    return (int64_t)written;
}

/* Bytes of the sequence that starts at text, 0 when none does; the table is that of RFC 3629, 4. */
static size_t utf8_sequence(const unsigned char *text, size_t len)
{
    unsigned char first = text[0], low = 0x80, high = 0xbf;
    size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (n == 0 || first > 0xf4 || n > len)
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i < n; i++) {
        if (text[i] < low || text[i] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return n;
}

bool qbid_text_utf8_valid(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        uint64_t eight = 0;
        if (len - i >= sizeof eight)
            memcpy(&eight, text + i, sizeof eight);
        if (len - i >= sizeof eight && (eight & UINT64_C(0x8080808080808080)) == 0) {
            i += sizeof eight;
            continue;
        }
        size_t n = utf8_sequence((const unsigned char *)text + i, len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

uint16_t qbid_text_u16(struct qbid_text text)
{
    uint32_t number = 0;
    if (text.len == 0 || text.len > 5 || text.at[0] == '0')
        return 0;
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return 0;
        number = number * 10 + (uint32_t)(text.at[i] - '0');
    }
    return number <= UINT16_MAX ? (uint16_t)number : 0;
}
