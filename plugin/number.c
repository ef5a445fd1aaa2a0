/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal digits with an exponent, scaled by moving the point. */
#include "plugin/number.h"

#include <stdint.h>

#include "shm/error.h"

/* A parsed number: value = 0.d1 d2 d3 ... * 10^point, d1 not zero; digits may contain the point. */
struct decimal {
    const char *digits; /* first non-zero digit */
    const char *end;
    int64_t point;
    bool negative;
    bool zero;
};

#define EXPONENT_MAX 1000000 /* further out nothing changes: bodies are far shorter */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at))
        at++;
    return at;
}

/* The exponent part at `at`, which must end the number. */
static bool read_exponent(const char *at, const char *end, int64_t *ret_exponent)
{
    int64_t value = 0;
    bool negative = false;
    if (at < end && (*at == '+' || *at == '-'))
        negative = *at++ == '-';
    if (at == end)
        return false;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return false;
        if (value < EXPONENT_MAX)
            value = value * 10 + (*at - '0');
    }
    *ret_exponent = negative ? -value : value;
    return true;
}

static bool read_decimal(const char *text, size_t len, struct decimal *ret_decimal)
{
    const char *at = text, *end = text + len;
    struct decimal d = {0};
    if (at < end && *at == '-') {
        d.negative = true;
        at++;
    }
    const char *whole = at;
    at = skip_digits(at, end);
    const char *whole_end = at;
    if (whole == at || (*whole == '0' && at - whole > 1))
        return false;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = skip_digits(at, end);
        if (fraction == at)
            return false;
    }
    d.end = at;
    int64_t exponent = 0;
    if (at < end && ((*at != 'e' && *at != 'E') || !read_exponent(at + 1, end, &exponent)))
        return false;
    const char *first = whole;
    while (first < d.end && (*first == '0' || *first == '.'))
        first++;
    d.digits = first;
    d.zero = first == d.end;
    /* places between the first non-zero digit and the point; behind the point it counts down */
    d.point = exponent + (first < whole_end ? whole_end - first : whole_end + 1 - first);
    *ret_decimal = d;
    return true;
}

/* floor(|d| * 10^shift), held at UINT64_MAX; *ret_rest tells what was cut off: 0 nothing,
 * 1 less than half, 2 half or more. */
static uint64_t scale(const struct decimal *d, int64_t shift, int *ret_rest)
{
    int64_t places = d->point + shift;
    uint64_t value = 0;
    const char *at = d->digits;
    *ret_rest = 0;
    if (d->zero)
        return 0;
    if (places > 19) /* 10^19 and more: past int64 */
        return UINT64_MAX;
    for (; places > 0; places--) {
        if (at < d->end && *at == '.')
            at++;
        value = value * 10 + (at < d->end ? (uint64_t)(*at++ - '0') : 0);
    }
    if (at < d->end && *at == '.')
        at++;
    if (at < d->end && places == 0 && *at >= '5')
        *ret_rest = 2;
    else
        for (; at < d->end && *ret_rest == 0; at++)
            *ret_rest = *at != '0' && *at != '.';
    return value;
}

static int64_t with_sign(uint64_t value, bool negative)
{
    if (value > (uint64_t)INT64_MAX)
        return negative ? INT64_MIN : INT64_MAX;
    return negative ? -(int64_t)value : (int64_t)value;
}

bool qbid_number_valid(const char *text, size_t len)
{
    struct decimal d;
    return read_decimal(text, len, &d);
}

int qbid_number_int(const char *text, size_t len, int64_t *ret_value)
{
    struct decimal d;
    int rest;
    if (!read_decimal(text, len, &d))
        return QBID_ERR_PARSE;
    uint64_t value = scale(&d, 0, &rest);
    if (rest != 0)
        return QBID_ERR_PARSE;
    *ret_value = with_sign(value, d.negative);
    return 0;
}

int qbid_number_micros(const char *text, size_t len, enum qbid_number_round round,
                       int64_t *ret_micros)
{
    struct decimal d;
    int rest;
    if (!read_decimal(text, len, &d))
        return QBID_ERR_PARSE;
    uint64_t value = scale(&d, 6, &rest);
    /* what has a rest is below 10^19: one more is no overflow */
    value += round == QBID_NUMBER_UP ? rest != 0 && !d.negative : rest == 2;
    *ret_micros = with_sign(value, d.negative);
    return 0;
}
