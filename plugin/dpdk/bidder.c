/* SPDX-License-Identifier: Apache-2.0 */
/* From payloads to payloads, by format. */
#include "plugin/dpdk/bidder.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "plugin/dpdk/json_id.h"
#include "shm/dims.h"
#include "shm/error.h"

#define ERRORS_BURST 32
#define NS_PER_S UINT64_C(1000000000)
#define HOURS_PER_WEEK 168
#define HTTP_OK 200
#define HTTP_FOUND 302
#define HTTP_MALFORMED 400
#define HTTP_LATER 503
#define NBR_MALFORMED 2u

void qbid_bidder_init(struct qbid_bidder *b, struct qbid_worker *worker, const char *exchange,
                      uint32_t errors_per_s, struct qbid_counters *counters)
{
    memset(b, 0, sizeof *b);
    b->worker = worker;
    b->exchange = exchange;
    b->counters = counters;
    b->errors = qbid_throttle_init(errors_per_s, ERRORS_BURST);
}

/* 1970-01-01 was a Thursday: day 3 of a week that begins on Monday. The wall clock is read once a
 * second. */
static void read_hour(struct qbid_bidder *b, uint64_t now_ns)
{
    if (b->hour_hash == 0 || now_ns - b->hour_read_ns >= NS_PER_S) {
        char digits[8];
        uint64_t hour = ((uint64_t)time(NULL) / 3600 + 3 * 24) % HOURS_PER_WEEK;
        int len = snprintf(digits, sizeof digits, "%u", (unsigned)hour);
        b->hour_hash = qbid_value_hash(QBID_DIM_HOUR, digits, (size_t)len);
        b->hour_read_ns = now_ns;
    }
}

static bool may_complain(struct qbid_bidder *b, uint64_t now_ns)
{
    bool pass = qbid_throttle_pass(&b->errors, now_ns);
    qbid_counters_add(b->counters, pass ? QBID_COUNT_ERRORS_SENT : QBID_COUNT_ERRORS_HELD, 1);
    return pass;
}

/* --- MessagePack */

static void take_bad_message(struct qbid_bidder *b, struct qbid_datagram *d,
                             const struct qbid_message *message, int err, uint64_t now_ns)
{
    enum qbid_message_error error = err == QBID_ERR_VERSION ? QBID_MESSAGE_OTHER_VERSION
                                    : err == QBID_ERR_LIMIT ? QBID_MESSAGE_OVER_LIMIT
                                                            : QBID_MESSAGE_MALFORMED;
    qbid_counters_add(b->counters,
                      error == QBID_MESSAGE_MALFORMED       ? QBID_COUNT_MALFORMED
                      : error == QBID_MESSAGE_OTHER_VERSION ? QBID_COUNT_VERSION
                                                            : QBID_COUNT_OVER_LIMIT,
                      1);
    if (may_complain(b, now_ns))
        d->ret_len = qbid_message_error(message, error, d->bytes);
}

static void take_message(struct qbid_bidder *b, struct qbid_datagram *d, uint64_t now_ns)
{
    struct qbid_message *message = &b->message[b->n];
    int err = qbid_message_decode(d->bytes, d->len, b->hour_hash, &b->request[b->n], message);
    if (err == 0)
        b->datagram[b->n++] = d;
    else
        take_bad_message(b, d, message, err, now_ns);
}

void qbid_bidder_decide(struct qbid_bidder *b, uint64_t now_ns)
{
    /* it refuses requests out of range only, which reading them has ruled out */
    if (b->n != 0 &&
        qbid_worker_decide_batch(b->worker, b->request, b->n, now_ns, b->decision) != 0)
        b->n = 0;
}

void qbid_bidder_write(struct qbid_bidder *b, uint64_t now_ns)
{
    char token[QBID_NOTICE_TOKEN_CHARS];
    unsigned bids = 0;
    for (unsigned i = 0; i < b->n; i++) {
        struct qbid_datagram *d = b->datagram[i];
        enum qbid_nobid nobid = b->decision[i].nobid;
        if (nobid == QBID_NOBID_NONE &&
            qbid_worker_token(b->worker, &b->request[i], &b->decision[i], now_ns, token) != 0) {
            /* its reservation goes back to the budget when its notices are overdue */
            qbid_counters_add(b->counters, QBID_COUNT_UNSIGNED, 1);
            nobid = QBID_NOBID_NO_LEASE;
        }
        if (nobid == QBID_NOBID_NONE) {
            d->ret_len = qbid_message_bid(&b->message[i], &b->decision[i], token, d->bytes);
            bids++;
        } else {
            d->ret_len = qbid_message_nobid(&b->message[i], nobid, d->bytes);
        }
    }
    qbid_counters_add(b->counters, QBID_COUNT_MESSAGES, b->n);
    qbid_counters_add(b->counters, QBID_COUNT_BIDS, bids);
    qbid_counters_add(b->counters, QBID_COUNT_NOBIDS, b->n - bids);
    b->n = 0;
}

