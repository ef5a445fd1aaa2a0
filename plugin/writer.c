/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and strings as JSON wants them. */
#include "plugin/writer.h"

#include "shm/units.h"

static const char hex[16] = "0123456789abcdef";

static bool plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* Whether eight bytes are all plain; of the three tests each may err to the safe side only. */
static bool plain_eight(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t x, quote, backslash;
    memcpy(&x, at, sizeof x);
    quote = x ^ (ones * '"');
    backslash = x ^ (ones * '\\');
    uint64_t special =
        ((x - ones * 0x20) & ~x) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
    return (special & tops) == 0;
}

static void put_escape(struct qbid_writer *w, char c)
{
    static const char value[] = "\"\\\b\f\n\r\t", name[] = "\"\\bfnrt";
    const char *found = c ? strchr(value, c) : NULL;
    if (found) {
        const char pair[2] = {'\\', name[found - value]};
        qbid_put(w, pair, 2);
        return;
    }
    const char code[6] = {'\\', 'u', '0', '0', hex[(unsigned char)c >> 4], hex[c & 15]};
    qbid_put(w, code, 6);
}

void qbid_put_escaped(struct qbid_writer *w, const char *text, size_t len)
{
    size_t from = 0, i = 0;
    if (w->raw)
        i = len;
    while (i < len) {
        if (len - i >= 8 && plain_eight(text + i)) {
            i += 8;
            continue;
        }
        for (size_t end = len - i < 8 ? len : i + 8; i < end; i++) {
            if (plain(text[i]))
                continue;
            qbid_put(w, text + from, i - from);
            put_escape(w, text[i]);
            from = i + 1;
        }
    }
    qbid_put(w, text + from, len - from);
}

void qbid_put_string(struct qbid_writer *w, const char *text, size_t len)
{
    qbid_put_char(w, '"');
    qbid_put_escaped(w, text, len);
    qbid_put_char(w, '"');
}

void qbid_put_u64(struct qbid_writer *w, uint64_t value)
{
    char digits[20];
    unsigned at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    qbid_put(w, digits + at, sizeof digits - at);
}

void qbid_put_i64(struct qbid_writer *w, int64_t value)
{
    if (value < 0)
        qbid_put_char(w, '-');
    qbid_put_u64(w, value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value);
}

void qbid_put_hex(struct qbid_writer *w, uint64_t value)
{
    char digits[16];
    for (unsigned i = 0; i < 16; i++)
        digits[i] = hex[(value >> (60 - 4 * i)) & 15];
    qbid_put(w, digits, sizeof digits);
}

void qbid_put_micros(struct qbid_writer *w, int64_t micros)
{
    char digits[24];
    size_t len = qbid_micros_format(micros, digits);
    qbid_put(w, digits, len);
}

void qbid_put_ratio(struct qbid_writer *w, double ratio)
{
    bool sound = ratio > -1e12 && ratio < 1e12; /* false for NaN */
    qbid_put_micros(w, sound ? (int64_t)(ratio * 1e6 + (ratio < 0 ? -0.5 : 0.5)) : 0);
}

void qbid_put_currency(struct qbid_writer *w, uint32_t currency)
{
    char letters[4];
    memcpy(letters, &currency, sizeof letters);
    qbid_put(w, letters, 3);
}
