/* SPDX-License-Identifier: Apache-2.0 */
/* One loop over the pool: notices that are due go first; each answer is judged as it comes. */
#include "tools/replay/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shm/error.h"
#include "shm/units.h"
#include "tools/replay/notice/notice_queue.h"

/* Most auctions with notices waiting: above it no auction begins. */
enum { QUEUE_MAX = 1 << 16 };
/* A run that fell behind its rate by more than this does not catch up: that would be a burst. */
#define LAG_MAX_NS ((double)(100 * QBID_NS_PER_MS))

struct auction {
    uint64_t number; /* of the row */
    unsigned slice;
};

/* What a connection is busy with. */
struct job {
    enum { JOB_NONE, JOB_AUCTION, JOB_NOTICE } kind;
    struct qbid_replay_notices *notices;
    struct auction auction;
};

struct exchange {
    const struct qbid_replay_exchange_terms *terms;
    const struct qbid_replay_options *options;
    struct qbid_replay_notice_terms notice_terms;
    struct qbid_replay_stats *stats;
    struct qbid_replay_pool *pool;
    struct job *jobs;      /* one a connection */
    struct auction *again; /* to be sent again: a broken connection took nothing of them */
    unsigned again_cnt;
    struct qbid_replay_notice_queue queue;
    struct qbid_replay_row row; /* of the answer that is handled */
    struct qbid_replay_buffer body;
    double due_ns; /* when the next auction may begin, from stats->begin_ns */
    uint64_t begun;
    uint64_t drain_until_ns; /* 0 until the run is interrupted */
    bool has_next;
    bool exhausted;
    uint64_t next_number;
    int signal;
    int err;
};

/* --- auctions */

static unsigned slice_of(const struct exchange *exchange, uint64_t now_ns)
{
    double share = 0;
    if (exchange->options->duration_s > 0)
        share = (double)(now_ns - exchange->stats->begin_ns) * 1e-9 / exchange->options->duration_s;
    else if (exchange->terms->source->count)
        share = (double)exchange->begun / (double)exchange->terms->source->count;
    unsigned slice = (unsigned)(share * QBID_REPLAY_STATS_SLICES);
    return slice < QBID_REPLAY_STATS_SLICES ? slice : QBID_REPLAY_STATS_SLICES - 1;
}

static void plan_notices(struct exchange *exchange, const struct qbid_replay_answer *answer,
                         const struct qbid_replay_outcome *outcome)
{
    struct qbid_replay_notices *notices = qbid_replay_notice_queue_take(&exchange->queue);
    if (!notices || qbid_replay_notice_plan(notices, &exchange->notice_terms, &exchange->row,
                                            answer, outcome) != 0) {
        exchange->err = QBID_ERR_NOMEM;
        if (notices)
            qbid_replay_notice_queue_recycle(&exchange->queue, notices);
        return;
    }
    qbid_replay_stats_add_plan(exchange->stats, notices);
    notices->due_ns = qbid_replay_pool_now() + exchange->options->late_ns;
    if (notices->steps_cnt != 0)
        qbid_replay_notice_queue_push(&exchange->queue, notices);
    else
        qbid_replay_notice_queue_recycle(&exchange->queue, notices);
}

static void handle_bid_response(struct exchange *exchange,
                                const struct qbid_replay_pool_event *event, unsigned slice)
{
    struct qbid_replay_stats *stats = exchange->stats;
    struct qbid_replay_answer answer;
    if (qbid_replay_answer_parse(event->body.at, event->body.len, &answer) != 0) {
        stats->unparsed++;
        qbid_replay_answers_file_add(exchange->terms->answers, &exchange->row, event, NULL);
        return;
    }
    struct qbid_replay_outcome outcome =
        qbid_replay_auction_settle(exchange->options->request.auction, &exchange->row, &answer);
    qbid_replay_stats_add_outcome(stats, slice, &exchange->row, &answer, &outcome);
    if (outcome.kind == QBID_REPLAY_WIN && exchange->row.click)
        stats->conversions += qbid_replay_notice_converts(&exchange->notice_terms, &exchange->row);
    if (answer.bid.has_gen && qbid_replay_stats_add_gen(&stats->generations, answer.bid.gen) != 0)
        exchange->err = QBID_ERR_NOMEM;
    if (outcome.kind != QBID_REPLAY_NO_BID)
        plan_notices(exchange, &answer, &outcome);
    qbid_replay_answers_file_add(exchange->terms->answers, &exchange->row, event, &outcome);
}

