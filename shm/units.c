/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal text of money: exact both ways, no floating point. */
#include "shm/units.h"

#include "shm/error.h"

#define UNIT_DIGITS_MAX 12
#define FRACTION_DIGITS_MAX 18
#define MICROS_DIGITS 6

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Number of digits at the start of text. */
static size_t digits(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && is_digit(text[n]))
        n++;
    return n;
}

int qbid_micros_parse(const char *text, size_t len, int64_t *ret_micros)
{
    int negative = len > 0 && text[0] == '-';
    text += negative;
    len -= (size_t)negative;

    size_t units = digits(text, len), fraction = 0;
    if (units == 0)
        return QBID_ERR_PARSE;
    if (units < len) {
        fraction = digits(text + units + 1, len - units - 1);
        if (text[units] != '.' || fraction == 0 || units + 1 + fraction != len)
            return QBID_ERR_PARSE;
    }
    if (units > UNIT_DIGITS_MAX || fraction > FRACTION_DIGITS_MAX)
        return QBID_ERR_LIMIT;

    int64_t micros = 0; /* at most 10^18 - 1, then + 1 */
    for (size_t i = 0; i < units; i++)
        micros = micros * 10 + (text[i] - '0');
    const char *decimals = text + units + 1;
    for (size_t i = 0; i < MICROS_DIGITS; i++)
        micros = micros * 10 + (i < fraction ? decimals[i] - '0' : 0);
    if (fraction > MICROS_DIGITS && decimals[MICROS_DIGITS] >= '5')
        micros++;
    if (micros > QBID_PRICE_MICROS_MAX)
        return QBID_ERR_LIMIT;
    *ret_micros = negative ? -micros : micros;
    return 0;
}

size_t qbid_micros_format(int64_t micros, char out[24])
{
    uint64_t rest = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    uint64_t units = rest / (uint64_t)QBID_MICROS_PER_UNIT;
    uint64_t fraction = rest % (uint64_t)QBID_MICROS_PER_UNIT;
    char reversed[24];
    size_t n = 0, len = 0;

    if (fraction != 0) {
        unsigned left = MICROS_DIGITS;
        for (; fraction % 10 == 0; left--)
            fraction /= 10;
        for (; left > 0; left--, fraction /= 10)
            reversed[n++] = (char)('0' + fraction % 10);
        reversed[n++] = '.';
    }
    do
        reversed[n++] = (char)('0' + units % 10);
    while ((units /= 10) != 0);
    if (micros < 0)
        reversed[n++] = '-';
    while (n > 0)
        out[len++] = reversed[--n];
    out[len] = '\0';
    return len;
}
