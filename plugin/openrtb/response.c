/* SPDX-License-Identifier: Apache-2.0 */
/* Writes bids; every text that comes from the request or the image is escaped on its way. */
#include "plugin/openrtb/response.h"

#include "plugin/currency.h"
#include "plugin/markup.h"
#include "plugin/openrtb/response_parts.h"
#include "shm/event.h"

#define CLOSING_BYTES 2 /* "]}" of a seatbid and of the answer */

uint32_t qbid_response_currency(const struct qbid_image *image,
                                const struct qbid_openrtb_request *openrtb,
                                const struct qbid_partner *partner, int64_t *ret_rate_micros)
{
    uint32_t account = image->header->currency;
    *ret_rate_micros = QBID_MICROS_PER_UNIT;
    if (openrtb->cur_cnt == 0 && (partner->currency == 0 || partner->currency == account))
        return account;
    if (openrtb->cur_cnt == 0) {
        *ret_rate_micros = qbid_currency_rate(image, partner->currency);
        return *ret_rate_micros > 0 ? partner->currency : QBID_CURRENCY_NONE;
    }
    for (unsigned i = 0; i < openrtb->cur_cnt; i++)
        if (openrtb->cur[i] == account)
            return account;
    for (unsigned i = 0; i < openrtb->cur_cnt; i++) {
        *ret_rate_micros = qbid_currency_rate(image, openrtb->cur[i]);
        if (*ret_rate_micros > 0)
            return openrtb->cur[i];
    }
    return QBID_CURRENCY_NONE;
}

struct qbid_text qbid_response_text(const struct qbid_image *image, uint32_t off, uint32_t len)
{
    return (struct qbid_text){image->strings + off, len};
}

/* A notice URL up to its token; what follows are macros that the exchange replaces. */
static void put_notice(struct qbid_writer *w, const struct qbid_response *r, const char *kind,
                       const char *token)
{
    qbid_put(w, r->notice_url.at, r->notice_url.len); /* qbid_open() lets nothing in to escape */
    qbid_put_char(w, '/');
    qbid_put_word(w, kind);
    QBID_PUT(w, "?t=");
    qbid_put(w, token, QBID_TOKEN_CHARS);
}

static void put_price(struct qbid_writer *w, const struct qbid_response *r)
{
    QBID_PUT(w, "&p=");
    if (r->partner->macro_len != 0) /* checked with the image: nothing in it to escape */
        qbid_put(w, r->partner->macro, r->partner->macro_len);
    else
        QBID_PUT(w, "${AUCTION_PRICE}");
}

void qbid_response_put_notice(struct qbid_writer *w, const struct qbid_response *r,
                              enum qbid_partner_notice notice, const char *token,
                              int64_t price_micros)
{
    bool bills = (r->partner->flags & QBID_PARTNER_WIN_BILLS) != 0;
    const struct {
        const char *kind, *macros;
    } part[QBID_PARTNER_NOTICE_CNT] = {
        [QBID_PARTNER_NURL] = {bills ? "bill" : "win", "&m=${AUCTION_MIN_TO_WIN}"},
        [QBID_PARTNER_BURL] = {"bill", ""},
        [QBID_PARTNER_LURL] = {"loss", "&l=${AUCTION_LOSS}&m=${AUCTION_MIN_TO_WIN}"},
    };
    put_notice(w, r, part[notice].kind, token);
    if (notice != QBID_PARTNER_LURL)
        put_price(w, r);
    qbid_put_word(w, part[notice].macros);
    if (r->currency != r->image->header->currency) {
        QBID_PUT(w, "&b=");
        qbid_put_micros(w, price_micros);
    }
}

/* A comma-separated list as JSON strings. */
static void put_list(struct qbid_writer *w, struct qbid_text list)
{
    const char *at = list.at, *end = list.at + list.len;
    for (bool first = true; at < end; first = false) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        if (!first)
            qbid_put_char(w, ',');
        qbid_put_string(w, at, (size_t)(stop - at));
        at = comma ? comma + 1 : end;
    }
}

