/* SPDX-License-Identifier: Apache-2.0 */
/* Decimal text and back, digit by digit. */
#include "control/account/written/money.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "shm/error.h"

/* Digits of text as a number scaled by 10^places; -1 when it is not a plain decimal. */
static int decimal_parse(const char *text, size_t len, unsigned places, int64_t *ret)
{
    bool negative = len > 0 && text[0] == '-', any = false;
    size_t i = negative;
    int64_t value = 0;
    unsigned after = 0;
    bool point = false;
    for (; i < len; i++) {
        if (text[i] == '.') {
            if (point || !any || i + 1 == len)
                return QBID_ERR_PARSE;
            point = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || (point && ++after > places))
            return QBID_ERR_PARSE;
        any = true;
        if (__builtin_mul_overflow(value, INT64_C(10), &value) ||
            __builtin_add_overflow(value, text[i] - '0', &value))
            return QBID_ERR_LIMIT;
    }
    if (!any)
        return QBID_ERR_PARSE;
    for (; after < places; after++)
        if (__builtin_mul_overflow(value, INT64_C(10), &value))
            return QBID_ERR_LIMIT;
    *ret = negative ? -value : value;
    return 0;
}

int qbid_money_parse(const char *text, size_t len, int64_t *ret_nanos)
{
    int64_t nanos;
    int err = decimal_parse(text, len, 9, &nanos);
    if (err)
        return err;
    if (nanos > QBID_MONEY_NANOS_MAX || nanos < -QBID_MONEY_NANOS_MAX)
        return QBID_ERR_LIMIT;
    *ret_nanos = nanos;
    return 0;
}

int qbid_money_parse_micros(const char *text, size_t len, int64_t *ret_micros)
{
    int64_t micros;
    int err = decimal_parse(text, len, 6, &micros);
    if (err)
        return err;
    if (micros > QBID_PRICE_MICROS_MAX || micros < -QBID_PRICE_MICROS_MAX)
        return QBID_ERR_LIMIT;
    *ret_micros = micros;
    return 0;
}

static size_t decimal_format(int64_t value, uint64_t scale, int places, char *out)
{
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int len =
        snprintf(out, QBID_MONEY_TEXT_MAX, "%s%llu.%0*llu", value < 0 ? "-" : "",
                 (unsigned long long)(size / scale), places, (unsigned long long)(size % scale));
    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    out[len] = '\0';
    return (size_t)len;
}

size_t qbid_money_format(int64_t nanos, char out[QBID_MONEY_TEXT_MAX])
{
    return decimal_format(nanos, UINT64_C(1000000000), 9, out);
}

size_t qbid_money_format_micros(int64_t micros, char out[QBID_MONEY_TEXT_MAX])
{
    return decimal_format(micros, UINT64_C(1000000), 6, out);
}
