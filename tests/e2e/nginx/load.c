/* SPDX-License-Identifier: Apache-2.0 */
/* Load over keep-alive connections, driven by epoll. */
#include "tests/e2e/nginx/load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2e/nginx/http.h"

#define LOAD_CONNECTIONS_MAX 256
#define LOAD_ANSWER_MAX 65536

struct connection {
    int fd; /* -1 = to be opened */
    bool waiting;
    uint64_t send_at_ns, sent_ns;
    size_t n;
    char bytes[LOAD_ANSWER_MAX];
};

struct load {
    int epoll, port;
    char *request;
    size_t request_bytes;
    unsigned pause_us, seed;
    bool once;
    struct connection connection[LOAD_CONNECTIONS_MAX];
    uint64_t answers, lost, connections, refused, slowest_ns, status[600];
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void drop(struct connection *c)
{
    close(c->fd);
    c->fd = -1;
    c->waiting = false;
    c->n = 0;
}

static void open_connection(struct load *load, struct connection *c, uint64_t now)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    c->fd = http_connect(load->port);
    if (c->fd < 0) {
        load->refused++;
        c->send_at_ns = now + 10000000;
        return;
    }
    load->connections++;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static void lose(struct load *load, struct connection *c, const char *how)
{
    load->lost++;
    fprintf(stderr, "lost after %.3f ms: %s\n", (double)(now_ns() - c->sent_ns) / 1e6, how);
    drop(c);
}

static void send_request(struct load *load, struct connection *c, uint64_t now)
{
    char byte;
    /* an end that had arrived before this request was made costs nothing */
    ssize_t got = recv(c->fd, &byte, 1, MSG_PEEK);

    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        drop(c);
        if (!load->once)
            open_connection(load, c, now);
        if (c->fd < 0)
            return;
    }
    c->sent_ns = now_ns();
    c->waiting = true;
    if (!http_send(c->fd, load->request, load->request_bytes))
        lose(load, c, strerror(errno));
}

static void take_answer(struct load *load, struct connection *c,
                        const struct http_response *response)
{
    uint64_t now = now_ns();

    load->answers++;
    load->status[response->status < 600 ? response->status : 0]++;
    if (now - c->sent_ns > load->slowest_ns)
        load->slowest_ns = now - c->sent_ns;
    c->waiting = false;
    c->n = 0;
    c->send_at_ns = now;
    if (load->pause_us > 0)
        c->send_at_ns += (uint64_t)((unsigned)rand_r(&load->seed) % load->pause_us) * 1000;
    if (response->close)
        drop(c);
}

static void receive(struct load *load, struct connection *c)
{
    struct http_response response;
    ssize_t got = read(c->fd, c->bytes + c->n, sizeof(c->bytes) - c->n);
    int rc;

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        if (c->waiting)
            lose(load, c, got == 0 ? "closed without an answer" : strerror(errno));
        else
            drop(c);
        return;
    }
    c->n += (size_t)got;
    rc = http_parse(c->bytes, c->n, &response);
    if (rc < 0)
        lose(load, c, "not an answer");
    else if (rc > 0)
        take_answer(load, c, &response);
}

/* Open and send what is due; until when nothing more is. */
static uint64_t send_due(struct load *load, unsigned n, uint64_t now, bool more)
{
    uint64_t next = now + 100000000;

    for (unsigned i = 0; i < n && more; i++) {
        struct connection *c = &load->connection[i];

        if (c->fd < 0 && c->send_at_ns <= now && !(load->once && load->connections >= n))
            open_connection(load, c, now);
        if (c->fd < 0 || c->waiting)
            continue;
        if (c->send_at_ns <= now)
            send_request(load, c, now);
        else if (c->send_at_ns < next)
            next = c->send_at_ns;
    }
    return next;
}

static unsigned outstanding(const struct load *load, unsigned n)
{
    unsigned waiting = 0;

    for (unsigned i = 0; i < n; i++)
        waiting += load->connection[i].waiting;
    return waiting;
}

static void drive(struct load *load, unsigned n, unsigned seconds)
{
    uint64_t end = now_ns() + (uint64_t)seconds * 1000000000;

    for (;;) {
        struct epoll_event events[LOAD_CONNECTIONS_MAX];
        uint64_t now = now_ns(), next;
        bool more = now < end && !stopped;
        struct timespec wait;
        int got;

        if (!more && (outstanding(load, n) == 0 || now > end + 10000000000))
            break;
        next = send_due(load, n, now, more);
        now = now_ns();
        next = next > now ? next - now : 0;
        wait = (struct timespec){.tv_nsec = (long)next};
        got = epoll_pwait2(load->epoll, events, LOAD_CONNECTIONS_MAX, &wait, NULL);
        for (int i = 0; i < got; i++)
            receive(load, events[i].data.ptr);
    }
    load->lost += outstanding(load, n);
}

static void print(const struct load *load)
{
    printf("answers %lu\nlost %lu\nconnections %lu\nrefused %lu\nslowest_us %lu\n", load->answers,
           load->lost, load->connections, load->refused, load->slowest_ns / 1000);
    for (int i = 0; i < 600; i++) {
        if (load->status[i] > 0)
            printf("status %d %lu\n", i, load->status[i]);
    }
}

int load_run(int port, const char *path, const char *file, unsigned n, unsigned seconds,
             unsigned pause_us, bool once)
{
    struct load *load = calloc(1, sizeof(*load));
    struct sigaction action = {.sa_handler = stop};
    size_t bytes;
    char *body;

    if (load == NULL || n > LOAD_CONNECTIONS_MAX)
        return 2;
    sigaction(SIGTERM, &action, NULL);
    body = http_file(file, &bytes);
    load->request = http_post(path, body, bytes, &load->request_bytes);
    load->port = port;
    load->pause_us = pause_us;
    load->once = once;
    load->seed = 1;
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < n; i++)
        load->connection[i].fd = -1;
    drive(load, n, seconds);
    print(load);
    for (unsigned i = 0; i < n; i++) {
        if (load->connection[i].fd >= 0)
            close(load->connection[i].fd);
    }
    close(load->epoll);
    free(load->request);
    free(load);
    free(body);
    return 0;
}