static struct qbid_text number_text(char out[24], uint64_t value)
{
    struct qbid_writer w = qbid_writer_init(out, 24);
    qbid_put_u64(&w, value);
    return (struct qbid_text){out, (uint32_t)qbid_writer_len(&w)};
}

/* What the macros of one bid's markup stand for. */
struct values {
    const struct qbid_response *response;
    const struct qbid_creative *creative;
    uint64_t nonce;
    const char *token;
};

static void put_markup_value(struct qbid_writer *w, const void *context,
                             enum qbid_markup_macro macro)
{
    const struct values *v = context;
    const struct qbid_creative *creative = v->creative;
    struct qbid_text page;
    switch (macro) {
    case QBID_MARKUP_CLICK_URL:
        put_notice(w, v->response, "click", v->token);
        return;
    case QBID_MARKUP_IMP_URL:
        put_notice(w, v->response, "imp", v->token);
        return;
    case QBID_MARKUP_LANDING_URL:
        page = qbid_response_text(v->response->image, creative->landing_off, creative->landing_len);
        qbid_markup_landing(w, (struct qbid_text){v->token, QBID_TOKEN_CHARS}, page.at, page.len);
        return;
    case QBID_MARKUP_WIDTH:
        qbid_put_u64(w, creative->width);
        return;
    case QBID_MARKUP_HEIGHT:
        qbid_put_u64(w, creative->height);
        return;
    case QBID_MARKUP_CREATIVE_ID:
        qbid_put_u64(w, creative->id);
        return;
    case QBID_MARKUP_CACHEBUSTER:
    case QBID_MARKUP_CNT:
        qbid_put_u64(w, v->nonce);
    }
}

void qbid_response_put_markup(struct qbid_writer *w, const struct qbid_response *r,
                              const struct qbid_creative *creative, uint64_t nonce,
                              const char *token)
{
    const struct values values = {r, creative, nonce, token};
    const struct qbid_markup markup = {.put = put_markup_value,
                                       .context = &values,
                                       /* our own URLs, of what qbid_open() lets in, and digits */
                                       .clean = ~(UINT32_C(1) << QBID_MARKUP_LANDING_URL)};
    struct qbid_text text =
        qbid_response_text(r->image, creative->markup_off, creative->markup_len);
    qbid_markup_write(w, &markup, text.at, text.len);
}

static void put_creative(struct qbid_writer *w, const struct qbid_response *r,
                         const struct qbid_creative *creative)
{
    struct qbid_text crid = qbid_response_text(r->image, creative->crid_off, creative->crid_len);
    struct qbid_text adomain =
        qbid_response_text(r->image, creative->adomain_off, creative->adomain_len);
    struct qbid_text cat = qbid_response_text(r->image, creative->cat_off, creative->cat_len);
    char digits[24];
    struct qbid_text id = number_text(digits, creative->id);
    QBID_PUT(w, ",\"adid\":\"");
    qbid_put(w, id.at, id.len);
    QBID_PUT(w, "\",\"crid\":");
    if (crid.len == 0)
        crid = id; /* exchanges drop bids without one */
    qbid_put_string(w, crid.at, crid.len);
    if (adomain.len != 0) {
        QBID_PUT(w, ",\"adomain\":[");
        put_list(w, adomain);
        qbid_put_char(w, ']');
    }
    if (cat.len != 0) {
        QBID_PUT(w, ",\"cat\":[");
        put_list(w, cat);
        qbid_put_char(w, ']');
    }
    if (creative->width != 0 && creative->height != 0) {
        QBID_PUT(w, ",\"w\":");
        qbid_put_u64(w, creative->width);
        QBID_PUT(w, ",\"h\":");
        qbid_put_u64(w, creative->height);
    }
    QBID_PUT(w, ",\"mtype\":");
    qbid_put_u64(w, creative->format);
}

