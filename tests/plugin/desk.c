/* SPDX-License-Identifier: Apache-2.0 */
/* Heap memory laid out as an image, a live page and a worker page. */
#include "tests/plugin/desk.h"

#include <stdlib.h>
#include <string.h>

#include "fastpath/record.h"
#include "tests/plugin/account.h"

#define LINE_ITEMS 16
#define LG_EVENTS 6

static void *lines(int64_t bytes)
{
    size_t n = ((size_t)bytes + 63) & ~(size_t)63;
    void *memory = bytes > 0 ? aligned_alloc(64, n) : NULL;
    if (!memory)
        abort();
    return memset(memory, 0, n);
}

static void must(int rc)
{
    if (rc != 0)
        abort();
}

struct desk *desk_new(void)
{
    struct desk *d = lines(sizeof *d);
    struct qbid_live_shape shape = {LINE_ITEMS, LINE_ITEMS, 1};
    size_t bytes;
    d->image_base = account_image(1, &bytes);
    d->live_base = lines(qbid_live_footprint(shape));
    d->page_base = lines(qbid_page_footprint(LINE_ITEMS, LG_EVENTS));
    must(qbid_openrtb_new(&d->parser));
    must(qbid_protobuf_new(d->parser, &d->protobuf));
    must(qbid_image_attach(d->image_base, bytes, &d->image));
    must(qbid_live_format(d->live_base, shape, 1, &d->live));
    must(qbid_page_format(d->page_base, LINE_ITEMS, LG_EVENTS, &d->page));
    for (uint32_t i = 0; i < LINE_ITEMS; i++) {
        qbid_live_set_pace(&d->live, i, 1.0f);
        atomic_store(&d->live.limit[i], INT64_MAX / 2);
    }
    atomic_store(&d->live.lease[0].valid_until_ns, UINT64_MAX);
    d->view = (struct qbid_view){
        .image = &d->image, .live = &d->live, .page = &d->page, .deadline_ns = UINT64_MAX};
    d->keys.id[0] = 1;
    d->exchange = "2";
    return d;
}

void desk_free(struct desk *d)
{
    qbid_openrtb_free(d->parser);
    qbid_protobuf_free(d->protobuf);
    free(d->image_base);
    free(d->live_base);
    free(d->page_base);
    free(d);
}

int desk_parse(struct desk *d, const char *body, size_t len)
{
    return qbid_openrtb_parse(d->parser, body, len, &d->openrtb);
}

int desk_parse_protobuf(struct desk *d, const char *body, size_t len)
{
    return qbid_protobuf_parse(d->protobuf, body, len, &d->openrtb);
}

void desk_fill(struct desk *d)
{
    d->request_cnt = 0;
    qbid_common_fill(&d->image, &d->openrtb, d->exchange, DESK_UNIX_S, &d->common);
    if (qbid_privacy_class_of(d->common.privacy.reason) == QBID_PRIVACY_NO_BID)
        return;
    for (unsigned imp = 0; imp < d->openrtb.imp_cnt; imp++) {
        unsigned i = d->request_cnt;
        if (qbid_impression_fill(&d->common, imp, d->deal_idx[i], &d->terms[i], &d->request[i]) !=
            QBID_NOBID_NONE)
            continue;
        d->imp_idx[i] = (uint8_t)imp;
        d->request_cnt++;
    }
}

void desk_decide(struct desk *d)
{
    qbid_decide_many(&d->view, d->request, d->request_cnt, DESK_NOW_NS, d->decision);
    d->bid_cnt = 0;
    for (unsigned i = 0; i < d->request_cnt; i++) {
        const struct qbid_openrtb_imp *imp = &d->openrtb.imp[d->imp_idx[i]];
        unsigned deal = d->decision[i].deal;
        if (d->decision[i].nobid != QBID_NOBID_NONE)
            continue;
        d->bid[d->bid_cnt++] = (struct qbid_response_bid){
            .imp = imp,
            .deal = deal ? &imp->deal[d->deal_idx[i][deal - 1]] : NULL,
            .decision = &d->decision[i],
            .event_flags = qbid_bid_flags(&d->request[i], &d->decision[i]),
            .privacy = d->request[i].privacy,
        };
    }
}

/* What all bids of an answer share; false when there is no currency to answer in. */
static bool response_of(struct desk *d, struct qbid_response *ret)
{
    static const char url[] = "https://n.example/qbid/notice";
    *ret = (struct qbid_response){
        .image = &d->image,
        .keys = &d->keys,
        .openrtb = &d->openrtb,
        .partner = qbid_response_partner(&d->image, qbid_response_exchange(d->exchange)),
        .notice_url = {url, sizeof url - 1},
        .now_ns = DESK_NOW_NS,
        .unix_s = DESK_UNIX_S,
        .trace = true,
    };
    ret->currency = qbid_response_currency(&d->image, &d->openrtb, ret->partner, &ret->rate_micros);
    return ret->currency != QBID_CURRENCY_NONE;
}

size_t desk_write(struct desk *d, char *out, size_t out_max)
{
    struct qbid_response response;
    if (!response_of(d, &response))
        return 0;
    return qbid_response_write(&response, d->bid, d->bid_cnt, out, out_max);
}

size_t desk_write_protobuf(struct desk *d, char *out, size_t out_max)
{
    struct qbid_response response;
    if (!response_of(d, &response))
        return 0;
    return qbid_response_write_protobuf(&response, d->bid, d->bid_cnt,
                                        qbid_protobuf_answer_arena(d->protobuf), out, out_max);
}