static void handle_answer(struct exchange *exchange, const struct qbid_replay_pool_event *event,
                          unsigned slice)
{
    static const struct qbid_replay_outcome no_bid = {.kind = QBID_REPLAY_NO_BID};
    struct qbid_replay_stats *stats = exchange->stats;
    stats->answered++;
    qbid_replay_histogram_add(&stats->latency, event->latency_ns);
    if (event->status == 200) {
        stats->answered_200++;
        handle_bid_response(exchange, event, slice);
        return;
    }
    stats->answered_204 += event->status == 204;
    stats->answered_other += event->status != 204;
    qbid_replay_answers_file_add(exchange->terms->answers, &exchange->row, event,
                                 event->status == 204 ? &no_bid : NULL);
}

static void end_auction(struct exchange *exchange, const struct auction *auction,
                        const struct qbid_replay_pool_event *event)
{
    struct qbid_replay_stats *stats = exchange->stats;
    if (event->result == QBID_REPLAY_UNSENT) {
        exchange->again[exchange->again_cnt++] = *auction;
        stats->resent++;
        return;
    }
    qbid_replay_source_load(exchange->terms->source, auction->number, &exchange->row);
    stats->auctions++;
    stats->slices[auction->slice].auctions++;
    stats->offered_clicks += exchange->row.click;
    stats->offered_nanos += exchange->row.market_micros;
    if (event->result == QBID_REPLAY_ANSWERED) {
        handle_answer(exchange, event, auction->slice);
        return;
    }
    stats->timeouts += event->result == QBID_REPLAY_TIMED_OUT;
    stats->lost += event->result == QBID_REPLAY_LOST;
    qbid_replay_answers_file_add(exchange->terms->answers, &exchange->row, event, NULL);
}

/* --- notices */

static void end_notice(struct exchange *exchange, struct qbid_replay_notices *notices,
                       const struct qbid_replay_pool_event *event)
{
    enum qbid_replay_notice_kind kind = notices->steps[notices->next].kind;
    struct qbid_replay_notice_counts *counts = &exchange->stats->notices[kind];
    if (event->result != QBID_REPLAY_UNSENT) {
        bool answered = event->result == QBID_REPLAY_ANSWERED;
        bool ok = answered && event->status >= 200 && event->status < 400;
        counts->sent++;
        counts->ok += ok;
        counts->refused += answered && !ok;
        counts->failed += !answered;
        if (answered)
            qbid_replay_histogram_add(&exchange->stats->notice_latency, event->latency_ns);
        if (ok && kind == QBID_REPLAY_NOTICE_BILLING && !notices->charged) {
            notices->charged = true;
            exchange->stats->charged_nanos += notices->settled_micros;
        }
        notices->next++;
    }
    if (notices->next < notices->steps_cnt)
        qbid_replay_notice_queue_push_front(&exchange->queue, notices);
    else
        qbid_replay_notice_queue_recycle(&exchange->queue, notices);
}

static void handle_event(void *context, const struct qbid_replay_pool_event *event)
{
    struct exchange *exchange = context;
    struct job *job = &exchange->jobs[event->conn];
    if (job->kind == JOB_NOTICE)
        end_notice(exchange, job->notices, event);
    else
        end_auction(exchange, &job->auction, event);
    *job = (struct job){0};
}

/* --- sending */

static void send_on(struct exchange *exchange, unsigned conn, struct job job, uint64_t timeout_ns)
{
    if (qbid_replay_pool_buffer(exchange->pool, conn)->failed || exchange->body.failed) {
        exchange->err = QBID_ERR_NOMEM;
        if (job.kind == JOB_NOTICE)
            qbid_replay_notice_queue_push(&exchange->queue, job.notices);
        return;
    }
    exchange->jobs[conn] = job;
    qbid_replay_pool_send(exchange->pool, conn, timeout_ns);
}

static void send_notice(struct exchange *exchange, unsigned conn)
{
    struct qbid_replay_notices *notices = qbid_replay_notice_queue_pop(&exchange->queue);
    const struct qbid_replay_notice_step *step = &notices->steps[notices->next];
    struct qbid_replay_span path = {notices->paths.text + step->path_off, step->path_len};
    qbid_replay_request_get(qbid_replay_pool_buffer(exchange->pool, conn),
                            exchange->terms->authority, path);
    send_on(exchange, conn, (struct job){.kind = JOB_NOTICE, .notices = notices},
            exchange->options->notice_timeout_ns);
}

