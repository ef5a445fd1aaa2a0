/* SPDX-License-Identifier: Apache-2.0 */
/* Opens, asks, reads answers and sends notices, as an exchange would. */
#include "tests/plugin/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/plugin/account.h"
#include "tests/plugin/lines.h"

static void must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "host: %s\n", what);
        abort();
    }
}

void host_open(struct host *h, const struct qbid_options *options, unsigned lg_events)
{
    struct qbid_options own = {0};
    size_t bytes;
    void *image = account_image(1, &bytes);
    broker_start(&h->broker, image, bytes, lg_events);
    free(image);
    if (options)
        own = *options;
    own.size = sizeof own;
    own.socket_path = h->broker.path;
    own.worker_timeout_ms = 5000;
    own.notice_url = own.notice_url ? own.notice_url : HOST_NOTICE_URL;
    must(qbid_open(&own, &h->qbid) == 0, "open");
    must(qbid_worker_open(h->qbid, &h->worker) == 0, "worker");
    h->now_ns = qbid_now_ns();
    h->body = NULL;
}

void host_close(struct host *h)
{
    qbid_worker_close(h->worker);
    qbid_close(h->qbid);
    broker_stop(&h->broker);
    free(h->body);
}

int host_ask_within(struct host *h, const char *text, size_t out_max)
{
    free(h->body);
    h->body = lines_padded(text, strlen(text), 0);
    must(out_max <= HOST_OUT_MAX, "room");
    memset(h->out, '#', HOST_OUT_MAX);
    must(qbid_worker_openrtb(h->worker, h->exchange ? h->exchange : "2", h->body, strlen(text),
                             h->now_ns, h->out, out_max, &h->answer) == 0,
         "openrtb");
    for (size_t i = out_max; i < HOST_OUT_MAX; i++)
        must(h->out[i] == '#', "written past the room");
    return h->answer.status;
}

int host_ask(struct host *h, const char *text)
{
    return host_ask_within(h, text, HOST_OUT_MAX);
}

int host_ask_with(struct host *h, const char *fields, const char *imp_fields)
{
    char text[8192];
    snprintf(text, sizeof text,
             "{\"id\":\"auction\",\"imp\":[{\"id\":\"i1\",\"banner\":{\"w\":300,\"h\":250},"
             "\"bidfloorcur\":\"CNY\"%s%s}]%s%s}",
             *imp_fields ? "," : "", imp_fields, *fields ? "," : "", fields);
    return host_ask(h, text);
}

cJSON *host_json(const struct host *h)
{
    cJSON *json = cJSON_ParseWithLength(h->out, h->answer.body_bytes);
    must(json != NULL, "the answer is no JSON");
    return json;
}

const cJSON *host_bid(const cJSON *answer, int n, const cJSON **ret_seat)
{
    const cJSON *seat, *bid;
    cJSON_ArrayForEach(seat, cJSON_GetObjectItem(answer, "seatbid"))
    {
        cJSON_ArrayForEach(bid, cJSON_GetObjectItem(seat, "bid"))
        {
            if (n-- > 0)
                continue;
            if (ret_seat)
                *ret_seat = seat;
            return bid;
        }
    }
    return NULL;
}

const char *host_text(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    must(cJSON_IsString(item), name);
    return item->valuestring;
}

static void replace(char *text, size_t max, const char *macro, const char *value)
{
    char *at = value ? strstr(text, macro) : NULL;
    if (!at)
        return;
    char rest[2048];
    snprintf(rest, sizeof rest, "%s", at + strlen(macro));
    snprintf(at, max - (size_t)(at - text), "%s%s", value, rest);
}

int host_send(struct host *h, const char *kind, const char *query)
{
    return qbid_worker_notice(h->worker, kind, strlen(kind), query, strlen(query), h->now_ns,
                              h->location, sizeof h->location, &h->location_len);
}

int host_notice(struct host *h, const char *url, const char *price, const char *min)
{
    char text[4096], kind[16];
    snprintf(text, sizeof text, "%s", url);
    replace(text, sizeof text, "${AUCTION_PRICE}", price);
    replace(text, sizeof text, "${AUCTION_MIN_TO_WIN}", min);
    char *query = strchr(text, '?');
    must(query != NULL, "a notice URL without a query");
    *query++ = '\0';
    snprintf(kind, sizeof kind, "%s", strrchr(text, '/') + 1);
    return host_send(h, kind, query);
}

struct qbid_event host_event(struct host *h, enum qbid_event_kind kind)
{
    struct qbid_event event;
    while (broker_events(&h->broker, 0, &event, 1) == 1)
        if (event.kind == kind)
            return event;
    must(0, "no such event");
    return event;
}

unsigned host_drop_events(struct host *h)
{
    struct qbid_event event;
    unsigned n = 0;
    while (broker_events(&h->broker, 0, &event, 1) == 1)
        n++;
    return n;
}

uint64_t host_counter(const struct host *h, enum qbid_counter which)
{
    return broker_counter(&h->broker, 0, which);
}

uint64_t host_nobid(const struct host *h, enum qbid_nobid which)
{
    return broker_nobid(&h->broker, 0, which);
}

uint64_t host_privacy(const struct host *h, enum qbid_privacy_reason which)
{
    return atomic_load(&h->broker.page[0].header->privacy[which]);
}
