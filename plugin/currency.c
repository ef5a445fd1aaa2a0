/* SPDX-License-Identifier: Apache-2.0 */
/* Currency codes and conversion by the image's rates, exact and saturating. */
#include "plugin/currency.h"

#include "plugin/openrtb/openrtb.h"

uint32_t qbid_currency_code(struct qbid_text text)
{
    char code[4] = {0};
    uint32_t packed;
    if (text.len == 0)
        return QBID_CURRENCY_NONE;
    if (text.len != 3)
        return QBID_CURRENCY_UNREADABLE;
    for (unsigned i = 0; i < 3; i++) {
        code[i] = qbid_text_upper(text.at[i]);
        if (code[i] < 'A' || code[i] > 'Z')
            return QBID_CURRENCY_UNREADABLE;
    }
    memcpy(&packed, code, sizeof packed);
    return packed;
}

int64_t qbid_currency_rate(const struct qbid_image *image, uint32_t currency)
{
    if (currency == image->header->currency)
        return QBID_MICROS_PER_UNIT;
    for (uint32_t i = 0; i < image->rate_cnt; i++)
        if (image->rates[i].currency == currency)
            return image->rates[i].micros;
    return 0;
}

/* ceil or floor of a * b / c for a >= 0, b, c > 0. */
static int64_t mul_div(int64_t a, int64_t b, int64_t c, bool up)
{
    qbid_u128 product = (qbid_u128)(uint64_t)a * (uint64_t)b + (up ? (uint64_t)c - 1 : 0);
    qbid_u128 quotient = product / (uint64_t)c;
    return quotient > INT64_MAX ? INT64_MAX : (int64_t)quotient;
}

int64_t qbid_currency_to_account(int64_t micros, int64_t rate_micros)
{
    return mul_div(micros, rate_micros, QBID_MICROS_PER_UNIT, true);
}

int64_t qbid_currency_from_account(int64_t micros, int64_t rate_micros)
{
    return mul_div(micros, QBID_MICROS_PER_UNIT, rate_micros, false);
}

int64_t qbid_currency_settle(int64_t bid_nanos, int64_t price_micros, int64_t bid_micros)
{
    return mul_div(bid_nanos, price_micros, bid_micros, true);
}
