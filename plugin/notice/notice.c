/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a notice, and their prices in nanos of the account currency. */
#include "plugin/notice/notice.h"

#include "plugin/currency.h"
#include "plugin/number.h"
#include "plugin/qbid.h"
#include "shm/error.h"

static enum qbid_event_kind kind_of(struct qbid_text word)
{
    static const struct {
        const char *word;
        enum qbid_event_kind kind;
    } list[] = {
        {"win", QBID_EVENT_WIN},     {"loss", QBID_EVENT_LOSS},   {"bill", QBID_EVENT_BILL},
        {"imp", QBID_EVENT_IMP},     {"click", QBID_EVENT_CLICK}, {"conv", QBID_EVENT_CONV},
        {"video", QBID_EVENT_VIDEO},
    };
    for (unsigned i = 0; i < sizeof list / sizeof list[0]; i++)
        if (qbid_text_is(word, list[i].word))
            return list[i].kind;
    return QBID_EVENT_NONE;
}

static void set_field(struct qbid_notice *notice, char name, const char *text, size_t len)
{
    char *out;
    uint32_t *out_len;
    switch (name) {
    case 't':
        out = notice->token, out_len = &notice->token_len;
        break;
    case 'p':
        out = notice->price, out_len = &notice->price_len;
        break;
    case 'm':
        out = notice->min, out_len = &notice->min_len;
        break;
    case 'b':
        out = notice->bid, out_len = &notice->bid_len;
        break;
    case 'v':
        out = notice->value, out_len = &notice->value_len;
        break;
    case 'l':
        out = notice->loss, out_len = &notice->loss_len;
        break;
    case 'e':
        out = notice->video, out_len = &notice->video_len;
        break;
    case 'a':
        out = notice->auction, out_len = &notice->auction_len;
        break;
    default:
        return;
    }
    int64_t n = qbid_text_url_decode(text, len, out, QBID_NOTICE_VALUE_MAX);
    *out_len = n > 0 ? (uint32_t)n : 0;
}

int qbid_notice_parse(const char *kind, size_t kind_len, const char *query, size_t query_len,
                      struct qbid_notice *ret_notice)
{
    if (kind_len > QBID_NOTICE_MAX || query_len > QBID_NOTICE_MAX)
        return QBID_ERR_LIMIT;
    ret_notice->kind = kind_of((struct qbid_text){kind, (uint32_t)kind_len});
    ret_notice->token_len = ret_notice->price_len = ret_notice->min_len = 0;
    ret_notice->bid_len = ret_notice->value_len = 0;
    ret_notice->loss_len = ret_notice->video_len = ret_notice->auction_len = 0;
    if (ret_notice->kind == QBID_EVENT_NONE)
        return QBID_ERR_PARSE;
    const char *at = query, *end = query + query_len;
    while (at < end) {
        const char *amp = memchr(at, '&', (size_t)(end - at));
        const char *stop = amp ? amp : end;
        if (stop - at >= 2 && at[1] == '=')
            set_field(ret_notice, at[0], at + 2, (size_t)(stop - at - 2));
        at = amp ? amp + 1 : end;
    }
    return 0;
}

/* A decimal that is not negative. */
static bool read_amount(const char *text, uint32_t len, int64_t *ret_micros)
{
    return qbid_number_micros(text, len, QBID_NUMBER_NEAREST, ret_micros) == 0 && *ret_micros >= 0;
}

/* What exchanges put in place of every macro when they only look at an ad (OpenRTB 2.6, 4.4); in
 * base64 where the macro asks for that (${AUCTION_PRICE:B64}). */
