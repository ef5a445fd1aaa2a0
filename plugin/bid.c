/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenRTB bid request from its bytes to the bytes of its answer. */
#include <stddef.h>

#include "fastpath/record.h"
#include "plugin/openrtb/response_protobuf.h"
#include "plugin/worker.h"
#include "shm/clock.h"
#include "shm/error.h"

/* One bid request while a table is held. */
struct turn {
    struct qbid_worker *worker;
    const struct qbid_table *table;
    const struct qbid_partner *partner; /* never NULL */
    struct qbid_view view;
    uint64_t now_ns;
    enum qbid_media media;
    unsigned waited_ms;
    unsigned request_cnt; /* of worker->request, the impressions that can be decided */
    struct qbid_response response;
    struct qbid_answer *answer;
};

/* No impression of this request gets a bid. */
static void decline_all(struct turn *turn, enum qbid_nobid nobid)
{
    const struct qbid_page *page = turn->view.page;
    uint64_t cnt = turn->worker->openrtb.imp_cnt;
    qbid_count_add(&page->header->counter[QBID_COUNTER_IMPRESSIONS], cnt);
    qbid_count_add(&page->header->nobid[nobid], cnt);
    turn->answer->nobid = nobid;
}

static void decline_one(struct turn *turn, enum qbid_nobid nobid)
{
    const struct qbid_page *page = turn->view.page;
    qbid_page_count(page, QBID_COUNTER_IMPRESSIONS);
    qbid_count_add(&page->header->nobid[nobid], 1);
    turn->answer->nobid = nobid;
}

/* By the chain's newest place. */
static bool schain_allowed(const struct qbid_openrtb_request *openrtb, unsigned rule)
{
    if (rule == QBID_SCHAIN_ANY)
        return true;
    for (unsigned i = 0; i < sizeof openrtb->schain / sizeof openrtb->schain[0]; i++)
        if (openrtb->schain[i].given)
            return openrtb->schain[i].complete && openrtb->schain[i].sound;
    return rule != QBID_SCHAIN_REQUIRED;
}

/* Why nothing of this request can be decided, before anything of it is looked up. */
static enum qbid_nobid request_nobid(struct turn *turn)
{
    const struct qbid *qbid = turn->worker->qbid;
    const struct qbid_openrtb_request *openrtb = &turn->worker->openrtb;
    const struct qbid_partner *partner = turn->partner;
    int64_t tmax_default_ms = partner->tmax_ms ? partner->tmax_ms : qbid->tmax_default_ms;
    int64_t margin_ms = partner->margin_ms ? partner->margin_ms : qbid->tmax_margin_ms;
    int64_t tmax_ms = openrtb->tmax_ms > 0 ? openrtb->tmax_ms : tmax_default_ms;
    if (tmax_ms <= margin_ms + turn->waited_ms)
        return QBID_NOBID_TIMEOUT;
    if (openrtb->test && (partner->flags & QBID_PARTNER_TEST_DECLINE))
        return QBID_NOBID_BLOCKED;
    if (!turn->table->image.header)
        return QBID_NOBID_NO_TABLE;
    if (turn->table->keys.id[0] == 0) /* a bid whose notices cannot be signed cannot be settled */
        return QBID_NOBID_NO_LEASE;
    if (!qbid_seat_any(&openrtb->wseat))
        return QBID_NOBID_SEAT;
    if (openrtb->site + openrtb->app + openrtb->dooh > 1)
        return QBID_NOBID_SUPPLY;
    if (!schain_allowed(openrtb, qbid->schain))
        return QBID_NOBID_SCHAIN;
    turn->response = (struct qbid_response){
        .image = &turn->table->image,
        .keys = &turn->table->keys,
        .openrtb = openrtb,
        .partner = partner,
        .notice_url = {qbid->notice_url, qbid->notice_url_len},
        .now_ns = turn->now_ns,
        .unix_s = qbid_worker_unix_ns(turn->worker, turn->now_ns) / QBID_NS_PER_S,
        .trace = qbid->trace,
    };
    turn->response.currency =
        qbid_response_currency(&turn->table->image, openrtb, partner, &turn->response.rate_micros);
    return turn->response.currency == QBID_CURRENCY_NONE ? QBID_NOBID_CURRENCY : QBID_NOBID_NONE;
}

static void fill_requests(struct turn *turn, const char *exchange)
{
    struct qbid_worker *worker = turn->worker;
    qbid_common_fill(&turn->table->image, &worker->openrtb, exchange, turn->response.unix_s,
                     &worker->common);
    enum qbid_privacy_reason reason = worker->common.privacy.reason;
    qbid_count_add(&turn->view.page->header->privacy[reason], 1);
    if (qbid_privacy_class_of(reason) == QBID_PRIVACY_NO_BID) {
        decline_all(turn, QBID_NOBID_PRIVACY);
        return;
    }
    for (unsigned imp = 0; imp < worker->openrtb.imp_cnt; imp++) {
        enum qbid_nobid nobid =
            qbid_impression_fill(&worker->common, imp, worker->deal_idx[imp], &worker->terms[imp],
                                 &worker->request[turn->request_cnt]);
        if (nobid != QBID_NOBID_NONE) {
            decline_one(turn, nobid);
            continue;
        }
        unsigned parts =
            qbid_impression_split(&turn->table->image, &worker->request[turn->request_cnt]);
        for (unsigned i = 0; i < parts; i++)
            worker->imp_idx[turn->request_cnt++] = (uint8_t)imp;
    }
}