/* The numbers of a mask as an array; nothing for an empty one. */
static void put_numbers(struct qbid_writer *w, const char *name, uint64_t mask)
{
    for (bool first = true; mask != 0; mask &= mask - 1, first = false) {
        if (first)
            qbid_put_word(w, name);
        else
            qbid_put_char(w, ',');
        qbid_put_u64(w, (uint64_t)__builtin_ctzll(mask));
        if ((mask & (mask - 1)) == 0)
            qbid_put_char(w, ']');
    }
}

/* What an exchange would have to find out about the creative by itself. */
static void put_traits(struct qbid_writer *w, const struct qbid_creative *creative,
                       const struct qbid_traits *traits)
{
    char language[8];
    uint32_t len = qbid_response_language(traits, language);
    uint16_t duration_s = qbid_response_duration(creative, traits);
    put_numbers(w, ",\"attr\":[", traits->attr);
    put_numbers(w, ",\"apis\":[", traits->api);
    if (len != 0) { /* language is the two letters alone, langb a whole tag */
        qbid_put_word(w, len == 2 ? ",\"language\":" : ",\"langb\":");
        qbid_put_string(w, language, len);
    }
    if (duration_s != 0) {
        QBID_PUT(w, ",\"dur\":");
        qbid_put_u64(w, duration_s);
    }
    if (traits->cattax > 1) {
        QBID_PUT(w, ",\"cattax\":");
        qbid_put_u64(w, traits->cattax);
    }
}

/* What `qbid explain` needs to make the same bid again, and what it must come to. */
static void put_trace(struct qbid_writer *w, const struct qbid_response *r,
                      const struct qbid_decision *d)
{
    uint32_t pace_bits; /* six decimals would not give the same price again */
    memcpy(&pace_bits, &d->pace, sizeof pace_bits);
    QBID_PUT(w, ",\"ext\":{\"qbid\":{\"gen\":");
    qbid_put_u64(w, d->gen);
    QBID_PUT(w, ",\"line_item\":");
    qbid_put_u64(w, d->line_item_id);
    QBID_PUT(w, ",\"creative\":");
    qbid_put_u64(w, d->creative_id);
    QBID_PUT(w, ",\"level\":");
    qbid_put_u64(w, d->level);
    QBID_PUT(w, ",\"value\":");
    qbid_put_ratio(w, (double)d->value_micros / 1e6);
    QBID_PUT(w, ",\"pace\":");
    qbid_put_ratio(w, (double)d->pace);
    QBID_PUT(w, ",\"pace_bits\":");
    qbid_put_u64(w, pace_bits);
    if (d->exposures != 0) {
        QBID_PUT(w, ",\"exposures\":");
        qbid_put_u64(w, d->exposures);
    }
    QBID_PUT(w, ",\"q_action\":");
    qbid_put_u64(w, d->q_action);
    QBID_PUT(w, ",\"q_ratio\":");
    qbid_put_ratio(w, (double)d->q_ratio);
    QBID_PUT(w, ",\"shade_ratio\":");
    qbid_put_ratio(w, (double)d->shade_ratio);
    QBID_PUT(w, ",\"skipped\":");
    qbid_put_u64(w, d->skipped);
    QBID_PUT(w, ",\"q_state\":");
    qbid_put_u64(w, d->q_state);
    QBID_PUT(w, ",\"unix_s\":");
    qbid_put_u64(w, r->unix_s);
    QBID_PUT(w, "}}");
}

bool qbid_response_sign(const struct qbid_response *r, const struct qbid_response_bid *bid,
                        char *out)
{
    const struct qbid_decision *d = bid->decision;
    struct qbid_token token = {
        .level = d->level & 15u,
        .privacy = bid->privacy & 15u,
        .action = d->q_action,
        .tenant = r->image->line_items[d->line_item_idx].tenant,
        .flags = bid->event_flags,
        .partner = r->partner->id,
        .nonce = d->nonce,
        .context = d->context,
        .bid_nanos = qbid_nanos_from_cpm_micros(d->bid_micros),
        .bid_time_ns = r->now_ns,
        .bid_unix_s = (uint32_t)r->unix_s,
        .gen = (uint32_t)d->gen,
        .line_item_id = d->line_item_id,
        .creative_id = d->creative_id,
    };
    return qbid_token_sign(r->keys, &token, out) == 0;
}

