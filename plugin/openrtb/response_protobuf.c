/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the messages in an arena, as many bids as the room has space for, and packs them once. */
#include "plugin/openrtb/response_protobuf.h"

#include "plugin/currency.h"
#include "plugin/openrtb/openrtb.pb-c.h"
#include "plugin/openrtb/response_parts.h"
#include "shm/units.h"

/* A length and a tag, at most, in front of a message of less than 256 MiB. */
#define PREFIX_BYTES 6

/* An answer under way. */
struct build {
    const struct qbid_response *response;
    struct qbid_arena *arena;
    size_t left; /* bytes of the room that are still free */
    Pb__Response out;
};

/* --- texts are written where the arena is free, and kept with what they came to */

static struct qbid_writer text_begin(struct build *b)
{
    struct qbid_writer w = qbid_writer_init(b->arena->at, (size_t)(b->arena->end - b->arena->at));
    w.raw = true;
    return w;
}

static ProtobufCBinaryData text_end(struct build *b, const struct qbid_writer *w)
{
    size_t len = qbid_writer_len(w);
    if (w->full)
        b->arena->over = true;
    (void)qbid_arena_take(b->arena, len);
    return (ProtobufCBinaryData){len, (uint8_t *)w->start};
}

static ProtobufCBinaryData borrow(struct qbid_text text)
{
    return (ProtobufCBinaryData){text.len, (uint8_t *)(uintptr_t)text.at};
}

static ProtobufCBinaryData number(struct build *b, uint64_t value)
{
    struct qbid_writer w = text_begin(b);
    qbid_put_u64(&w, value);
    return text_end(b, &w);
}

static ProtobufCBinaryData hex(struct build *b, uint64_t value)
{
    struct qbid_writer w = text_begin(b);
    qbid_put_hex(&w, value);
    return text_end(b, &w);
}

static ProtobufCBinaryData seat_name(struct build *b, uint16_t tenant)
{
    struct qbid_writer w = text_begin(b);
    qbid_response_put_seat(&w, b->response, tenant);
    return text_end(b, &w);
}

static ProtobufCBinaryData notice(struct build *b, enum qbid_partner_notice which,
                                  const char *token, int64_t price_micros)
{
    struct qbid_writer w = text_begin(b);
    qbid_response_put_notice(&w, b->response, which, token, price_micros);
    return text_end(b, &w);
}

static ProtobufCBinaryData markup(struct build *b, const struct qbid_creative *creative,
                                  uint64_t nonce, const char *token)
{
    struct qbid_writer w = text_begin(b);
    qbid_response_put_markup(&w, b->response, creative, nonce, token);
    return text_end(b, &w);
}

/* A comma-separated list, its pieces where they stand. */
static size_t split(struct build *b, struct qbid_text list, ProtobufCBinaryData **ret)
{
    size_t n = list.len != 0, i = 0;
    for (uint32_t at = 0; at < list.len; at++)
        n += list.at[at] == ',' && at + 1 < list.len;
    *ret = qbid_arena_take(b->arena, n * sizeof **ret);
    if (!*ret)
        return 0;
    for (const char *at = list.at, *end = list.at + list.len; i < n; i++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        (*ret)[i] = borrow((struct qbid_text){at, (uint32_t)(stop - at)});
        at = stop + 1;
    }
    return n;
}

/* --- bids */

#define SET(message, field, value) ((message)->has_##field = true, (message)->field = (value))

static void set_creative(struct build *b, Pb__Bid *out, const struct qbid_creative *creative)
{
    const struct qbid_image *image = b->response->image;
    struct qbid_text crid = qbid_response_text(image, creative->crid_off, creative->crid_len);
    SET(out, adid, number(b, creative->id));
    SET(out, crid, crid.len ? borrow(crid) : out->adid);
    out->n_adomain = split(
        b, qbid_response_text(image, creative->adomain_off, creative->adomain_len), &out->adomain);
    out->n_cat =
        split(b, qbid_response_text(image, creative->cat_off, creative->cat_len), &out->cat);
    if (creative->width != 0 && creative->height != 0) {
        SET(out, w, creative->width);
        SET(out, h, creative->height);
    }
    SET(out, mtype, creative->format);
}

/* The numbers of a mask. */
static size_t numbers(struct build *b, uint64_t mask, int32_t **ret)
{
    size_t n = (size_t)__builtin_popcountll(mask), i = 0;
    *ret = qbid_arena_take(b->arena, n * sizeof **ret);
    for (; *ret && mask != 0; mask &= mask - 1)
        (*ret)[i++] = __builtin_ctzll(mask);
    return i;
}

static void set_traits(struct build *b, Pb__Bid *out, const struct qbid_creative *creative,
                       const struct qbid_traits *traits)
{
    char tag[8];
    uint32_t len = qbid_response_language(traits, tag);
    uint16_t duration_s = qbid_response_duration(creative, traits);
    struct qbid_writer w = text_begin(b);
    qbid_put(&w, tag, len);
    ProtobufCBinaryData language = text_end(b, &w);
    if (len == 2)
        SET(out, language, language);
    else if (len != 0)
        SET(out, langb, language);
    out->n_attr = numbers(b, traits->attr, &out->attr);
    out->n_apis = numbers(b, traits->api, &out->apis);
    if (duration_s != 0)
        SET(out, dur, duration_s);
    if (traits->cattax > 1)
        SET(out, cattax, traits->cattax);
}

