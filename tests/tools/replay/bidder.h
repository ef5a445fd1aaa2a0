/* SPDX-License-Identifier: Apache-2.0 */
/* A bidder for tests: a constant bid, faults by the request's number, a ledger of notices. */
#ifndef QBID_TESTS_TOOLS_REPLAY_BIDDER_H
#define QBID_TESTS_TOOLS_REPLAY_BIDDER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/tools/replay/http/server.h"

#define BIDDER_BID "0.85"
#define BIDDER_BID_MICROS INT64_C(850000)
enum { BIDDER_ROWS_MAX = 4000 };

enum bidder_kind { WIN, BILL, IMP, CLICK, CONV, LOSS, KINDS };

/* What becomes of request number n: n % 20 below 10 is a fault of its own, the rest are plain bids.
 */
enum bidder_fault {
    NO_CONTENT,
    LATE,
    CUT,
    NOT_JSON,
    WRONG_ID,
    WRONG_CURRENCY,
    NBR,
    STATUS_500,
    CLOSING,
    CHUNKED,
    PLAIN,
};

struct bidder {
    bool faulty;        /* else every request gets a plain bid */
    unsigned late_ms;   /* of a LATE answer */
    unsigned late_from; /* LATE rows below this number are late, the others plain */
    const char *url;    /* what notice URLs begin with */
    unsigned requests;
    unsigned by_row[BIDDER_ROWS_MAX]; /* how often each row was asked */
    unsigned notices[KINDS];
    unsigned by_row_notices[BIDDER_ROWS_MAX][KINDS];
    unsigned
        out_of_order; /* an impression without its billing notice, a click without its impression */
    unsigned interleaved; /* a notice of another auction between those of one */
    int last_row;
    int64_t asked_ns[BIDDER_ROWS_MAX]; /* when */
    int64_t soonest_ns;                /* shortest time from a request to its win notice */
    int64_t billed_micros;             /* sum of the prices of billing notices */
    int64_t min_to_win_micros;
    unsigned conv_with_value;
    void (*at_request)(struct bidder *bidder); /* hook, may be NULL */
    struct server *server;                     /* for the hook */
    bool is_gone;                              /* hangs up on everything */
};

static inline enum bidder_fault bidder_fault(const struct bidder *bidder, int row)
{
    if (!bidder->faulty || row % 20 >= PLAIN)
        return PLAIN;
    if (row % 20 == LATE && (unsigned)row >= bidder->late_from)
        return PLAIN;
    return (enum bidder_fault)(row % 20);
}

/* "0.85" to micros without the code under test: integer and fraction by hand. */
static inline int64_t bidder_micros(const char *text)
{
    int64_t micros = strtoll(text, NULL, 10) * 1000000, unit = 100000;
    const char *point = strchr(text, '.');
    const char *end = text + strcspn(text, "&");
    if (point && point < end)
        for (point++; point < end; point++, unit /= 10)
            micros += (*point - '0') * unit;
    return micros;
}

static inline void bidder_bid(const struct bidder *bidder, int row, enum bidder_fault fault,
                              struct server_reply *reply)
{
    char id[32];
    snprintf(id, sizeof id, "r%d%s", row, fault == WRONG_ID ? "x" : "");
    snprintf(reply->body, sizeof reply->body,
             "{\"id\":\"%s\",\"bidid\":\"q\",\"cur\":\"%s\","
             "\"seatbid\":[{\"bid\":[{\"ext\":{\"qbid\":{\"gen\":%d}},"
             "\"id\":\"b\",\"impid\":\"1\",\"price\":" BIDDER_BID
             ",\"nurl\":\"%s/n/win?r=${AUCTION_ID}\","
             "\"burl\":\"%s/n/bill?r=${AUCTION_ID}&p=${AUCTION_PRICE}\","
             "\"lurl\":\"%s/n/loss?r=${AUCTION_ID}&l=${AUCTION_LOSS}&m=${AUCTION_MIN_TO_WIN}\","
             "\"adm\":\"<a href=\\\"%s/n/click?r=${AUCTION_ID}&amp;t=1\\\"><img "
             "src=\\\"%s/n/imp?r=${AUCTION_ID}\\\"></a>\"}]}]}",
             id, fault == WRONG_CURRENCY ? "USD" : "CNY", 7 + row / 100, bidder->url, bidder->url,
             bidder->url, bidder->url, bidder->url);
}