/* The notice URLs that the partner calls. */
static void put_notices(struct qbid_writer *w, const struct qbid_response *r, const char *token,
                        int64_t price_micros)
{
    static const char *const field[QBID_PARTNER_NOTICE_CNT] = {
#define X(upper, word) ",\"" word "\":\"",
        QBID_PARTNER_NOTICE_LIST(X)
#undef X
    };
    for (unsigned i = 0; i < QBID_PARTNER_NOTICE_CNT; i++) {
        if (!qbid_response_calls(r, i))
            continue;
        qbid_put_word(w, field[i]);
        qbid_response_put_notice(w, r, i, token, price_micros);
        qbid_put_char(w, '"');
    }
}

static void put_bid(struct qbid_writer *w, const struct qbid_response *r,
                    const struct qbid_response_bid *bid, const char *token, int64_t price_micros)
{
    const struct qbid_decision *d = bid->decision;
    const struct qbid_creative *creative = &r->image->creatives[d->creative_idx];
    QBID_PUT(w, "{\"id\":\"");
    qbid_put_hex(w, d->nonce);
    QBID_PUT(w, "\",\"impid\":");
    qbid_put_string(w, bid->imp->id.at, bid->imp->id.len);
    QBID_PUT(w, ",\"price\":");
    qbid_put_micros(w, price_micros);
    QBID_PUT(w, ",\"cid\":\"");
    qbid_put_u64(w, d->campaign_id);
    qbid_put_char(w, '"');
    put_creative(w, r, creative);
    put_traits(w, creative, &r->image->traits[d->creative_idx]);
    if (bid->deal) {
        QBID_PUT(w, ",\"dealid\":");
        qbid_put_string(w, bid->deal->id.at, bid->deal->id.len);
    }
    QBID_PUT(w, ",\"exp\":");
    qbid_put_u64(w, r->image->header->notice_ttl_ns / QBID_NS_PER_S);
    put_notices(w, r, token, price_micros);
    QBID_PUT(w, ",\"adm\":\"");
    qbid_response_put_markup(w, r, creative, d->nonce, token);
    qbid_put_char(w, '"');
    if (r->trace)
        put_trace(w, r, d);
    qbid_put_char(w, '}');
}

/* One bid behind `before`, or nothing at all. */
static bool try_bid(struct qbid_writer *w, const struct qbid_response *r,
                    struct qbid_response_bid *bid, const char *before)
{
    char token[QBID_TOKEN_CHARS];
    char *back = w->at;
    int64_t price_micros = qbid_currency_from_account(bid->decision->bid_micros, r->rate_micros);
    if (price_micros <= 0 || !qbid_response_sign(r, bid, token))
        return false;
    qbid_put_word(w, before);
    put_bid(w, r, bid, token, price_micros);
    bid->written = !w->full;
    if (w->full) {
        w->at = back;
        w->full = false;
    }
    return bid->written;
}

uint16_t qbid_response_tenant(const struct qbid_response *r, const struct qbid_response_bid *bid)
{
    return r->image->line_items[bid->decision->line_item_idx].tenant;
}

void qbid_response_put_seat(struct qbid_writer *w, const struct qbid_response *r, uint16_t tenant)
{
    if (r->partner->seat_len != 0)
        qbid_put(w, r->partner->seat, r->partner->seat_len);
    else
        qbid_put_u64(w, tenant);
}