static void send_auction(struct exchange *exchange, unsigned conn, struct auction auction)
{
    qbid_replay_buffer_clear(&exchange->body);
    qbid_replay_source_load(exchange->terms->source, auction.number, &exchange->row);
    qbid_replay_request_body(&exchange->body, &exchange->row, &exchange->options->request);
    qbid_replay_request_post(qbid_replay_pool_buffer(exchange->pool, conn),
                             exchange->terms->authority, exchange->terms->path,
                             exchange->row.exchange, &exchange->body);
    send_on(exchange, conn, (struct job){.kind = JOB_AUCTION, .auction = auction},
            exchange->options->timeout_ns);
}

/* Is there an auction to begin, now or later? */
static bool has_auction(struct exchange *exchange, uint64_t now_ns)
{
    double elapsed_s = (double)(now_ns - exchange->stats->begin_ns) * 1e-9;
    if (exchange->drain_until_ns != 0 ||
        (exchange->options->duration_s > 0 && elapsed_s >= exchange->options->duration_s))
        return false;
    if (exchange->again_cnt != 0 || exchange->has_next)
        return true;
    exchange->has_next = !exchange->exhausted &&
                         qbid_replay_source_next(exchange->terms->source, &exchange->next_number);
    exchange->exhausted = !exchange->has_next;
    return exchange->has_next;
}

/* --rate: the time of the next auction is the schedule's, so that waiting does not lower the rate.
 */
static bool is_due(struct exchange *exchange, uint64_t now_ns)
{
    if (exchange->options->rate <= 0)
        return true;
    double lag_ns = (double)(now_ns - exchange->stats->begin_ns) - exchange->due_ns;
    if (lag_ns < 0)
        return false;
    qbid_replay_histogram_add(&exchange->stats->lag, (uint64_t)lag_ns);
    if (lag_ns > LAG_MAX_NS)
        exchange->due_ns += lag_ns - LAG_MAX_NS;
    exchange->due_ns += 1e9 / exchange->options->rate;
    return true;
}

static bool begin_auction(struct exchange *exchange, unsigned conn, uint64_t now_ns)
{
    struct auction auction;
    if (exchange->queue.cnt >= QUEUE_MAX || !has_auction(exchange, now_ns))
        return false;
    if (exchange->again_cnt != 0) {
        auction = exchange->again[--exchange->again_cnt];
    } else {
        if (!is_due(exchange, now_ns))
            return false;
        auction = (struct auction){exchange->next_number, slice_of(exchange, now_ns)};
        exchange->has_next = false;
        exchange->begun++;
    }
    send_auction(exchange, conn, auction);
    return true;
}

static bool notice_is_due(const struct exchange *exchange, uint64_t now_ns)
{
    return exchange->queue.head &&
           (exchange->drain_until_ns != 0 || exchange->queue.head->due_ns <= now_ns);
}

static void dispatch(struct exchange *exchange)
{
    int conn;
    while (!exchange->err && (conn = qbid_replay_pool_idle(exchange->pool)) >= 0) {
        uint64_t now_ns = qbid_replay_pool_now();
        if (notice_is_due(exchange, now_ns))
            send_notice(exchange, (unsigned)conn);
        else if (!begin_auction(exchange, (unsigned)conn, now_ns))
            return;
    }
}

/* --- the loop */

static bool is_finished(struct exchange *exchange, uint64_t now_ns)
{
    if (exchange->err || (exchange->drain_until_ns != 0 && now_ns >= exchange->drain_until_ns))
        return true;
    return qbid_replay_pool_query(exchange->pool).busy == 0 && exchange->queue.cnt == 0 &&
           !has_auction(exchange, now_ns);
}

/* Next time at which something must be done though no connection says anything. */
static uint64_t wake_time(struct exchange *exchange, uint64_t now_ns)
{
    uint64_t until_ns = now_ns + QBID_NS_PER_S;
    if (exchange->terms->progress->next_ns < until_ns)
        until_ns = exchange->terms->progress->next_ns;
    if (exchange->drain_until_ns != 0 && exchange->drain_until_ns < until_ns)
        until_ns = exchange->drain_until_ns;
    if (qbid_replay_pool_idle(exchange->pool) < 0)
        return until_ns;
    if (exchange->queue.head && exchange->queue.head->due_ns < until_ns)
        until_ns = exchange->queue.head->due_ns;
    if (exchange->has_next && exchange->options->rate > 0) {
        uint64_t due_ns = exchange->stats->begin_ns + (uint64_t)exchange->due_ns;
        if (due_ns < until_ns)
            until_ns = due_ns;
    }
    return until_ns;
}

