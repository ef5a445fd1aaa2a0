/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the response once; unknown members are checked and skipped. */
#include "tools/replay/auction/answer.h"

#include <string.h>

#include "shm/error.h"
#include "tools/replay/text/json.h"
#include "tools/replay/text/money.h"

static bool is_key(struct qbid_replay_span key, struct qbid_replay_span name)
{
    return key.len == name.len && memcmp(key.at, name.at, name.len) == 0;
}
#define IS_KEY(key, literal) is_key((key), QBID_REPLAY_SPAN(literal))

static int read_count(struct qbid_replay_json *json, uint64_t *ret_number)
{
    struct qbid_replay_span text;
    uint64_t number = 0;
    int err = qbid_replay_json_number(json, &text);
    if (err)
        return err;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || text.len > 19)
            return QBID_ERR_PARSE;
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    *ret_number = number;
    return 0;
}

static int read_price(struct qbid_replay_json *json, struct qbid_replay_bid *bid)
{
    struct qbid_replay_span text;
    int err = qbid_replay_json_number(json, &text);
    if (err)
        return err;
    int cut = qbid_replay_money_parse(text.at, text.len, &bid->price_micros);
    bid->has_price = cut >= 0;
    bid->is_cut = cut > 0;
    return 0;
}

/* {"qbid":{"gen":7}}; another bidder may put anything here. */
static int read_ext(struct qbid_replay_json *json, struct qbid_replay_bid *bid)
{
    struct qbid_replay_span key;
    bool first = true, inner_first = true;
    if (qbid_replay_json_peek(json) != '{')
        return qbid_replay_json_skip(json);
    int more = qbid_replay_json_enter(json, '{');
    while (more >= 0 && (more = qbid_replay_json_member(json, &first, &key)) > 0) {
        if (!IS_KEY(key, "qbid") || qbid_replay_json_peek(json) != '{') {
            more = qbid_replay_json_skip(json);
            continue;
        }
        more = qbid_replay_json_enter(json, '{');
        while (more >= 0 && (more = qbid_replay_json_member(json, &inner_first, &key)) > 0) {
            bool is_gen = IS_KEY(key, "gen");
            more = is_gen ? read_count(json, &bid->gen) : qbid_replay_json_skip(json);
            bid->has_gen |= is_gen;
        }
    }
    return more;
}

static int read_bid(struct qbid_replay_json *json, struct qbid_replay_bid *bid)
{
    const struct {
        struct qbid_replay_span name;
        struct qbid_replay_span *value;
    } texts[] = {
        {QBID_REPLAY_SPAN("id"), &bid->id},     {QBID_REPLAY_SPAN("impid"), &bid->impid},
        {QBID_REPLAY_SPAN("adid"), &bid->adid}, {QBID_REPLAY_SPAN("adm"), &bid->adm},
        {QBID_REPLAY_SPAN("nurl"), &bid->nurl}, {QBID_REPLAY_SPAN("burl"), &bid->burl},
        {QBID_REPLAY_SPAN("lurl"), &bid->lurl},
    };
    const size_t texts_cnt = sizeof texts / sizeof texts[0];
    struct qbid_replay_span key;
    bool first = true;
    int more = qbid_replay_json_enter(json, '{');
    while (more >= 0 && (more = qbid_replay_json_member(json, &first, &key)) > 0) {
        size_t i = 0;
        while (i < texts_cnt && !is_key(key, texts[i].name))
            i++;
        if (i < texts_cnt)
            more = qbid_replay_json_string(json, texts[i].value);
        else if (IS_KEY(key, "price"))
            more = read_price(json, bid);
        else if (IS_KEY(key, "ext"))
            more = read_ext(json, bid);
        else
            more = qbid_replay_json_skip(json);
    }
    return more;
}

static int read_bids(struct qbid_replay_json *json, struct qbid_replay_bid *best, uint32_t *cnt)
{
    bool first = true;
    int more = qbid_replay_json_enter(json, '[');
    while (more >= 0 && (more = qbid_replay_json_item(json, &first)) > 0) {
        struct qbid_replay_bid bid = {0};
        more = read_bid(json, &bid);
        if (more < 0)
            break;
        if (!best->has_price || (bid.has_price && bid.price_micros > best->price_micros))
            *best = bid;
        ++*cnt;
    }
    return more;
}

/* A seat's name may stand after its bids, so it is put into the best bid when the seat is read. */
static int read_seat(struct qbid_replay_json *json, struct qbid_replay_answer *answer)
{
    struct qbid_replay_span key, seat = {0};
    struct qbid_replay_bid best = {0};
    uint32_t cnt = 0;
    bool first = true;
    int more = qbid_replay_json_enter(json, '{');
    while (more >= 0 && (more = qbid_replay_json_member(json, &first, &key)) > 0) {
        if (IS_KEY(key, "bid"))
            more = read_bids(json, &best, &cnt);
        else if (IS_KEY(key, "seat"))
            more = qbid_replay_json_string(json, &seat);
        else
            more = qbid_replay_json_skip(json);
    }
    if (more < 0)
        return more;
    best.seat = seat;
    if (cnt != 0 && (!answer->bid.has_price ||
                     (best.has_price && best.price_micros > answer->bid.price_micros)))
        answer->bid = best;
    answer->bids_cnt += cnt;
    return 0;
}

static int read_seats(struct qbid_replay_json *json, struct qbid_replay_answer *answer)
{
    bool first = true;
    int more = qbid_replay_json_enter(json, '[');
    while (more >= 0 && (more = qbid_replay_json_item(json, &first)) > 0)
        more = read_seat(json, answer);
    return more;
}

static int read_member(struct qbid_replay_json *json, struct qbid_replay_span key,
                       struct qbid_replay_answer *answer)
{
    if (IS_KEY(key, "id"))
        return qbid_replay_json_string(json, &answer->id);
    if (IS_KEY(key, "bidid"))
        return qbid_replay_json_string(json, &answer->bidid);
    if (IS_KEY(key, "cur"))
        return qbid_replay_json_string(json, &answer->cur);
    if (IS_KEY(key, "seatbid"))
        return read_seats(json, answer);
    if (!IS_KEY(key, "nbr"))
        return qbid_replay_json_skip(json);
    uint64_t nbr;
    int err = read_count(json, &nbr);
    if (!err)
        answer->nbr = (int64_t)nbr;
    return err;
}

int qbid_replay_answer_parse(const char *text, size_t len, struct qbid_replay_answer *ret_answer)
{
    struct qbid_replay_json json = qbid_replay_json_start(text, len);
    struct qbid_replay_answer answer = {.nbr = -1};
    struct qbid_replay_span key;
    bool first = true;
    int more = qbid_replay_json_enter(&json, '{');
    while (more >= 0 && (more = qbid_replay_json_member(&json, &first, &key)) > 0)
        more = read_member(&json, key, &answer);
    if (more == 0)
        more = qbid_replay_json_finish(&json);
    if (more == 0)
        *ret_answer = answer;
    return more;
}

bool qbid_replay_answer_equals(struct qbid_replay_span raw, const char *text, size_t len)
{
    if (!memchr(raw.at ? raw.at : "", '\\', raw.len))
        return raw.len == len && memcmp(raw.at ? raw.at : "", text, len) == 0;
    struct qbid_replay_buffer plain = {0};
    qbid_replay_json_unescape(&plain, raw);
    bool equal = !plain.failed && plain.len == len && memcmp(plain.text, text, len) == 0;
    qbid_replay_buffer_done(&plain);
    return equal;
}
