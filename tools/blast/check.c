/* SPDX-License-Identifier: Apache-2.0 */
/* Reading is strict: keys ascend, each value has the type that plugin/dpdk/message.h gives it. */
#include "tools/blast/check.h"

#include <string.h>

#include "tools/replay/auction/answer.h"

#define TOKEN_CHARS 96
#define PRICE_MAX_MICROS (UINT64_C(1) << 50)

/* Bytes that are left of a datagram. */
struct rest {
    const uint8_t *at;
    size_t len;
};

static bool take_number(struct rest *r, uint64_t *ret)
{
    if (r->len == 0)
        return false;
    uint8_t first = r->at[0];
    size_t bytes = first < 0x80                     ? 0
                   : first >= 0xcc && first <= 0xcf ? (size_t)1 << (first - 0xcc)
                                                    : 9;
    if (bytes == 9 || r->len < 1 + bytes)
        return false;
    *ret = bytes == 0 ? first : 0;
    for (size_t i = 1; i <= bytes; i++)
        *ret = *ret << 8 | r->at[i];
    r->at += 1 + bytes;
    r->len -= 1 + bytes;
    return true;
}

static bool take_text(struct rest *r, const char **ret, size_t *ret_len)
{
    if (r->len == 0)
        return false;
    size_t head = r->at[0] >= 0xa0 && r->at[0] < 0xc0 ? 1 : 2;
    if (head == 2 && (r->at[0] != 0xd9 || r->len < 2))
        return false;
    size_t len = head == 1 ? r->at[0] & 31u : r->at[1];
    if (r->len < head + len)
        return false;
    *ret = (const char *)r->at + head;
    *ret_len = len;
    r->at += head + len;
    r->len -= head + len;
    return true;
}

static bool is_token(const char *text, size_t len)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < len; i++)
        if (!memchr(alphabet, text[i], sizeof alphabet - 1))
            return false;
    return len == TOKEN_CHARS;
}

/* The value of one key; false when it is not what it must be. */
static bool take_value(struct rest *r, uint64_t key, struct qbid_blast_answer *a)
{
    uint64_t *const number[] = {
        NULL,         NULL,     NULL,    &a->nbr, &a->price_micros, &a->creative, &a->line_item,
        &a->campaign, &a->deal, &a->bid, NULL,    &a->gen,          &a->error};
    const char *text;
    size_t len;
    uint64_t version;
    if (key == 0)
        return take_number(r, &version) && version == 1;
    if (key == 1)
        return take_text(r, &a->id, &a->id_len);
    if (key == 2)
        return take_text(r, &text, &len) && len == 1 && text[0] == '1';
    if (key == 10)
        return take_text(r, &text, &len) && is_token(text, len);
    return take_number(r, number[key]);
}

static void read_msgpack(const uint8_t *bytes, size_t len, struct qbid_blast_answer *a)
{
    struct rest r = {bytes + 1, len - 1};
    uint64_t key, last = 0;
    unsigned pairs = bytes[0] & 15u, keys = 0;
    for (unsigned i = 0; i < pairs; i++) {
        if (!take_number(&r, &key) || key > 12 || (i != 0 && key <= last)) {
            a->wrong = "keys";
            return;
        }
        if (!take_value(&r, key, a)) {
            a->wrong = "a value's type";
            return;
        }
        last = key;
        keys |= 1u << key;
    }
    const unsigned bid = 0x0ef0; /* 4 to 7, 9 to 11 */
    a->has_deal = keys & 1u << 8;
    a->has_nbr = (keys & ~7u) == 1u << 3;
    a->has_error = (keys & ~7u) == 1u << 12;
    a->has_bid = (keys & ~(7u | 1u << 8)) == bid;
    if (r.len != 0 || !(keys & 1u) || a->has_nbr + a->has_error + a->has_bid != 1)
        a->wrong = "fields";
}

static void read_json(const uint8_t *bytes, size_t len, struct qbid_blast_answer *a)
{
    struct qbid_replay_answer parsed;
    if (qbid_replay_answer_parse((const char *)bytes, len, &parsed) != 0) {
        a->wrong = "no bid response";
        return;
    }
    a->id = parsed.id.at;
    a->id_len = parsed.id.len;
    a->has_nbr = parsed.nbr >= 0;
    a->nbr = (uint64_t)(parsed.nbr >= 0 ? parsed.nbr : 0);
    a->has_bid = parsed.bids_cnt == 1 && parsed.bid.has_price && parsed.bid.price_micros > 0;
    a->has_error = a->has_nbr && a->id_len == 0;
    a->has_nbr = a->has_nbr && a->id_len != 0;
    if (a->has_nbr + a->has_error + a->has_bid != 1)
        a->wrong = "neither a bid nor a reason";
    if (!a->has_bid)
        return;
    a->price_micros = (uint64_t)parsed.bid.price_micros;
    a->creative = a->line_item = a->campaign = a->bid = a->gen = 1; /* told in MessagePack only */
    if (parsed.bid.burl.len == 0 || parsed.bid.adm.len == 0 ||
        !qbid_replay_answer_equals(parsed.bid.impid, "1", 1) ||
        !qbid_replay_answer_equals(parsed.cur, "CNY", 3))
        a->wrong = "a bid's fields";
}

void qbid_blast_answer_read(const uint8_t *bytes, size_t len, struct qbid_blast_answer *ret_answer)
{
    *ret_answer = (struct qbid_blast_answer){.format = QBID_BLAST_JSON};
    if (len != 0 && bytes[0] == '{') {
        read_json(bytes, len, ret_answer);
        return;
    }
    ret_answer->format = QBID_BLAST_MSGPACK;
    if (len == 0 || (bytes[0] & 0xf0) != 0x80)
        ret_answer->wrong = "neither format";
    else
        read_msgpack(bytes, len, ret_answer);
}

static const char *wrong_bid(const struct qbid_blast_request *r, const struct qbid_blast_answer *a)
{
    if (a->has_deal && a->deal >= r->deal_cnt)
        return "a deal that was not offered";
    int64_t floor = a->has_deal ? r->deal_floor_micros[a->deal] : r->floor_micros;
    if (a->price_micros == 0 || a->price_micros > PRICE_MAX_MICROS)
        return "no price";
    if ((int64_t)a->price_micros < floor)
        return "below the floor";
    if (a->creative == 0 || a->line_item == 0 || a->campaign == 0 || a->bid == 0 || a->gen == 0)
        return "a bid without creative, line item, campaign, number or generation";
    return NULL;
}

enum qbid_blast_verdict qbid_blast_check(const struct qbid_blast_request *r,
                                         const struct qbid_blast_answer *a, const char **ret_why)
{
    *ret_why = a->wrong;
    if (!a->wrong && a->format != r->format)
        *ret_why = "the other format";
    else if (!a->wrong && r->cut != a->has_error)
        *ret_why = r->cut ? "a malformed request was taken" : "a request was called malformed";
    else if (!a->wrong && a->has_error && r->format == QBID_BLAST_MSGPACK && a->error != 1)
        *ret_why = "another error";
    else if (!a->wrong && a->has_bid)
        *ret_why = wrong_bid(r, a);
    if (*ret_why)
        return QBID_BLAST_WRONG;
    return a->has_error ? QBID_BLAST_ERROR : a->has_bid ? QBID_BLAST_BID : QBID_BLAST_NOBID;
}
