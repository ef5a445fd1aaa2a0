/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and strings as JSON wants them. */
#include "plugin/writer.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "plugin/digits.h"
#include "shm/units.h"

static const char hex[16] = "0123456789abcdef";

static bool plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

#ifdef __SSE2__

/* Copy sixteen bytes, or eight; returns how many at their front are plain. */
static unsigned copy_plain(char *to, const char *from, unsigned many)
{
    const __m128i x = many == 16 ? _mm_loadu_si128((const __m128i *)(const void *)from)
                                 : _mm_loadl_epi64((const __m128i *)(const void *)from);
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
    const __m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
    unsigned special =
        (unsigned)_mm_movemask_epi8(_mm_or_si128(control, _mm_or_si128(quote, backslash)));
    _mm_storeu_si128((__m128i *)(void *)to, x);
    return (unsigned)__builtin_ctz(special | 1u << many); /* of eight bytes the others are zeros */
}

#else

static unsigned copy_plain(char *to, const char *from, unsigned many)
{
    unsigned n = 0;
    memcpy(to, from, many);
    while (n < many && plain(from[n]))
        n++;
    return n;
}

#endif

static void put_escape(struct qbid_writer *w, char c)
{
    static const char names[256] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                    ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
    char name = names[(unsigned char)c];
    if (name) {
        const char pair[2] = {'\\', name};
        qbid_put(w, pair, 2);
        return;
    }
    const char code[6] = {'\\', 'u', '0', '0', hex[(unsigned char)c >> 4], hex[c & 15]};
    qbid_put(w, code, 6);
}

/* Where sixteen bytes have room, they are copied before it is known how many of them stay; eight by
 * eight at the end of a text. */
void qbid_put_escaped(struct qbid_writer *w, const char *text, size_t len)
{
    size_t i = 0, from;
    while (!w->raw && len - i >= 8 && w->end - w->at >= 16) {
        unsigned many = len - i >= 16 ? 16 : 8;
        unsigned n = copy_plain(w->at, text + i, many);
        w->at += n;
        i += n;
        if (n < many)
            put_escape(w, text[i++]);
    }
    for (from = i; !w->raw && i < len; i++) {
        if (plain(text[i]))
            continue;
        qbid_put(w, text + from, i - from);
        put_escape(w, text[i]);
        from = i + 1;
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
    if (w->end - w->at >= QBID_DIGITS_MAX) {
        w->at += qbid_digits(value, w->at);
        return;
    }
    char digits[QBID_DIGITS_MAX];
    qbid_put(w, digits, qbid_digits(value, digits));
}

void qbid_put_i64(struct qbid_writer *w, int64_t value)
{
    if (value < 0)
        qbid_put_char(w, '-');
    qbid_put_u64(w, value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value);
}

void qbid_put_hex(struct qbid_writer *w, uint64_t value)
{
    if (w->end - w->at < 16) {
        w->full = true;
        return;
    }
    qbid_hex_digits(value, w->at);
    w->at += 16;
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