static inline int64_t bidder_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void bidder_answer(struct bidder *bidder, const char *body,
                                 struct server_reply *reply)
{
    const char *at = strstr(body, "\"id\":\"r");
    int row = at ? atoi(at + 7) : 0;
    enum bidder_fault fault = bidder_fault(bidder, row);
    bidder->requests++;
    bidder->by_row[row]++;
    bidder->asked_ns[row] = bidder_now();
    if (bidder->at_request)
        bidder->at_request(bidder);
    bidder_bid(bidder, row, fault, reply);
    if (fault == NO_CONTENT)
        reply->status = 204;
    else if (fault == LATE)
        reply->delay_ms = bidder->late_ms;
    else if (fault == CUT)
        reply->manner = SERVER_CUT;
    else if (fault == NOT_JSON)
        reply->body[strlen(reply->body) - 1] = '\0';
    else if (fault == NBR)
        snprintf(reply->body, sizeof reply->body, "{\"id\":\"r%d\",\"nbr\":8}", row);
    else if (fault == STATUS_500)
        reply->status = 500;
    else if (fault == CLOSING)
        reply->manner = SERVER_CLOSE;
    else if (fault == CHUNKED)
        reply->manner = SERVER_CHUNKED;
}

static inline void bidder_notice(struct bidder *bidder, const char *path,
                                 struct server_reply *reply)
{
    static const char *const names[KINDS] = {"win", "bill", "imp", "click", "conv", "loss"};
    const char *at = strstr(path, "r=r");
    int row = at ? atoi(at + 3) : 0, kind = 0;
    while (kind < KINDS && strncmp(path + 3, names[kind], strlen(names[kind])) != 0)
        kind++;
    if (kind == KINDS || strncmp(path, "/n/", 3) != 0 || !at) {
        reply->status = 404;
        return;
    }
    unsigned *seen = bidder->by_row_notices[row];
    bidder->out_of_order += (kind == BILL && !seen[WIN]) || (kind == IMP && !seen[BILL]) ||
                            (kind == CLICK && !seen[IMP]) || (kind == CONV && !seen[CLICK]);
    bidder->interleaved += kind != WIN && kind != LOSS && row != bidder->last_row;
    bidder->last_row = row;
    bidder->notices[kind]++;
    seen[kind]++;
    if (kind == WIN) {
        int64_t waited_ns = bidder_now() - bidder->asked_ns[row];
        if (bidder->soonest_ns == 0 || waited_ns < bidder->soonest_ns)
            bidder->soonest_ns = waited_ns;
    }
    if (kind == BILL)
        bidder->billed_micros += bidder_micros(strstr(path, "&p=") + 3);
    if (kind == LOSS)
        bidder->min_to_win_micros += bidder_micros(strstr(path, "&m=") + 3);
    bidder->conv_with_value += kind == CONV && strstr(path, "&t=1&v=2.5") != NULL;
    reply->status = kind == CLICK ? 302 : kind == IMP ? 200 : 204;
}

static inline void bidder_serve(void *context, const char *method, const char *path,
                                const char *body, struct server_reply *reply)
{
    struct bidder *bidder = context;
    if (strcmp(method, "POST") == 0)
        bidder_answer(bidder, body, reply);
    else
        bidder_notice(bidder, path, reply);
    if (bidder->is_gone)
        reply->manner = SERVER_HANG_UP;
}

#endif