static void take_signal(struct exchange *exchange)
{
    struct signalfd_siginfo info;
    if (read(exchange->terms->signal_fd, &info, sizeof info) != sizeof info)
        return;
    exchange->drain_until_ns = qbid_replay_pool_now();
    if (exchange->signal == 0)
        exchange->drain_until_ns += QBID_REPLAY_EXCHANGE_DRAIN_NS;
    exchange->signal = (int)info.ssi_signo;
    exchange->again_cnt = 0;
}

/* No connection at all: at the start when each was refused once, later when it lasts. */
static bool is_gone(const struct exchange *exchange, uint64_t now_ns)
{
    struct qbid_replay_pool_facts facts = qbid_replay_pool_query(exchange->pool);
    if (facts.down_ns == 0)
        return false;
    return (facts.connects == 0 && facts.errors >= exchange->options->connections) ||
           now_ns - facts.down_ns >= exchange->terms->gone_ns;
}

static void loop(struct exchange *exchange)
{
    uint64_t now_ns = exchange->stats->begin_ns;
    while (!is_finished(exchange, now_ns)) {
        dispatch(exchange);
        if (qbid_replay_pool_poll(exchange->pool, wake_time(exchange, now_ns)))
            take_signal(exchange);
        now_ns = qbid_replay_pool_now();
        qbid_replay_progress_tick(exchange->terms->progress, exchange->stats, now_ns);
        if (is_gone(exchange, now_ns))
            exchange->err = QBID_ERR_CLOSED;
    }
}

static void fail_rest(struct exchange *exchange, const struct qbid_replay_notices *notices)
{
    for (uint32_t i = notices->next; i < notices->steps_cnt; i++)
        exchange->stats->notices[notices->steps[i].kind].failed++;
}

/* What was on its way when the run was cut has no answer and never will. */
static void count_cut(struct exchange *exchange)
{
    for (unsigned i = 0; i < exchange->options->connections; i++) {
        struct job *job = &exchange->jobs[i];
        if (job->kind == JOB_AUCTION) {
            exchange->stats->auctions++;
            exchange->stats->lost++;
        } else if (job->kind == JOB_NOTICE) {
            exchange->stats->notices[job->notices->steps[job->notices->next].kind].sent++;
            qbid_replay_notice_queue_push(&exchange->queue, job->notices);
        }
    }
    for (struct qbid_replay_notices *at = exchange->queue.head; at; at = at->link)
        fail_rest(exchange, at);
}

static int open_pool(struct exchange *exchange)
{
    struct qbid_replay_pool_terms terms = {
        .address = exchange->terms->address,
        .address_len = exchange->terms->address_len,
        .connections = exchange->options->connections,
        .wake_fd = exchange->terms->signal_fd,
        .fn = handle_event,
        .context = exchange,
    };
    exchange->jobs = calloc(terms.connections, sizeof *exchange->jobs);
    exchange->again = calloc(terms.connections, sizeof *exchange->again);
    if (!exchange->jobs || !exchange->again)
        return QBID_ERR_NOMEM;
    return qbid_replay_pool_new(&terms, &exchange->pool);
}

int qbid_replay_exchange_run(const struct qbid_replay_exchange_terms *terms,
                             struct qbid_replay_stats *ret_stats)
{
    struct exchange exchange = {.terms = terms,
                                .options = terms->options,
                                .notice_terms = terms->options->notices,
                                .stats = ret_stats};
    exchange.notice_terms.authority = terms->authority;
    *ret_stats = (struct qbid_replay_stats){.begin_ns = qbid_replay_pool_now()};
    exchange.err = open_pool(&exchange);
    if (!exchange.err) {
        loop(&exchange);
        ret_stats->pool = qbid_replay_pool_query(exchange.pool);
        count_cut(&exchange);
    }
    ret_stats->end_ns = qbid_replay_pool_now();
    qbid_replay_progress_done(terms->progress);
    qbid_replay_pool_free(exchange.pool);
    qbid_replay_notice_queue_done(&exchange.queue);
    qbid_replay_buffer_done(&exchange.body);
    free(exchange.jobs);
    free(exchange.again);
    return exchange.err ? exchange.err : exchange.signal;
}
