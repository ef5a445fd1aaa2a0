/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket's side of qbidd. */
#include "control/api/api.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/api/socket.h"
#include "shm/error.h"
#include "shm/handover.h"

#define EVENTS_MAX 16
#define READ_BYTES 65536
#define LISTENER UINT64_MAX

struct client {
    int fd; /* -1 = free place */
    struct qbid_api_peer peer;
    char *in; /* the request so far */
    size_t in_len, in_max, scanned;
    char *out; /* the answer, line end included; NULL = none */
    size_t out_len, out_done;
    uint64_t moved_ns; /* last byte in either direction */
    bool writing;      /* waits for room in the socket */
};

struct qbid_api {
    struct qbid_api_params params;
    char *path;
    int epoll, listener;
    struct client client[QBID_API_CLIENTS_MAX];
    struct qbid_api_counters counters;
};

static void client_close(struct qbid_api *api, struct client *c)
{
    close(c->fd); /* leaves the epoll set with it */
    free(c->in);
    free(c->out);
    *c = (struct client){.fd = -1};
    api->counters.clients--;
}

static void client_drop(struct qbid_api *api, struct client *c)
{
    api->counters.dropped++;
    client_close(api, c);
}

/* A free place, or that of the client that has been still for longest. */
static struct client *place_find(struct qbid_api *api)
{
    struct client *oldest = &api->client[0];
    for (int i = 0; i < QBID_API_CLIENTS_MAX; i++) {
        struct client *c = &api->client[i];
        if (c->fd < 0)
            return c;
        if (c->moved_ns < oldest->moved_ns)
            oldest = c;
    }
    client_drop(api, oldest);
    return oldest;
}