/* --- JSON */

static void give(struct qbid_bidder *b, struct qbid_datagram *d, size_t len)
{
    if (len > d->max)
        return;
    memcpy(d->bytes, b->out, len);
    d->ret_len = (uint32_t)len;
}

static void give_nobid(struct qbid_bidder *b, struct qbid_datagram *d, unsigned nbr)
{
    const char *id;
    size_t id_len = qbid_json_id(d->bytes, d->len, &id);
    int len = id_len != 0 ? snprintf(b->out, sizeof b->out, "{\"id\":%.*s,\"nbr\":%u}", (int)id_len,
                                     id, nbr)
                          : snprintf(b->out, sizeof b->out, "{\"nbr\":%u}", nbr);
    give(b, d, (size_t)len);
}

static void take_json(struct qbid_bidder *b, struct qbid_datagram *d, uint64_t now_ns)
{
    struct qbid_answer answer;
    size_t room = d->max < sizeof b->out ? d->max : sizeof b->out;
    if (qbid_worker_openrtb(b->worker, b->exchange, d->bytes, d->len, now_ns, b->out, room,
                            &answer) != 0)
        return;
    qbid_counters_add(b->counters, QBID_COUNT_JSON, 1);
    if (answer.status == HTTP_MALFORMED) {
        qbid_counters_add(b->counters, QBID_COUNT_JSON_MALFORMED, 1);
        if (may_complain(b, now_ns))
            give(b, d, (size_t)snprintf(b->out, sizeof b->out, "{\"nbr\":%u}", NBR_MALFORMED));
    } else if (answer.status == HTTP_OK) {
        qbid_counters_add(b->counters, QBID_COUNT_BIDS, 1);
        give(b, d, answer.body_bytes);
    } else {
        qbid_counters_add(b->counters, QBID_COUNT_NOBIDS, 1);
        /* without a reason: the bid was there and did not fit into the datagram */
        unsigned nobid = answer.nobid != 0 ? answer.nobid : (unsigned)QBID_NOBID_OVER_LIMIT;
        give_nobid(b, d, qbid_message_nbr((enum qbid_nobid)nobid));
    }
}

/* --- notices */

static void take_notice(struct qbid_bidder *b, struct qbid_datagram *d, uint64_t now_ns)
{
    char location[QBID_NOTICE_MAX * 2];
    size_t location_len = 0;
    const char *kind = d->bytes + 1, *end = d->bytes + d->len;
    const char *mark = memchr(kind, '?', (size_t)(end - kind));
    size_t kind_len = (size_t)((mark ? mark : end) - kind);
    const char *query = mark ? mark + 1 : end;
    int status = qbid_worker_notice(b->worker, kind, kind_len, query, (size_t)(end - query), now_ns,
                                    location, sizeof location, &location_len);
    bool taken = status == HTTP_OK || status == HTTP_FOUND;
    qbid_counters_add(b->counters, taken ? QBID_COUNT_NOTICES : QBID_COUNT_NOTICE_REFUSED, 1);
    /* it asks for a repeat, so it is no complaint */
    if (!taken && status != HTTP_LATER && !may_complain(b, now_ns))
        return;
    give(b, d,
         (size_t)snprintf(b->out, sizeof b->out, "%d%s%.*s", status, location_len ? " " : "",
                          (int)location_len, location));
}

/* --- by format */

static void take_one(struct qbid_bidder *b, struct qbid_datagram *d, uint64_t now_ns)
{
    d->ret_len = 0;
    uint8_t first = d->len != 0 ? (uint8_t)d->bytes[0] : 0;
    if ((first & 0xf0) == 0x80 || first == 0xde || first == 0xdf)
        take_message(b, d, now_ns);
    else if (first == '{' || first == ' ' || first == '\t' || first == '\n' || first == '\r')
        take_json(b, d, now_ns);
    else if (first == '/')
        take_notice(b, d, now_ns);
    else
        qbid_counters_add(b->counters, QBID_COUNT_UNKNOWN_FORMAT, 1);
}

void qbid_bidder_take(struct qbid_bidder *b, struct qbid_datagram *datagrams, unsigned n,
                      uint64_t now_ns)
{
    read_hour(b, now_ns);
    for (unsigned i = 0; i < n && i < QBID_BIDDER_BURST; i++)
        take_one(b, &datagrams[i], now_ns);
}

void qbid_bidder_answer(struct qbid_bidder *b, struct qbid_datagram *datagrams, unsigned n,
                        uint64_t now_ns)
{
    qbid_bidder_take(b, datagrams, n, now_ns);
    qbid_bidder_decide(b, now_ns);
    qbid_bidder_write(b, now_ns);
}
