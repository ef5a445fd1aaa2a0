/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the library, asks it, and takes its events away. */
#include "tests/conformance/product.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/conformance/facts.h"

#define HOUR_S 3600
#define MARGIN_S 20

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "product: %s\n", what);
        abort();
    }
}

/* Both clocks at once, away from where a second more or less is another hour. */
static void set_clock(struct product *p)
{
    p->now_ns = qbid_now_ns();
    p->unix_s = (uint64_t)time(NULL);
    uint64_t left = HOUR_S - p->unix_s % HOUR_S;
    if (left <= MARGIN_S || left > HOUR_S - MARGIN_S) {
        p->now_ns += 2 * MARGIN_S * UINT64_C(1000000000);
        p->unix_s += 2 * MARGIN_S;
    }
}

void product_open(struct product *p)
{
    struct qbid_options options = {
        .size = sizeof options, .notice_url = FACTS_NOTICE_URL, .worker_timeout_ms = 5000};
    size_t bytes;
    void *image = facts_image(&bytes);
    broker_start(&p->broker, image, bytes, 12);
    free(image);
    options.socket_path = p->broker.path;
    must(qbid_open(&options, &p->qbid) == 0, "open");
    must(qbid_worker_open(p->qbid, &p->worker) == 0, "worker");
    p->body = NULL;
    p->body_max = 0;
    set_clock(p);
}

void product_close(struct product *p)
{
    qbid_worker_close(p->worker);
    qbid_close(p->qbid);
    broker_stop(&p->broker);
    free(p->body);
}

int product_ask(struct product *p, const char *text, size_t len)
{
    struct qbid_event event[64];
    if (p->body_max < len + QBID_PADDING) {
        p->body_max = 2 * (len + QBID_PADDING);
        free(p->body);
        p->body = malloc(p->body_max);
        must(p->body != NULL, "memory");
    }
    memcpy(p->body, text, len);
    memset(p->body + len, '"', QBID_PADDING);
    must(qbid_worker_openrtb(p->worker, "2", p->body, len, p->now_ns, p->out, sizeof p->out,
                             &p->answer) == 0,
         "openrtb");
    while (broker_events(&p->broker, 0, event, 64) > 0)
        ;
    return p->answer.status;
}