static void accept_one(struct qbid_api *api, uint64_t now_ns)
{
    int fd = accept4(api->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    api->counters.connections++;
    gid_t gid;
    struct qbid_api_peer peer;
    if (qbid_handover_peer(fd, &peer.pid, &peer.uid, &gid) != 0) {
        close(fd);
        return;
    }
    struct client *c = place_find(api);
    *c = (struct client){.fd = fd, .peer = peer, .moved_ns = now_ns};
    api->counters.clients++;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)(c - api->client)};
    if (epoll_ctl(api->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        client_drop(api, c);
}

static int interest_set(struct qbid_api *api, struct client *c, bool writing)
{
    if (c->writing == writing)
        return 0;
    c->writing = writing;
    struct epoll_event event = {.events = writing ? EPOLLOUT : EPOLLIN,
                                .data.u64 = (uint64_t)(c - api->client)};
    return epoll_ctl(api->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void answer_write(struct qbid_api *api, struct client *c, uint64_t now_ns)
{
    while (c->out_done < c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_done, c->out_len - c->out_done,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            if (interest_set(api, c, true) != 0)
                client_drop(api, c);
            return;
        }
        if (n < 0) {
            client_close(api, c);
            return;
        }
        c->out_done += (size_t)n;
        c->moved_ns = now_ns;
    }
    free(c->out);
    c->out = NULL;
    if (interest_set(api, c, false) != 0)
        client_drop(api, c);
}

static char *refusal(const char *message)
{
    char *text = NULL;
    if (asprintf(&text,
                 "{\"ok\":false,\"schema_version\":%d,\"error\":{\"code\":\"LIMIT\",\"exit\":1,"
                 "\"message\":\"%s\"}}",
                 QBID_API_SCHEMA_VERSION, message) < 0)
        return NULL;
    return text;
}

/* Queue an answer and its line end; takes the text. */
static void answer_queue(struct qbid_api *api, struct client *c, char *text, uint64_t now_ns)
{
    size_t len = text ? strlen(text) : 0;
    if (len > QBID_API_ANSWER_MAX) {
        free(text);
        api->counters.refused++;
        text = refusal("the answer is too long");
        len = text ? strlen(text) : 0;
    }
    char *line = text ? realloc(text, len + 2) : NULL;
    if (!line) {
        free(text);
        client_drop(api, c);
        return;
    }
    line[len] = '\n';
    line[len + 1] = '\0';
    c->out = line;
    c->out_len = len + 1;
    c->out_done = 0;
    answer_write(api, c, now_ns);
}

/* Answer the first whole line, if there is one. */
static bool line_take(struct qbid_api *api, struct client *c, uint64_t now_ns)
{
    char *end =
        c->in_len > c->scanned ? memchr(c->in + c->scanned, '\n', c->in_len - c->scanned) : NULL;
    c->scanned = c->in_len;
    if (!end)
        return false;
    size_t len = (size_t)(end - c->in), rest = c->in_len - len - 1;
    *end = '\0';
    api->counters.requests++;
    char *text = api->params.answer(api->params.context, &c->peer, c->in, len);
    memmove(c->in, end + 1, rest);
    c->in_len = rest;
    c->scanned = 0;
    answer_queue(api, c, text, now_ns);
    return true;
}

static bool room_make(struct client *c)
{
    if (c->in_max - c->in_len >= READ_BYTES)
        return true;
    size_t max = c->in_max ? c->in_max * 2 : 2 * READ_BYTES;
    char *more = realloc(c->in, max);
    if (!more)
        return false;
    c->in = more;
    c->in_max = max;
    return true;
}

static void request_read(struct qbid_api *api, struct client *c, uint64_t now_ns)
{
    if (!room_make(c)) {
        client_drop(api, c);
        return;
    }
    ssize_t n = recv(c->fd, c->in + c->in_len, c->in_max - c->in_len - 1, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_close(api, c);
        return;
    }
    c->in_len += (size_t)n;
    c->moved_ns = now_ns;
}

/* What one event of a client's socket leads to. Returns requests answered. */
static int client_serve(struct qbid_api *api, struct client *c, uint64_t now_ns)
{
    if (c->fd < 0)
        return 0;
    if (c->out)
        answer_write(api, c, now_ns);
    else
        request_read(api, c, now_ns);
    if (c->fd < 0 || c->out)
        return 0;
    if (line_take(api, c, now_ns))
        return 1;
    if (c->in_len > QBID_API_REQUEST_MAX) {
        api->counters.refused++;
        answer_queue(api, c, refusal("the request is too long"), now_ns);
        if (c->fd >= 0)
            client_close(api, c);
    }
    return 0;
}

int qbid_api_tick(struct qbid_api *api, uint64_t now_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int answered = 0;
    int cnt = epoll_wait(api->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < cnt; i++) {
        if (events[i].data.u64 == LISTENER)
            accept_one(api, now_ns);
        else
            answered += client_serve(api, &api->client[events[i].data.u64], now_ns);
    }
    for (int i = 0; i < QBID_API_CLIENTS_MAX; i++) {
        struct client *c = &api->client[i];
        if (c->fd < 0)
            continue;
        if (c->out && now_ns > c->moved_ns + QBID_API_STALL_NS)
            client_drop(api, c);
        else if (!c->out && c->in_len > c->scanned && line_take(api, c, now_ns))
            answered++; /* a request that came together with the one before it */
    }
    return answered;
}

int qbid_api_new(const struct qbid_api_params *params, struct qbid_api **ret_api)
{
    struct qbid_api *api = calloc(1, sizeof *api);
    if (!api)
        return QBID_ERR_NOMEM;
    *api = (struct qbid_api){.params = *params, .epoll = -1, .listener = -1};
    for (int i = 0; i < QBID_API_CLIENTS_MAX; i++)
        api->client[i].fd = -1;
    int err = QBID_ERR_NOMEM;
    api->path = strdup(params->path);
    if (!api->path)
        goto fail;
    api->listener = qbid_socket_listen(params->path, params->mode);
    err = api->listener < 0 ? api->listener : QBID_ERR_SYS;
    if (api->listener < 0)
        goto fail;
    api->epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = LISTENER};
    if (api->epoll < 0 || epoll_ctl(api->epoll, EPOLL_CTL_ADD, api->listener, &event) != 0)
        goto fail;
    *ret_api = api;
    return 0;
fail:
    qbid_api_free(api);
    return err;
}

void qbid_api_free(struct qbid_api *api)
{
    if (!api)
        return;
    for (int i = 0; i < QBID_API_CLIENTS_MAX; i++)
        if (api->client[i].fd >= 0)
            client_close(api, &api->client[i]);
    if (api->listener >= 0) {
        close(api->listener);
        unlink(api->path);
    }
    if (api->epoll >= 0)
        close(api->epoll);
    free(api->path);
    free(api);
}

int qbid_api_fd(const struct qbid_api *api)
{
    return api->epoll;
}

struct qbid_api_counters qbid_api_counters_load(const struct qbid_api *api)
{
    return api->counters;
}