/* The bids of one tenant as a seatbid; from is the first of them. False when none fits. */
static bool put_seat(struct qbid_writer *w, const struct qbid_response *r,
                     struct qbid_response_bid *bids, unsigned from, unsigned n, bool first)
{
    char *back = w->at;
    uint16_t tenant = qbid_response_tenant(r, &bids[from]);
    bool any = false;
    if (w->end - w->at < CLOSING_BYTES)
        return false;
    w->end -= CLOSING_BYTES; /* kept free */
    qbid_put_word(w, first ? "{\"seat\":\"" : ",{\"seat\":\"");
    qbid_response_put_seat(w, r, tenant);
    QBID_PUT(w, "\",\"bid\":[");
    for (unsigned i = from; i < n && !w->full; i++)
        if (qbid_response_tenant(r, &bids[i]) == tenant)
            any |= try_bid(w, r, &bids[i], any ? "," : "");
    w->end += CLOSING_BYTES;
    w->full = false;
    if (any)
        QBID_PUT(w, "]}");
    else
        w->at = back;
    return any;
}

bool qbid_response_seat_done(const struct qbid_response *r, const struct qbid_response_bid *bids,
                             unsigned i)
{
    for (unsigned j = 0; j < i; j++)
        if (qbid_response_tenant(r, &bids[j]) == qbid_response_tenant(r, &bids[i]))
            return true;
    return false;
}

size_t qbid_response_write(const struct qbid_response *response, struct qbid_response_bid *bids,
                           unsigned n, char *out, size_t out_max)
{
    if (n == 0 || out_max < CLOSING_BYTES)
        return 0;
    struct qbid_writer w = qbid_writer_init(out, out_max - CLOSING_BYTES);
    bool any = false;
    QBID_PUT(&w, "{\"id\":");
    qbid_put_string(&w, response->openrtb->id.at, response->openrtb->id.len);
    QBID_PUT(&w, ",\"bidid\":\"");
    qbid_put_hex(&w, bids[0].decision->nonce);
    QBID_PUT(&w, "\",\"cur\":\"");
    qbid_put_currency(&w, response->currency);
    QBID_PUT(&w, "\",\"seatbid\":[");
    if (w.full)
        return 0;
    for (unsigned i = 0; i < n; i++)
        if (!qbid_response_seat_done(response, bids, i))
            any |= put_seat(&w, response, bids, i, n, !any);
    if (!any)
        return 0;
    w.end += CLOSING_BYTES;
    QBID_PUT(&w, "]}");
    return qbid_writer_len(&w);
}

const struct qbid_partner *qbid_response_partner(const struct qbid_image *image,
                                                 uint64_t exchange_hash)
{
    static const struct qbid_partner none = {.notices = (1u << QBID_PARTNER_NOTICE_CNT) - 1};
    const struct qbid_partner *found =
        image->header ? qbid_image_partner(image, exchange_hash) : NULL;
    return found ? found : &none;
}

bool qbid_response_complete(const struct qbid_partner *partner,
                            const struct qbid_creative *creative)
{
    const bool has[QBID_PARTNER_FIELD_CNT] = {
        [QBID_PARTNER_FIELD_CRID] = creative->crid_len != 0,
        [QBID_PARTNER_FIELD_ADOMAIN] = creative->adomain_len != 0,
        [QBID_PARTNER_FIELD_CAT] = creative->cat_len != 0,
        [QBID_PARTNER_FIELD_SIZE] = creative->width != 0 && creative->height != 0,
    };
    for (unsigned i = 0; i < QBID_PARTNER_FIELD_CNT; i++)
        if (partner->required >> i & 1 && !has[i])
            return false;
    return true;
}

unsigned qbid_response_nbr(enum qbid_nobid nobid)
{
    static const uint16_t nbr[QBID_NOBID_CNT] = {
#define X(upper, number, word, text) [QBID_NOBID_##upper] = number,
        QBID_NOBID_LIST(X)
#undef X
    };
    return nbr[nobid];
}

size_t qbid_response_no_bid(struct qbid_text id, enum qbid_nobid nobid, char *out, size_t out_max)
{
    struct qbid_writer w = qbid_writer_init(out, out_max);
    QBID_PUT(&w, "{\"id\":");
    qbid_put_string(&w, id.at, id.len);
    QBID_PUT(&w, ",\"nbr\":");
    qbid_put_u64(&w, qbid_response_nbr(nobid));
    qbid_put_char(&w, '}');
    return w.full ? 0 : qbid_writer_len(&w);
}