static bool is_audit(const char *text, uint32_t len)
{
    static const char *const words[] = {"AUDIT", "QVVESVQ=", "QVVESVQ"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        if (qbid_text_is((struct qbid_text){text, len}, words[i]))
            return true;
    return false;
}

static bool is_test_render(const struct qbid_notice *notice)
{
    return is_audit(notice->price, notice->price_len) || is_audit(notice->min, notice->min_len) ||
           is_audit(notice->loss, notice->loss_len) ||
           is_audit(notice->auction, notice->auction_len);
}

/* An amount in the answer's currency as account nanos. */
static int64_t settle(const struct qbid_notice *notice, const struct qbid_token *token,
                      int64_t micros)
{
    int64_t bid_micros;
    if (notice->bid_len == 0 || !read_amount(notice->bid, notice->bid_len, &bid_micros) ||
        bid_micros == 0 || token->bid_nanos < 0)
        return qbid_nanos_from_cpm_micros(micros);
    return qbid_currency_settle(token->bid_nanos, micros, bid_micros);
}

/* Order values are plain money, not per thousand: micros of a unit are a thousand nanos. */
static int64_t order_nanos(int64_t micros)
{
    return micros > INT64_MAX / 1000 ? INT64_MAX : micros * 1000;
}

/* What stands in p. A reader that is not there reads no coded price. */
static int read_price(const struct qbid_notice *notice, const struct qbid_notice_prices *prices,
                      int64_t *ret_micros)
{
    if (!prices->reader && prices->rule.coding != QBID_PRICE_CODING_PLAIN)
        return QBID_ERR_INVAL;
    return qbid_clearing_read(prices->reader, &prices->rule, notice->price, notice->price_len,
                              prices->unix_s, ret_micros);
}

int64_t qbid_notice_price(const struct qbid_notice *notice, const struct qbid_token *token,
                          const struct qbid_notice_prices *prices, uint8_t *flags)
{
    int64_t micros;
    if (is_test_render(notice)) {
        *flags |= QBID_EVENT_TEST;
        return 0;
    }
    switch (notice->kind) {
    case QBID_EVENT_LOSS:
        return read_amount(notice->min, notice->min_len, &micros) ? settle(notice, token, micros)
                                                                  : 0;
    case QBID_EVENT_CONV:
        return read_amount(notice->value, notice->value_len, &micros) ? order_nanos(micros) : 0;
    case QBID_EVENT_WIN:
    case QBID_EVENT_BILL:
        break;
    default:
        return 0;
    }
    if (read_price(notice, prices, &micros) != 0) {
        *flags |= QBID_EVENT_PRICE_UNKNOWN;
        return 0;
    }
    int64_t nanos = settle(notice, token, micros);
    if (nanos > token->bid_nanos)
        *flags |= QBID_EVENT_PRICE_ABOVE;
    return nanos;
}

/* "${AUCTION_LOSS}", also with a coding behind it, and what half-way encoders make of it. */
static bool is_macro(const char *text, uint32_t len)
{
    return memmem(text, len, "AUCTION_", 8) != NULL;
}

static uint16_t loss_code(const struct qbid_notice *notice, uint8_t *flags)
{
    int64_t code;
    if (qbid_number_int(notice->loss, notice->loss_len, &code) == 0 && code >= 0 &&
        code < QBID_LOSS_WITHDRAWN)
        return (uint16_t)code;
    if (notice->loss_len > 0 && !is_macro(notice->loss, notice->loss_len) &&
        !is_audit(notice->loss, notice->loss_len))
        *flags |= QBID_EVENT_CODE_UNREADABLE;
    return QBID_LOSS_UNKNOWN;
}

static uint16_t video_code(const struct qbid_notice *notice, uint8_t *flags)
{
    static const char *const words[QBID_VIDEO_CNT] = {
#define X(upper, word) word,
        QBID_VIDEO_LIST(X)
#undef X
    };
    for (uint16_t i = 0; i < QBID_VIDEO_CNT; i++)
        if (qbid_text_is((struct qbid_text){notice->video, notice->video_len}, words[i]))
            return i;
    *flags |= QBID_EVENT_CODE_UNREADABLE;
    return QBID_VIDEO_CNT;
}

uint16_t qbid_notice_code(const struct qbid_notice *notice, uint8_t *flags)
{
    if (notice->kind == QBID_EVENT_LOSS)
        return loss_code(notice, flags);
    return notice->kind == QBID_EVENT_VIDEO ? video_code(notice, flags) : 0;
}
