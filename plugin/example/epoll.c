/* SPDX-License-Identifier: Apache-2.0 */
/* An ad server on epoll: HTTP/1.1 with keep-alive on one thread, one qbid worker, no waiting.
 *
 *     qbid-example-epoll /run/qbid/qbid.sock https://ads.example/qbid/notice [PORT]
 *
 *     POST /bid                      a bid request
 *     GET or POST /qbid/notice/win?  a notice: win loss bill imp click conv
 *     GET /status                    counters as JSON
 *
 * A round of the loop takes what all ready connections have sent, then asks ahead for the memory of
 * their decisions, a step for each connection in turn, and then answers: the cache misses of one
 * request are waited for while the others are worked on. Between two rounds the thread says that it
 * is quiescent, and goes offline before it sleeps.
 *
 * Build it with: cc epoll.c http.c $(pkg-config --cflags --libs qbid)
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4, memmem */
#endif
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <qbid.h>

#include "http.h"

#define READY_MAX 64 /* connections a round */
#define IDLE_MS 1000

struct connection {
    struct http http;
    int polled; /* what epoll waits for */
    struct qbid_request hint;
    struct qbid_ahead_state ahead;
    struct connection *next, **link; /* of all connections */
};

struct server {
    int epoll, listener;
    struct qbid *qbid;
    struct qbid_worker *worker;
    uint64_t now_ns;
    struct connection *first;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* --- connections */

static void hang_up(struct connection *c)
{
    http_done(&c->http); /* its end takes it out of the epoll set */
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    free(c);
}

static int wait_for(struct server *s, struct connection *c, int events)
{
    struct epoll_event event = {.events = (uint32_t)events, .data = {.ptr = c}};
    int how = c->polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (c->polled == events)
        return 0;
    c->polled = events;
    return epoll_ctl(s->epoll, how, c->http.fd, &event);
}

static void welcome(struct server *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct connection *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
    if (!c || http_init(&c->http, fd, QBID_PADDING) != 0) {
        if (fd >= 0 && !c)
            close(fd);
        free(c);
        return;
    }
    c->next = s->first;
    c->link = &s->first;
    if (c->next)
        c->next->link = &c->next;
    s->first = c;
    if (wait_for(s, c, EPOLLIN) != 0)
        hang_up(c);
}

/* --- asking ahead: guesses at what the parser will read; a wrong one only asks for other memory */

/* Text or number behind "name": in the body. */
static size_t peek(const struct connection *c, const char *name, const char **ret_at)
{
    const char *body = c->http.in + c->http.head, *end = body + c->http.body;
    const char *at = memmem(body, c->http.body, name, strlen(name));
    if (!at)
        return 0;
    at += strlen(name);
    if (at < end && *at == '"')
        at++;
    const char *stop = at;
    while (stop < end && !strchr("\",}]", *stop))
        stop++;
    *ret_at = at;
    return (size_t)(stop - at);
}

static void guess(struct connection *c, const char *exchange)
{
    enum { EXCHANGE, SLOT, POSITION, DEVICE, GEO, SITE, SEGMENT, HOUR };
    char text[128];
    const char *a = "", *b = "";
    int an = (int)peek(c, "\"w\":", &a), bn = (int)peek(c, "\"h\":", &b);
    struct qbid_request *hint = &c->hint;
    memset(hint, 0, sizeof *hint);
    memset(&c->ahead, 0, sizeof c->ahead);
    hint->auction = QBID_AUCTION_FIRST_PRICE;
    hint->dim[EXCHANGE] = qbid_value_hash(EXCHANGE, exchange, strlen(exchange));
    int n = snprintf(text, sizeof text, "banner:%.*sx%.*s", an, a, bn, b);
    if (an > 0 && bn > 0 && n < (int)sizeof text)
        hint->slot[hint->slot_cnt++] = qbid_value_hash(SLOT, text, (size_t)n);
    an = (int)peek(c, "\"country\":", &a), bn = (int)peek(c, "\"region\":", &b);
    n = snprintf(text, sizeof text, "%.*s/%.*s", an, a, bn, b);
    if (an > 0 && n < (int)sizeof text)
        hint->dim[GEO] = qbid_value_hash(GEO, text, (size_t)n);
    an = (int)peek(c, "\"domain\":", &a);
    if (an > 0)
        hint->dim[SITE] = qbid_value_hash(SITE, a, (size_t)an);
    n = snprintf(text, sizeof text, "%d", (int)((time(NULL) / 3600 + 72) % 168));
    hint->dim[HOUR] = qbid_value_hash(HOUR, text, (size_t)n);
}

/* --- requests */

static const char bid_fields[] = "Content-Type: application/json\r\nx-openrtb-version: 2.6\r\n";

static int is_path(const char *target, const char *path)
{
    size_t len = strlen(path);
    return strncmp(target, path, len) == 0 && strchr(" ?", target[len]) != NULL;
}

static void bid(struct server *s, struct http *h)
{
    struct qbid_answer answer;
    char *body = h->out + HTTP_OUT_HEAD_MAX;
    int err = qbid_worker_openrtb(s->worker, "2", h->in + h->head, h->body, s->now_ns, body,
                                  HTTP_OUT_MAX, &answer);
    if (err < 0)
        http_reply(h, 500, "", NULL, 0);
    else
        http_reply(h, answer.status, answer.status == 200 ? bid_fields : "", body,
                   answer.body_bytes);
}

/* target: what stands behind "/qbid/notice/". */
static void notice(struct server *s, struct http *h, const char *target)
{
    char place[4096], fields[sizeof place + 16] = "";
    size_t place_len = 0, len = strcspn(target, " "), kind = strcspn(target, "? ");
    size_t query = kind < len ? kind + 1 : len;
    int status = qbid_worker_notice(s->worker, target, kind, target + query, len - query, s->now_ns,
                                    place, sizeof place, &place_len);
    if (status == 302)
        snprintf(fields, sizeof fields, "Location: %.*s\r\n", (int)place_len, place);
    http_reply(h, status < 0 ? 500 : status, fields, NULL, 0);
}

static void answer_status(struct server *s, struct http *h)
{
    char *body = h->out + HTTP_OUT_HEAD_MAX;
    int n = qbid_worker_status(s->worker, QBID_STATUS_JSON, body, HTTP_OUT_MAX);
    http_reply(h, n < 0 ? 500 : 200, "Content-Type: application/json\r\n", body,
               n < 0 ? 0 : (size_t)n);
}

static void answer(struct server *s, struct http *h)
{
    const char *target = h->refuse ? "" : http_target(h);
    if (h->refuse) {
        h->close = 1;
        http_reply(h, h->refuse, "", NULL, 0);
    } else if (is_path(target, "/bid") && h->method == HTTP_POST) {
        bid(s, h);
    } else if (is_path(target, "/bid")) {
        http_reply(h, 405, "Allow: POST\r\n", NULL, 0);
    } else if (strncmp(target, "/qbid/notice/", 13) == 0) {
        notice(s, h, target + 13);
    } else if (is_path(target, "/status")) {
        answer_status(s, h);
    } else {
        http_reply(h, 404, "", NULL, 0);
    }
    http_next(h);
}

/* --- the loop */

/* Ready connections with a whole request; others wait on or are gone. */
static unsigned gather(struct server *s, const struct epoll_event *events, int n,
                       struct connection *ready[READY_MAX])
{
    unsigned cnt = 0;
    for (int i = 0; i < n; i++) {
        struct connection *c = events[i].data.ptr;
        if (!c) {
            welcome(s);
            continue;
        }
        int state = c->http.out_bytes ? http_send(&c->http) : 1;
        if (state > 0)
            state = http_take(&c->http);
        if (state > 0)
            ready[cnt++] = c;
        else if (state < 0 || wait_for(s, c, c->http.out_bytes ? EPOLLOUT : EPOLLIN) != 0)
            hang_up(c);
    }
    return cnt;
}

static void ask_ahead(struct server *s, struct connection *const ready[], unsigned cnt)
{
    for (unsigned i = 0; i < cnt; i++)
        guess(ready[i], "2");
    for (int step = 0; step < 4; step++)
        for (unsigned i = 0; i < cnt; i++)
            (void)qbid_worker_ahead(s->worker, &ready[i]->hint, s->now_ns, &ready[i]->ahead);
}

static void round_of(struct server *s, const struct epoll_event *events, int n)
{
    struct connection *ready[READY_MAX];
    unsigned cnt = gather(s, events, n, ready);
    s->now_ns = qbid_now_ns();
    ask_ahead(s, ready, cnt);
    for (unsigned i = 0; i < cnt; i++) {
        struct connection *c = ready[i];
        int state = 1;
        while (state > 0) { /* and those that were sent behind it */
            answer(s, &c->http);
            state = http_send(&c->http);
            if (state > 0 && !http_is_whole(&c->http))
                state = 0;
        }
        if (state < 0 || wait_for(s, c, c->http.out_bytes ? EPOLLOUT : EPOLLIN) != 0)
            hang_up(c);
    }
}

static void serve(struct server *s)
{
    struct epoll_event events[READY_MAX];
    while (!stopped) {
        int n = epoll_wait(s->epoll, events, READY_MAX, 0);
        if (n == 0) { /* nothing to do: tables may come and go without this thread */
            qbid_worker_offline(s->worker);
            n = epoll_wait(s->epoll, events, READY_MAX, IDLE_MS);
            qbid_worker_online(s->worker);
        }
        if (n > 0)
            round_of(s, events, n);
        qbid_worker_quiescent(s->worker);
    }
}

static int listen_on(struct server *s, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};
    socklen_t len = sizeof address;
    int one = 1;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s->listener, (struct sockaddr *)&address, len) != 0 || listen(s->listener, 512) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&address, &len) != 0 ||
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &event) != 0)
        return -1;
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    return fflush(stdout);
}

static int run(struct server *s, const char *socket_path, const char *notice_url, int port)
{
    struct qbid_options options = {.size = sizeof options,
                                   .socket_path = socket_path,
                                   .notice_url = notice_url,
                                   .quiescent = 1};
    int err = qbid_open(&options, &s->qbid);
    if (err == 0 && (err = qbid_worker_open(s->qbid, &s->worker)) < 0)
        qbid_close(s->qbid);
    if (err < 0) {
        fprintf(stderr, "qbid: %s\n", qbid_strerror(err));
        return 1;
    }
    err = listen_on(s, port);
    if (err == 0)
        serve(s);
    else
        perror("listen");
    while (s->first)
        hang_up(s->first);
    qbid_worker_close(s->worker);
    qbid_close(s->qbid);
    close(s->listener);
    close(s->epoll);
    return err ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct server server = {.epoll = -1, .listener = -1};
    struct sigaction action = {.sa_handler = on_signal};
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: %s SOCKET NOTICE-URL [PORT]\n", argv[0]);
        return 2;
    }
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    return run(&server, argv[1], argv[2], argc == 4 ? atoi(argv[3]) : 0);
}
