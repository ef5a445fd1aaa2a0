/* SPDX-License-Identifier: Apache-2.0 */
/* A host for tests: the library with one worker, against a broker that serves the account. */
#ifndef QBID_TESTS_PLUGIN_HOST_H
#define QBID_TESTS_PLUGIN_HOST_H

#include <cjson/cJSON.h>

#include "plugin/qbid.h"
#include "tests/plugin/broker.h"

#define HOST_OUT_MAX 200000
#define HOST_NOTICE_URL "https://n.example/qbid/notice"

struct host {
    struct broker broker;
    struct qbid *qbid;
    struct qbid_worker *worker;
    uint64_t now_ns;
    const char *exchange; /* that asks; NULL = "2" */
    struct qbid_answer answer;
    char *body;
    char location[4096];
    size_t location_len;
    char out[HOST_OUT_MAX];
};

/** Defaults: no trace, a ring of 2^12 events. options may be NULL; its paths are replaced. */
void host_open(struct host *h, const struct qbid_options *options, unsigned lg_events);
void host_close(struct host *h);

/** Ask at h->now_ns; returns the HTTP status, out holds the answer. */
int host_ask(struct host *h, const char *text);

/** Ask with a room of out_max bytes for the answer. */
int host_ask_within(struct host *h, const char *text, size_t out_max);

/** Ask with these fields besides an id and one 300x250 banner impression in CNY. */
int host_ask_with(struct host *h, const char *fields, const char *imp_fields);

/** The answer as JSON; cJSON_Delete() it. */
cJSON *host_json(const struct host *h);

/** Bid number n of the answer, over all seats; its seat in *ret_seat unless NULL. */
const cJSON *host_bid(const cJSON *answer, int n, const cJSON **ret_seat);

/** Text of a field, which must be a string. */
const char *host_text(const cJSON *object, const char *name);

/** Send a notice URL; its first ${AUCTION_PRICE} becomes price and its first ${AUCTION_MIN_TO_WIN}
 *  min where these are not NULL. Returns the HTTP status. */
int host_notice(struct host *h, const char *url, const char *price, const char *min);

/** Send kind and query as they are. */
int host_send(struct host *h, const char *kind, const char *query);

/** The next event of a kind, others are dropped; aborts when there is none. */
struct qbid_event host_event(struct host *h, enum qbid_event_kind kind);

/** How many events wait; all are dropped. */
unsigned host_drop_events(struct host *h);

uint64_t host_counter(const struct host *h, enum qbid_counter which);
uint64_t host_nobid(const struct host *h, enum qbid_nobid which);
uint64_t host_privacy(const struct host *h, enum qbid_privacy_reason which);

#endif