static void set_bid(struct build *b, Pb__Bid *out, const struct qbid_response_bid *bid,
                    const char *token, int64_t price_micros)
{
    const struct qbid_response *r = b->response;
    const struct qbid_decision *d = bid->decision;
    const struct qbid_creative *creative = &r->image->creatives[d->creative_idx];
    pb__bid__init(out);
    SET(out, id, hex(b, d->nonce));
    SET(out, impid, borrow(bid->imp->id));
    SET(out, price, (double)price_micros / QBID_MICROS_PER_UNIT);
    SET(out, cid, number(b, d->campaign_id));
    set_creative(b, out, creative);
    set_traits(b, out, creative, &r->image->traits[d->creative_idx]);
    if (bid->deal)
        SET(out, dealid, borrow(bid->deal->id));
    SET(out, exp, (int32_t)(r->image->header->notice_ttl_ns / QBID_NS_PER_S));
    if (qbid_response_calls(r, QBID_PARTNER_NURL))
        SET(out, nurl, notice(b, QBID_PARTNER_NURL, token, price_micros));
    if (qbid_response_calls(r, QBID_PARTNER_BURL))
        SET(out, burl, notice(b, QBID_PARTNER_BURL, token, price_micros));
    if (qbid_response_calls(r, QBID_PARTNER_LURL))
        SET(out, lurl, notice(b, QBID_PARTNER_LURL, token, price_micros));
    SET(out, adm, markup(b, creative, d->nonce, token));
}

/* One more bid in a seat, or nothing at all. */
static void try_bid(struct build *b, Pb__SeatBid *seat, struct qbid_response_bid *bid)
{
    char token[QBID_TOKEN_CHARS];
    struct qbid_arena back = *b->arena;
    int64_t price_micros =
        qbid_currency_from_account(bid->decision->bid_micros, b->response->rate_micros);
    Pb__Bid *out = qbid_arena_take(b->arena, sizeof *out);
    if (!out || price_micros <= 0 || !qbid_response_sign(b->response, bid, token)) {
        *b->arena = back;
        return;
    }
    set_bid(b, out, bid, token, price_micros);
    size_t bytes = b->arena->over ? 0 : pb__bid__get_packed_size(out) + PREFIX_BYTES;
    if (b->arena->over || bytes > b->left) {
        *b->arena = back;
        return;
    }
    b->left -= bytes;
    bid->written = true;
    seat->bid[seat->n_bid++] = out;
}

/* The bids of one tenant, from the first of them on. */
static void add_seat(struct build *b, struct qbid_response_bid *bids, unsigned from, unsigned n)
{
    uint16_t tenant = qbid_response_tenant(b->response, &bids[from]);
    Pb__SeatBid *seat = qbid_arena_take(b->arena, sizeof *seat);
    if (!seat)
        return;
    pb__seat_bid__init(seat);
    SET(seat, seat, seat_name(b, tenant));
    seat->bid = qbid_arena_take(b->arena, n * sizeof *seat->bid);
    size_t bytes = pb__seat_bid__get_packed_size(seat) + PREFIX_BYTES;
    if (!seat->bid || bytes > b->left)
        return;
    b->left -= bytes;
    for (unsigned i = from; i < n; i++)
        if (qbid_response_tenant(b->response, &bids[i]) == tenant)
            try_bid(b, seat, &bids[i]);
    if (seat->n_bid > 0)
        b->out.seatbid[b->out.n_seatbid++] = seat;
    else
        b->left += bytes;
}

size_t qbid_response_write_protobuf(const struct qbid_response *response,
                                    struct qbid_response_bid *bids, unsigned n,
                                    struct qbid_arena *arena, char *out, size_t out_max)
{
    struct build b = {.response = response, .arena = arena, .left = out_max};
    char currency[4];
    if (n == 0)
        return 0;
    memcpy(currency, &response->currency, sizeof currency);
    pb__response__init(&b.out);
    SET(&b.out, id, borrow(response->openrtb->id));
    SET(&b.out, bidid, hex(&b, bids[0].decision->nonce));
    SET(&b.out, cur, borrow((struct qbid_text){currency, 3}));
    b.out.seatbid = qbid_arena_take(arena, n * sizeof *b.out.seatbid);
    size_t bytes = pb__response__get_packed_size(&b.out);
    if (!b.out.seatbid || bytes > b.left)
        return 0;
    b.left -= bytes;
    for (unsigned i = 0; i < n; i++)
        if (!qbid_response_seat_done(response, bids, i))
            add_seat(&b, bids, i, n);
    return b.out.n_seatbid > 0 ? pb__response__pack(&b.out, (uint8_t *)out) : 0;
}

size_t qbid_response_no_bid_protobuf(struct qbid_text id, enum qbid_nobid nobid, char *out,
                                     size_t out_max)
{
    Pb__Response answer = PB__RESPONSE__INIT;
    SET(&answer, id, borrow(id));
    SET(&answer, nbr, (int32_t)qbid_response_nbr(nobid));
    if (pb__response__get_packed_size(&answer) > out_max)
        return 0;
    return pb__response__pack(&answer, (uint8_t *)out);
}