static void decide(struct turn *turn)
{
    struct qbid_worker *worker = turn->worker;
    bool timed = worker->qbid->trace;
    uint64_t start_ns = timed ? qbid_clock_boot_ns() : 0;
    qbid_worker_decide_timed(worker, &turn->view, worker->request, turn->request_cnt, turn->now_ns,
                             worker->decision);
    turn->answer->decide_ns = timed ? qbid_clock_boot_ns() - start_ns : 0;
}

/* A bid was reserved and told to control, but is not sent: a loss gives the money back. */
static void withdraw(const struct turn *turn, const struct qbid_response_bid *bid)
{
    const struct qbid_decision *d = bid->decision;
    struct qbid_event event = {.time_ns = turn->now_ns,
                               .nonce = d->nonce,
                               .gen = (uint32_t)d->gen,
                               .kind = QBID_EVENT_LOSS,
                               .level = d->level & 15u,
                               .privacy = bid->privacy & 15u,
                               .action = d->q_action,
                               .flags = bid->event_flags,
                               .u.notice = {
                                   .context = d->context,
                                   .bid_nanos = qbid_nanos_from_cpm_micros(d->bid_micros),
                                   .line_item_id = d->line_item_id,
                                   .creative_id = d->creative_id,
                                   .detail = qbid_event_detail(0, QBID_LOSS_WITHDRAWN),
                                   .bid_time_ns = turn->now_ns,
                               }};
    qbid_page_count(turn->view.page, QBID_COUNTER_WITHDRAWN);
    (void)qbid_page_push(turn->view.page, &event);
}

/* Collect the bids. Withdrawn are those without a field that the partner requires. */
static unsigned collect_bids(struct turn *turn)
{
    struct qbid_worker *worker = turn->worker;
    unsigned cnt = 0;
    for (unsigned i = 0; i < turn->request_cnt; i++) {
        const struct qbid_decision *d = &worker->decision[i];
        const struct qbid_openrtb_imp *imp = &worker->openrtb.imp[worker->imp_idx[i]];
        qbid_record(&turn->view, &worker->request[i], d, turn->now_ns);
        if (d->nobid != QBID_NOBID_NONE) {
            turn->answer->nobid = d->nobid;
            continue;
        }
        struct qbid_response_bid *bid = &worker->bid[cnt];
        *bid = (struct qbid_response_bid){
            .imp = imp,
            .deal = d->deal ? &imp->deal[worker->deal_idx[worker->imp_idx[i]][d->deal - 1]] : NULL,
            .decision = d,
            .event_flags = qbid_bid_flags(&worker->request[i], d),
            .privacy = worker->request[i].privacy,
        };
        if (qbid_response_complete(turn->partner, &turn->table->image.creatives[d->creative_idx])) {
            cnt++;
        } else {
            withdraw(turn, bid);
            turn->answer->nobid = QBID_NOBID_NO_CREATIVE;
        }
    }
    return cnt;
}

/* Tell control of raw values that it has no index for: of one request in four, two of them. */
static void report_unknown(const struct turn *turn)
{
    const struct qbid_unknown *unknown = &turn->worker->common.unknown;
    const struct qbid_text *id = &turn->worker->openrtb.id;
    uint64_t roll = XXH3_64bits(id->at, id->len);
    qbid_count_add(&turn->view.page->header->counter[QBID_COUNTER_UNKNOWN_VALUES], unknown->total);
    if (roll % 4 != 0)
        return;
    for (unsigned i = 0; i < 2 && i < unknown->cnt; i++) {
        unsigned which = (unsigned)((roll / 4 + i) % unknown->cnt);
        struct qbid_event event = {.time_ns = turn->now_ns,
                                   .gen = (uint32_t)turn->table->image.header->gen,
                                   .kind = QBID_EVENT_SEEN,
                                   .privacy = turn->worker->common.base.privacy & 15u,
                                   .u.seen = {
                                       .hash = unknown->value[which].hash,
                                       .dim = unknown->value[which].dim,
                                       .len = unknown->value[which].len,
                                   }};
        memcpy(event.u.seen.text, unknown->value[which].text, sizeof event.u.seen.text);
        (void)qbid_page_push(turn->view.page, &event);
    }
}

static size_t write_answer(struct turn *turn, unsigned bid_cnt, char *out, size_t out_max)
{
    struct qbid_response_bid *bids = turn->worker->bid;
    if (turn->media == QBID_MEDIA_JSON)
        return qbid_response_write(&turn->response, bids, bid_cnt, out, out_max);
    return qbid_response_write_protobuf(&turn->response, bids, bid_cnt,
                                        qbid_protobuf_answer_arena(turn->worker->protobuf), out,
                                        out_max);
}

