/* SPDX-License-Identifier: Apache-2.0 */
/* check SOCKET PAIRS [tamper]: decides every request of a file of qbid-blast's again, with the
 * library alone, and compares with what was answered. MessagePack is read by libmsgpack. With
 * "tamper" one of a hundred prices is raised first: all of these must be found. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "plugin/qbid.h"
#include "tests/plugin/dpdk/message_oracle.h"
#include "tools/replay/auction/answer.h"

#define BYTES_MAX 9000
#define OUT_MAX 200000

struct told {
    bool bid;
    uint64_t nbr, price, creative, line_item, campaign, deal; /* deal: 1 + its index */
    char token[QBID_NOTICE_TOKEN_CHARS];
};

static struct qbid_worker *worker;
static bool tamper;
static unsigned long checked, different, tampered, found;

static void require(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "check: %s\n", what);
        exit(2);
    }
}

static bool next(FILE *file, char *out, size_t *ret_len)
{
    uint32_t len;
    if (fread(&len, sizeof len, 1, file) != 1)
        return false;
    *ret_len = ntohl(len);
    memset(out, 0, BYTES_MAX + QBID_PADDING);
    require(*ret_len <= BYTES_MAX && fread(out, 1, *ret_len, file) == *ret_len, "a cut file");
    return true;
}

static bool read_told(const char *bytes, size_t len, struct told *ret)
{
    msgpack_unpacked u;
    size_t off = 0;
    msgpack_unpacked_init(&u);
    *ret = (struct told){0};
    bool good = msgpack_unpack_next(&u, bytes, len, &off) == MSGPACK_UNPACK_SUCCESS && off == len &&
                u.data.type == MSGPACK_OBJECT_MAP;
    for (uint32_t i = 0; good && i < u.data.via.map.size; i++) {
        const msgpack_object *value = &u.data.via.map.ptr[i].val;
        uint64_t key = u.data.via.map.ptr[i].key.via.u64;
        uint64_t *const to[] = {[QBID_MESSAGE_NBR] = &ret->nbr,
                                [QBID_MESSAGE_PRICE] = &ret->price,
                                [QBID_MESSAGE_CREATIVE] = &ret->creative,
                                [QBID_MESSAGE_LINE_ITEM] = &ret->line_item,
                                [QBID_MESSAGE_CAMPAIGN] = &ret->campaign};
        ret->bid |= key == QBID_MESSAGE_PRICE;
        if (key >= QBID_MESSAGE_NBR && key <= QBID_MESSAGE_CAMPAIGN)
            *to[key] = value->via.u64;
        if (key == QBID_MESSAGE_DEAL)
            ret->deal = 1 + value->via.u64;
        if (key == QBID_MESSAGE_TOKEN && value->via.str.size == sizeof ret->token)
            memcpy(ret->token, value->via.str.ptr, sizeof ret->token);
    }
    msgpack_unpacked_destroy(&u);
    return good;
}

/* The token is one that the library takes for its own: an impression of it is accepted. */
static bool token_settles(const struct told *told)
{
    char query[2 + QBID_NOTICE_TOKEN_CHARS] = "t=", location[QBID_NOTICE_MAX];
    size_t location_len;
    memcpy(query + 2, told->token, QBID_NOTICE_TOKEN_CHARS);
    return qbid_worker_notice(worker, "imp", 3, query, sizeof query, qbid_now_ns(), location,
                              sizeof location, &location_len) == 200;
}

static bool same_message(const char *ask, size_t ask_len, const char *answer, size_t answer_len,
                         bool spoil)
{
    struct qbid_request request;
    struct qbid_message message;
    struct qbid_decision d;
    struct told told;
    require(message_oracle_read(ask, ask_len, 0, &request, &message), "a request is malformed");
    require(qbid_worker_decide(worker, &request, qbid_now_ns(), &d) == 0, "decide");
    if (!read_told(answer, answer_len, &told))
        return false;
    told.price += spoil;
    told.nbr += spoil;
    if (!told.bid || d.nobid != 0)
        return !told.bid && d.nobid != 0 && told.nbr == qbid_message_nbr(d.nobid);
    return told.price == (uint64_t)d.bid_micros && told.creative == d.creative_id &&
           told.line_item == d.line_item_id && told.campaign == d.campaign_id &&
           told.deal == d.deal && token_settles(&told);
}

static bool same_span(struct qbid_replay_span a, struct qbid_replay_span b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static bool same_json(const char *ask, size_t ask_len, const char *answer, size_t answer_len,
                      bool spoil)
{
    static char out[OUT_MAX];
    struct qbid_replay_answer told, want;
    struct qbid_answer a;
    require(qbid_worker_openrtb(worker, "2", ask, ask_len, qbid_now_ns(), out, 1472, &a) == 0,
            "openrtb");
    if (qbid_replay_answer_parse(answer, answer_len, &told) != 0)
        return false;
    told.bid.price_micros += spoil;
    told.nbr += spoil;
    if (a.status != 200)
        return told.bids_cnt == 0 &&
               told.nbr == (int64_t)qbid_message_nbr(a.nobid ? (enum qbid_nobid)a.nobid
                                                             : QBID_NOBID_OVER_LIMIT);
    require(qbid_replay_answer_parse(out, a.body_bytes, &want) == 0, "our own answer");
    return told.bids_cnt == 1 && told.bid.price_micros == want.bid.price_micros &&
           same_span(told.bid.adid, want.bid.adid) && same_span(told.bid.seat, want.bid.seat);
}

static void check_file(const char *path)
{
    static char ask[BYTES_MAX + QBID_PADDING], answer[BYTES_MAX + QBID_PADDING];
    size_t ask_len, answer_len;
    FILE *file = fopen(path, "rb");
    require(file != NULL, path);
    while (next(file, ask, &ask_len)) {
        require(next(file, answer, &answer_len), "a request without its answer");
        bool spoil = tamper && checked % 100 == 99;
        bool same = ask[0] == '{' ? same_json(ask, ask_len, answer, answer_len, spoil)
                                  : same_message(ask, ask_len, answer, answer_len, spoil);
        checked++;
        different += !same;
        tampered += spoil;
        found += spoil && !same;
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    struct qbid *qbid;
    require(argc >= 3, "usage: check SOCKET PAIRS [tamper]");
    tamper = argc > 3;
    struct qbid_options options = {.size = sizeof options,
                                   .socket_path = argv[1],
                                   .notice_url = "https://n.example/q",
                                   .worker_timeout_ms = 10000};
    require(qbid_open(&options, &qbid) == 0 && qbid_worker_open(qbid, &worker) == 0, "library");
    check_file(argv[2]);
    if (tamper)
        printf("tampered: found %lu of %lu\n", found, tampered);
    printf("%lu answers checked, %lu different\n", checked, different);
    qbid_worker_close(worker);
    qbid_close(qbid);
    return checked > 0 && different == 0 ? 0 : 1;
}