static void answer_request(struct turn *turn, const char *exchange, char *out, size_t out_max)
{
    enum qbid_nobid nobid = request_nobid(turn);
    if (nobid != QBID_NOBID_NONE) {
        decline_all(turn, nobid);
        return;
    }
    turn->answer->gen = turn->table->image.header->gen;
    fill_requests(turn, exchange);
    decide(turn);
    unsigned bid_cnt = collect_bids(turn);
    report_unknown(turn);
    turn->answer->body_bytes = write_answer(turn, bid_cnt, out, out_max);
    for (unsigned i = 0; i < bid_cnt; i++)
        if (!turn->worker->bid[i].written)
            withdraw(turn, &turn->worker->bid[i]);
    if (turn->answer->body_bytes != 0)
        turn->answer->status = 200;
}

static int parse(struct qbid_worker *worker, const struct qbid_body *body)
{
    const char *at = body->at;
    size_t len = body->len;
    if (body->gzip) {
        int64_t n =
            qbid_gzip_inflate(worker->gzip, at, len, worker->inflated, QBID_OPENRTB_BYTES_MAX);
        if (n < 0)
            return (int)n;
        at = worker->inflated;
        len = (size_t)n;
    }
    return body->media == QBID_MEDIA_JSON
               ? qbid_openrtb_parse(worker->parser, at, len, &worker->openrtb)
               : qbid_protobuf_parse(worker->protobuf, at, len, &worker->openrtb);
}

/* A request that was understood and gets no bid: 204, or the reason where the partner wants it. */
static void answer_no_bid(struct turn *turn, char *out, size_t out_max)
{
    struct qbid_answer *answer = turn->answer;
    struct qbid_text id = turn->worker->openrtb.id;
    bool wanted = turn->worker->qbid->nbr || (turn->partner->flags & QBID_PARTNER_NBR);
    if (answer->status != 204 || !wanted || id.len == 0)
        return;
    answer->body_bytes = turn->media == QBID_MEDIA_JSON
                             ? qbid_response_no_bid(id, answer->nobid, out, out_max)
                             : qbid_response_no_bid_protobuf(id, answer->nobid, out, out_max);
    if (answer->body_bytes != 0)
        answer->status = 200;
}

void qbid_worker_answer(struct qbid_worker *worker, const char *exchange,
                        const struct qbid_body *body, uint64_t now_ns, char *out, size_t out_max,
                        struct qbid_answer *ret_answer)
{
    uint64_t start = qbid_recorder_begin(&worker->recorder, QBID_LATENCY_ANSWER);
    int err = parse(worker, body);
    const struct qbid_table *table = qbid_watcher_read_lock(worker->qbid->watcher);
    struct turn turn = {
        .worker = worker,
        .table = table,
        .partner = qbid_response_partner(&table->image, qbid_response_exchange(exchange)),
        .view = qbid_worker_view(worker, table),
        .now_ns = now_ns,
        .media = body->media,
        .waited_ms = body->waited_ms,
        .answer = ret_answer,
    };
    const struct qbid_page *page = turn.view.page;
    *ret_answer = (struct qbid_answer){.status = 204};
    qbid_page_count(page, QBID_COUNTER_REQUESTS);
    atomic_store_explicit(&page->header->heartbeat_ns, now_ns, memory_order_relaxed);
    if (err == QBID_ERR_LIMIT || (err == 0 && worker->openrtb.over)) {
        qbid_page_count(page, QBID_COUNTER_OVER_LIMIT);
        ret_answer->nobid = QBID_NOBID_OVER_LIMIT;
    } else if (err != 0) {
        qbid_page_count(page, QBID_COUNTER_MALFORMED);
        ret_answer->nobid = QBID_NOBID_INVALID;
        ret_answer->status = 400;
    } else if (worker->openrtb.wrong_type) {
        qbid_page_count(page, QBID_COUNTER_MALFORMED);
        ret_answer->nobid = QBID_NOBID_INVALID;
    } else {
        answer_request(&turn, exchange, out, out_max);
    }
    answer_no_bid(&turn, out, out_max);
    qbid_recorder_end(&worker->recorder, QBID_LATENCY_ANSWER, start, 1, page);
    qbid_watcher_read_unlock(worker->qbid->watcher);
}

int qbid_worker_openrtb(struct qbid_worker *worker, const char *exchange, const char *body,
                        size_t len, uint64_t now_ns, char *out, size_t out_max,
                        struct qbid_answer *ret_answer)
{
    if (!worker || !body || !out || !ret_answer)
        return QBID_ERR_INVAL;
    const struct qbid_body json = {.at = body, .len = len, .media = QBID_MEDIA_JSON};
    qbid_worker_answer(worker, exchange, &json, now_ns, out, out_max, ret_answer);
    return 0;
}
